/* image.h in C: for other machines, and where a compiler finds no constants. Included by image.h
 * and image_arm.h only. */
#pragma once

#include "image_row.h"

/* Two output rows. The lower byte is stored first: where only one row is kept, the upper one
 * replaces it. */
GLYPHITE_KERNEL void glyphite_image_rows_c(struct glyphite_image_row *row, const uint32_t *words,
                                           int32_t below, int32_t channels, int32_t width,
                                           int32_t shift, const uint32_t weights[6]) {
    for (int32_t x = 0; x < width; x++, words++, row->output += channels) {
        int32_t upper = row->bias;
        int32_t lower = row->bias;
        for (int32_t column = 0; column < 3; column++) {
            const uint32_t above = words[column];
            const uint32_t under = words[below / 4 + column];
            upper = glyphite_smlad(above, weights[2 * column], upper);
            upper = glyphite_smlabt(under, weights[2 * column + 1], upper);
            lower = glyphite_smlatb(above, weights[2 * column], lower);
            lower = glyphite_smlad(under, weights[2 * column + 1], lower);
        }
        upper = glyphite_smmla(upper, row->multiplier, row->addend);
        lower = glyphite_smmla(lower, row->multiplier, row->addend);
        row->output[row->lower] = (int8_t)glyphite_shift_to_byte(lower, shift);
        row->output[0] = (int8_t)glyphite_shift_to_byte(upper, shift);
    }
}

/* One output row with stride 2. */
GLYPHITE_KERNEL void glyphite_image_row_2_c(struct glyphite_image_row *row, const uint32_t *words,
                                            int32_t below, int32_t channels, int32_t width,
                                            int32_t shift, const uint32_t weights[6]) {
    for (int32_t x = 0; x < width; x++, words += 2, row->output += channels) {
        int32_t sum = row->bias;
        for (int32_t column = 0; column < 3; column++) {
            sum = glyphite_smlad(words[column], weights[2 * column], sum);
            sum = glyphite_smlabt(words[below / 4 + column], weights[2 * column + 1], sum);
        }
        sum = glyphite_smmla(sum, row->multiplier, row->addend);
        row->output[0] = (int8_t)glyphite_shift_to_byte(sum, shift);
    }
}

#if !defined(__ARM_FEATURE_DSP) || !defined(__thumb2__) || !defined(__OPTIMIZE__)
#define glyphite_image_rows glyphite_image_rows_c
#define glyphite_image_row_2 glyphite_image_row_2_c
#endif
