/* image.h in assembly. Included by image.h only.
 *
 * Six weights, four sums, two words, the pointer to them and one more register are all 14 of a
 * core; so output, multiplier, addend and the row's end come from the stack, once a block of two
 * pixels by two rows. */
#pragma once

#include <stddef.h>
#include "../check.h"
#include "image_c.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__OPTIMIZE__)

GLYPHITE_CHECK(image_output_and_multiplier, offsetof(struct glyphite_image_row, multiplier) ==
                                                offsetof(struct glyphite_image_row, output) + 4);
GLYPHITE_CHECK(image_multiplier_and_addend,
               offsetof(struct glyphite_image_row, addend) ==
                   offsetof(struct glyphite_image_row, multiplier) + 4);

/* Whether the compiler knows the numbers that are part of instructions, and LDRD reaches the rows
 * below. */
#define GLYPHITE_IMAGE_CONSTANT                                                                    \
    (__builtin_constant_p(below) && __builtin_constant_p(channels) &&                              \
     __builtin_constant_p(shift) && below <= GLYPHITE_IMAGE_BELOW)

#define GLYPHITE_IMAGE_WEIGHTS(WEIGHTS)                                                            \
    [w0] "r"((WEIGHTS)[0]), [w1] "r"((WEIGHTS)[1]), [w2] "r"((WEIGHTS)[2]),                        \
        [w3] "r"((WEIGHTS)[3]), [w4] "r"((WEIGHTS)[4]), [w5] "r"((WEIGHTS)[5])
#define GLYPHITE_IMAGE_MEMORY(ROW)                                                                 \
    [multiplier] "m"((ROW)->multiplier), [addend] "m"((ROW)->addend), [lower] "m"((ROW)->lower),   \
        [bias] "m"((ROW)->bias), [end] "m"((ROW)->end)

/* A word of the upper two input rows, times a column of the filter, for both output rows. */
#define GLYPHITE_ABOVE(D, W, UPPER, FROM_UPPER, LOWER, FROM_LOWER)                                 \
    "smlad %[" UPPER "], %[" D "], %[" W "], %[" FROM_UPPER "]\n\t"                                \
    "smlatb %[" LOWER "], %[" D "], %[" W "], %[" FROM_LOWER "]\n\t"
/* The same for a word of the lower two input rows. */
#define GLYPHITE_UNDER(D, W, UPPER, LOWER)                                                         \
    "smlabt %[" UPPER "], %[" D "], %[" W "], %[" UPPER "]\n\t"                                    \
    "smlad %[" LOWER "], %[" D "], %[" W "], %[" LOWER "]\n\t"

/* The end of the epilogue, but for the store. */
#define GLYPHITE_IMAGE_BYTE(SUM) "ssat %[" SUM "], #8, %[" SUM "], asr %[shift]\n\t"

/* Blocks of two pixels by two rows, until the words' end. Gives the words behind. */
GLYPHITE_KERNEL const uint32_t *glyphite_image_pairs(struct glyphite_image_row *row,
                                                     const uint32_t *words, int32_t below,
                                                     int32_t channels, int32_t shift,
                                                     const uint32_t weights[6]) {
    uint32_t d0, d1, t;
    int32_t s0, s1, s2, s3;
    /* An instruction a line, which clang-format would join. */
    /* clang-format off */
    __asm__ volatile(
        "1:\n\t"
        "ldr %[t], %[bias]\n\t"
        "ldrd %[d0], %[d1], [%[words]], #8\n\t" /* columns 0 and 1 */
        GLYPHITE_ABOVE("d0", "w0", "s0", "t", "s1", "t")
        GLYPHITE_ABOVE("d1", "w0", "s2", "t", "s3", "t")
        GLYPHITE_ABOVE("d1", "w2", "s0", "s0", "s1", "s1")
        "ldrd %[d0], %[d1], [%[words]]\n\t" /* 2 and 3 */
        GLYPHITE_ABOVE("d0", "w4", "s0", "s0", "s1", "s1")
        GLYPHITE_ABOVE("d0", "w2", "s2", "s2", "s3", "s3")
        GLYPHITE_ABOVE("d1", "w4", "s2", "s2", "s3", "s3")
        "ldrd %[d0], %[d1], [%[words], %[before]]\n\t"
        GLYPHITE_UNDER("d0", "w1", "s0", "s1")
        GLYPHITE_UNDER("d1", "w1", "s2", "s3")
        GLYPHITE_UNDER("d1", "w3", "s0", "s1")
        "ldrd %[d0], %[d1], [%[words], %[below]]\n\t"
        GLYPHITE_UNDER("d0", "w5", "s0", "s1")
        GLYPHITE_UNDER("d0", "w3", "s2", "s3")
        GLYPHITE_UNDER("d1", "w5", "s2", "s3")
        "ldrd %[t], %[d0], %[output]\n\t" /* and the multiplier */
        "ldr %[d1], %[addend]\n\t"
        "smmla %[s0], %[s0], %[d0], %[d1]\n\t"
        "smmla %[s1], %[s1], %[d0], %[d1]\n\t"
        "smmla %[s2], %[s2], %[d0], %[d1]\n\t"
        "smmla %[s3], %[s3], %[d0], %[d1]\n\t"
        GLYPHITE_IMAGE_BYTE("s0")
        GLYPHITE_IMAGE_BYTE("s1")
        GLYPHITE_IMAGE_BYTE("s2")
        GLYPHITE_IMAGE_BYTE("s3")
        "ldr %[d0], %[lower]\n\t"
        "strb %[s1], [%[t], %[d0]]\n\t"
        "strb %[s0], [%[t]]\n\t"
        "add %[t], %[t], %[channels]\n\t"
        "strb %[s3], [%[t], %[d0]]\n\t"
        "strb %[s2], [%[t]]\n\t"
        "add %[t], %[t], %[channels]\n\t"
        "str %[t], %[output]\n\t"
        "ldr %[d0], %[end]\n\t"
        "cmp %[words], %[d0]\n\t"
        "bne 1b"
        : [words] "+r"(words), [output] "+m"(row->output), [d0] "=&r"(d0), [d1] "=&r"(d1),
          [t] "=&r"(t), [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3)
        : [before] "i"(below - 8), [below] "i"(below), [channels] "i"(channels), [shift] "i"(shift),
          GLYPHITE_IMAGE_WEIGHTS(weights), GLYPHITE_IMAGE_MEMORY(row)
        : "cc", "memory");
    /* clang-format on */
    return words;
}

/* One pixel by two rows: the last of an odd width. */
GLYPHITE_KERNEL void glyphite_image_last(struct glyphite_image_row *row, const uint32_t *words,
                                         int32_t below, int32_t shift, const uint32_t weights[6]) {
    uint32_t d0, d1, t;
    int32_t s0, s1;
    /* clang-format off */
    __asm__ volatile(
        "ldr %[t], %[bias]\n\t"
        "ldrd %[d0], %[d1], [%[words]]\n\t"
        GLYPHITE_ABOVE("d0", "w0", "s0", "t", "s1", "t")
        GLYPHITE_ABOVE("d1", "w2", "s0", "s0", "s1", "s1")
        "ldr %[d0], [%[words], #8]\n\t"
        GLYPHITE_ABOVE("d0", "w4", "s0", "s0", "s1", "s1")
        "ldrd %[d0], %[d1], [%[words], %[below]]\n\t"
        GLYPHITE_UNDER("d0", "w1", "s0", "s1")
        GLYPHITE_UNDER("d1", "w3", "s0", "s1")
        "ldr %[d0], [%[words], %[behind]]\n\t"
        GLYPHITE_UNDER("d0", "w5", "s0", "s1")
        "ldrd %[t], %[d0], %[output]\n\t"
        "ldr %[d1], %[addend]\n\t"
        "smmla %[s0], %[s0], %[d0], %[d1]\n\t"
        "smmla %[s1], %[s1], %[d0], %[d1]\n\t"
        GLYPHITE_IMAGE_BYTE("s0")
        GLYPHITE_IMAGE_BYTE("s1")
        "ldr %[d0], %[lower]\n\t"
        "strb %[s1], [%[t], %[d0]]\n\t"
        "strb %[s0], [%[t]]"
        : [d0] "=&r"(d0), [d1] "=&r"(d1), [t] "=&r"(t), [s0] "=&r"(s0), [s1] "=&r"(s1)
        : [words] "r"(words), [output] "m"(row->output), [below] "i"(below),
          [behind] "i"(below + 8), [shift] "i"(shift), GLYPHITE_IMAGE_WEIGHTS(weights),
          GLYPHITE_IMAGE_MEMORY(row)
        : "memory");
    /* clang-format on */
}

GLYPHITE_KERNEL void glyphite_image_rows(struct glyphite_image_row *row, const uint32_t *words,
                                         int32_t below, int32_t channels, int32_t width,
                                         int32_t shift, const uint32_t weights[6]) {
    if (!GLYPHITE_IMAGE_CONSTANT) {
        glyphite_image_rows_c(row, words, below, channels, width, shift, weights);
        return;
    }
    row->end = words + width / 2 * 2;
    if (width > 1) {
        words = glyphite_image_pairs(row, words, below, channels, shift, weights);
    }
    if (width % 2 != 0) {
        glyphite_image_last(row, words, below, shift, weights);
    }
}

/* Blocks of two pixels of one row with stride 2, until the words' end. Gives the words behind. */
GLYPHITE_KERNEL const uint32_t *glyphite_image_pairs_2(struct glyphite_image_row *row,
                                                       const uint32_t *words, int32_t below,
                                                       int32_t channels, int32_t shift,
                                                       const uint32_t weights[6]) {
    int8_t *output = row->output;
    uint32_t d0, d1, t;
    int32_t s0, s1;
    /* clang-format off */
    __asm__ volatile(
        "1:\n\t"
        "ldr %[t], %[bias]\n\t"
        "ldrd %[d0], %[d1], [%[words]], #8\n\t" /* columns 0 and 1 */
        "smlad %[s0], %[d0], %[w0], %[t]\n\t"
        "smlad %[s0], %[d1], %[w2], %[s0]\n\t"
        "ldrd %[d0], %[d1], [%[words]], #8\n\t" /* 2 and 3 */
        "smlad %[s0], %[d0], %[w4], %[s0]\n\t"
        "smlad %[s1], %[d0], %[w0], %[t]\n\t"
        "smlad %[s1], %[d1], %[w2], %[s1]\n\t"
        "ldr %[d0], [%[words]]\n\t" /* 4 */
        "smlad %[s1], %[d0], %[w4], %[s1]\n\t"
        "ldrd %[d0], %[d1], [%[words], %[first]]\n\t"
        "smlabt %[s0], %[d0], %[w1], %[s0]\n\t"
        "smlabt %[s0], %[d1], %[w3], %[s0]\n\t"
        "ldrd %[d0], %[d1], [%[words], %[before]]\n\t"
        "smlabt %[s0], %[d0], %[w5], %[s0]\n\t"
        "smlabt %[s1], %[d0], %[w1], %[s1]\n\t"
        "smlabt %[s1], %[d1], %[w3], %[s1]\n\t"
        "ldr %[d0], [%[words], %[below]]\n\t"
        "smlabt %[s1], %[d0], %[w5], %[s1]\n\t"
        "ldrd %[d0], %[d1], %[multiplier]\n\t" /* and the addend */
        "smmla %[s0], %[s0], %[d0], %[d1]\n\t"
        "smmla %[s1], %[s1], %[d0], %[d1]\n\t"
        GLYPHITE_IMAGE_BYTE("s0")
        GLYPHITE_IMAGE_BYTE("s1")
        "strb %[s0], [%[output]]\n\t"
        "strb %[s1], [%[output], %[channels]]\n\t"
        "add %[output], %[output], %[both]\n\t"
        "ldr %[d0], %[end]\n\t"
        "cmp %[words], %[d0]\n\t"
        "bne 1b"
        : [words] "+r"(words), [output] "+r"(output), [d0] "=&r"(d0), [d1] "=&r"(d1),
          [t] "=&r"(t), [s0] "=&r"(s0), [s1] "=&r"(s1)
        : [first] "i"(below - 16), [before] "i"(below - 8), [below] "i"(below),
          [channels] "i"(channels), [both] "i"(2 * channels), [shift] "i"(shift),
          GLYPHITE_IMAGE_WEIGHTS(weights), GLYPHITE_IMAGE_MEMORY(row)
        : "cc", "memory");
    /* clang-format on */
    row->output = output;
    return words;
}

GLYPHITE_KERNEL void glyphite_image_row_2(struct glyphite_image_row *row, const uint32_t *words,
                                          int32_t below, int32_t channels, int32_t width,
                                          int32_t shift, const uint32_t weights[6]) {
    if (!GLYPHITE_IMAGE_CONSTANT) {
        glyphite_image_row_2_c(row, words, below, channels, width, shift, weights);
        return;
    }
    row->end = words + width / 2 * 4;
    if (width > 1) {
        words = glyphite_image_pairs_2(row, words, below, channels, shift, weights);
    }
    if (width % 2 != 0) {
        glyphite_image_row_2_c(row, words, below, channels, 1, shift, weights);
    }
}

#endif
