/* dot.h in C. Included by dot.h only. */
#pragma once

#if !defined(__ARM_FEATURE_DSP) || !defined(__thumb2__) || !defined(__OPTIMIZE__)

GLYPHITE_KERNEL void glyphite_products(int32_t *sums, const int32_t weights[2],
                                       const uint32_t *patch, int32_t pixels) {
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        sums[2 * pixel] = glyphite_smlad((uint32_t)weights[0], patch[pixel], sums[2 * pixel]);
        sums[2 * pixel + 1] =
            glyphite_smlad((uint32_t)weights[1], patch[pixel], sums[2 * pixel + 1]);
    }
}

GLYPHITE_KERNEL const int32_t *glyphite_dot_wide(int32_t *sums, const int32_t *weights,
                                                 const uint32_t *patch, int32_t steps,
                                                 int32_t pixels) {
    for (int32_t pair = 0; pair < 2 * steps; pair++) {
        glyphite_products(sums, weights + 2 * pair, patch + pixels * pair, pixels);
    }
    return weights + 4 * steps;
}

GLYPHITE_KERNEL const int32_t *glyphite_dot_narrow(int32_t *sums, const int32_t *weights,
                                                   const uint32_t *patch, int32_t steps,
                                                   int32_t pixels) {
    for (int32_t step = 0; step < steps; step++) {
        const int32_t *const words = weights + 2 * step;
        const int32_t even[2] = {(int32_t)glyphite_even_bytes((uint32_t)words[0]),
                                 (int32_t)glyphite_even_bytes((uint32_t)words[1])};
        glyphite_products(sums, words, patch + 2 * pixels * step, pixels);
        glyphite_products(sums, even, patch + 2 * pixels * step + pixels, pixels);
    }
    return weights + 2 * steps;
}

#define GLYPHITE_DOT(KIND, PIXELS)                                                                 \
    GLYPHITE_KERNEL const int32_t *glyphite_dot_##KIND##_##PIXELS(                                 \
        int32_t *sums, const int32_t *weights, const uint32_t **at, int32_t steps) {               \
        const uint32_t *const patch = *at;                                                         \
        *at = patch + 2 * PIXELS * steps;                                                          \
        return glyphite_dot_##KIND(sums, weights, patch, steps, PIXELS);                           \
    }

GLYPHITE_DOT(narrow, 1)
GLYPHITE_DOT(narrow, 2)
GLYPHITE_DOT(narrow, 3)
GLYPHITE_DOT(narrow, 4)
GLYPHITE_DOT(wide, 1)
GLYPHITE_DOT(wide, 2)
GLYPHITE_DOT(wide, 3)
GLYPHITE_DOT(wide, 4)

GLYPHITE_KERNEL const int32_t *glyphite_dot_first_4(int32_t *sums, const int32_t *weights,
                                                    const uint32_t **at) {
    for (int32_t i = 0; i < 8; i++) {
        sums[i] = 0;
    }
    return glyphite_dot_wide_4(sums, weights, at, 1);
}

GLYPHITE_KERNEL const int32_t *glyphite_dot_4_channels(int32_t *sums, const int32_t *weights,
                                                       const uint32_t *patch, int32_t steps) {
    for (int32_t word = 0; word < 4 * steps; word++) {
        const uint32_t *const pairs = patch + word / 4 * 2;
        const uint32_t four = (uint32_t)weights[word];
        int32_t *const sum = sums + word % 4;
        *sum = glyphite_smlad(four, pairs[0], *sum);
        *sum = glyphite_smlad(glyphite_even_bytes(four), pairs[1], *sum);
    }
    return weights + 4 * steps;
}

GLYPHITE_KERNEL const int32_t *glyphite_dot_plane(int32_t sums[4], const int32_t *weights,
                                                  const uint32_t *patch) {
    const uint32_t last[2] = {glyphite_pack_high(patch[10], patch[12]),
                              glyphite_pack_high(patch[11], patch[12])};
    const uint32_t bottom[2] = {glyphite_pack_low_high(patch[12], 0), patch[12] >> 16};
    for (int32_t pixel = 0; pixel < 4; pixel++) {
        const uint32_t *const pairs = patch + pixel / 2 * 2 + pixel % 2;
        int32_t sum = weights[3];
        for (int32_t row = 0; row < 3; row++) {
            sum = glyphite_smlad(pairs[2 * row], (uint32_t)weights[row], sum);
        }
        sum = glyphite_smlad(patch[8 + pixel], (uint32_t)weights[4], sum);
        sums[pixel] =
            glyphite_smlabb(pixel < 2 ? last[pixel] : bottom[pixel - 2], (uint32_t)weights[5], sum);
    }
    return weights + 6;
}

#endif
