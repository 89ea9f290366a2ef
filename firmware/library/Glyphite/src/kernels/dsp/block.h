/* All output channels of a block of three or four pixels, for layers of the simplest form: wide
 * weights (dot.h) and an even number of channels; the proven form (requantize.h) with a shift of
 * GLYPHITE_BLOCK_SHIFT, without `up`, `kink` and limits of an activation. One copy of each function
 * serves all layers. Three pixels take fewer instructions a step than four, whose weights and
 * inputs do not fit the registers at once; four take fewer around the steps. */
#pragma once

#include <stddef.h>
#include "../check.h"
#include "dot.h"

/* The shift of the epilogue, behind its multiplication. */
#define GLYPHITE_BLOCK_SHIFT 8

struct glyphite_block {
    int32_t addend;        /* of the epilogue; `output` follows it, so that LDRD reads both */
    int8_t *output;        /* (pixels, channels) */
    const int8_t *end;     /* of the first pixel's outputs */
    int32_t channels;      /* bytes from a pixel's outputs to the next one's */
    const uint32_t *patch; /* [steps][2][pixels], see dot.h */
    const uint32_t *patch_end;
    const int32_t *weights; /* as in conv_2d.h */
};

/* A function that stays one, however many layers call it. */
#ifdef __GNUC__
#define GLYPHITE_SHARED static __attribute__((noinline, unused))
#else
#define GLYPHITE_SHARED static inline
#endif

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__OPTIMIZE__)

GLYPHITE_CHECK(block_addend_and_output, offsetof(struct glyphite_block, output) ==
                                            offsetof(struct glyphite_block, addend) + 4);

/* A step of 3 pixels: GLYPHITE_STEP_WIDE in instructions of 4 bytes each, 64 bytes of code, so that
 * a jump into the loop can leave steps out. */
#define GLYPHITE_BLOCK_PAIR                                                                        \
    "ldrd %[v0], %[v1], [%[w]], #8\n\t"                                                            \
    "ldmia.w %[p]!, {r4, r5, r6}\n\t"                                                              \
    "smlad %[s0], %[v0], r4, %[s0]\n\t"                                                            \
    "smlad %[s1], %[v1], r4, %[s1]\n\t"                                                            \
    "smlad %[s2], %[v0], r5, %[s2]\n\t"                                                            \
    "smlad %[s3], %[v1], r5, %[s3]\n\t"                                                            \
    "smlad %[s4], %[v0], r6, %[s4]\n\t"                                                            \
    "smlad %[s5], %[v1], r6, %[s5]\n\t"
#define GLYPHITE_BLOCK_STEP GLYPHITE_BLOCK_PAIR GLYPHITE_BLOCK_PAIR
#define GLYPHITE_BLOCK_BYTES 64
#define GLYPHITE_BLOCK_8(STEP) STEP STEP STEP STEP STEP STEP STEP STEP
/* How many of a round's eight steps the first round leaves out. */
#define GLYPHITE_BLOCK_SKIPPED(STEPS) ((STEPS) == 0 ? 8 : -(STEPS)&7)

/* The first pair of each pixel: accumulators start from the biases, which are in s0 and s1. */
#define GLYPHITE_BLOCK_FIRST                                                                       \
    "ldrd %[v0], %[v1], [%[w]], #8\n\t"                                                            \
    "ldmia.w %[p]!, {r4, r5, r6}\n\t"                                                              \
    "smlad %[s2], %[v0], r5, %[s0]\n\t"                                                            \
    "smlad %[s3], %[v1], r5, %[s1]\n\t"                                                            \
    "smlad %[s4], %[v0], r6, %[s0]\n\t"                                                            \
    "smlad %[s5], %[v1], r6, %[s1]\n\t"                                                            \
    "smlad %[s0], %[v0], r4, %[s0]\n\t"                                                            \
    "smlad %[s1], %[v1], r4, %[s1]\n\t"

/* The epilogue of an accumulator, but for the store. */
#define GLYPHITE_BLOCK_BYTE(SUM, MULTIPLIER, ADDEND)                                               \
    "smmla %[" SUM "], %[" SUM "], %[" MULTIPLIER "], " ADDEND "\n\t"                              \
    "ssat %[" SUM "], #8, %[" SUM "], asr %[shift]\n\t"

/* All channels of 3 pixels. */
GLYPHITE_SHARED void glyphite_block_3(const struct glyphite_block *block) {
    struct glyphite_block own = *block; /* on the stack: its pointer would be a 15th register */
    const int32_t rest = (int32_t)(own.patch_end - own.patch) / 6 - 1; /* steps behind the first */
    uint32_t entry = (uint32_t)(GLYPHITE_BLOCK_BYTES * GLYPHITE_BLOCK_SKIPPED(rest)) + 1;
    const int32_t *weights = own.weights;
    const uint32_t *patch;
    uint32_t v0, v1, e;
    int32_t s0, s1, s2, s3, s4, s5;
    /* An instruction a line, which clang-format would join. */
    /* clang-format off */
    __asm__ volatile(
        "ldr %[v0], %[entry]\n\t" /* of the loop over steps: eight a round, fewer in the first */
        "adr.w %[e], 2f\n\t"
        "add %[e], %[v0]\n\t"
        "str %[e], %[entry]\n\t"
        "1:\n\t"
        "ldrd %[s0], %[s1], [%[w]], #8\n\t"
        "ldr %[p], %[patch]\n\t"
        GLYPHITE_BLOCK_FIRST
        GLYPHITE_BLOCK_PAIR
        "ldr pc, %[entry]\n\t"
        ".balign 4\n\t"
        "2:\n\t"
        GLYPHITE_BLOCK_8(GLYPHITE_BLOCK_STEP)
        "ldr %[e], %[patch_end]\n\t"
        "cmp %[p], %[e]\n\t"
        "bne.w 2b\n\t"
        "ldrd %[v0], %[v1], [%[w]], #8\n\t" /* multipliers */
        "ldrd r4, r5, %[addend]\n\t" /* and output */
        "ldr r6, %[channels]\n\t"
        GLYPHITE_BLOCK_BYTE("s0", "v0", "r4")
        GLYPHITE_BLOCK_BYTE("s1", "v1", "r4")
        GLYPHITE_BLOCK_BYTE("s2", "v0", "r4")
        GLYPHITE_BLOCK_BYTE("s3", "v1", "r4")
        GLYPHITE_BLOCK_BYTE("s4", "v0", "r4")
        GLYPHITE_BLOCK_BYTE("s5", "v1", "r4")
        "add %[e], r5, r6\n\t"
        "strb %[s1], [r5, #1]\n\t"
        "strb %[s0], [r5], #2\n\t"
        "strb %[s2], [%[e]]\n\t"
        "strb %[s3], [%[e], #1]\n\t"
        "add %[e], r6\n\t"
        "strb %[s4], [%[e]]\n\t"
        "strb %[s5], [%[e], #1]\n\t"
        "str r5, %[output]\n\t"
        "ldr %[e], %[end]\n\t"
        "cmp r5, %[e]\n\t"
        "bne.w 1b"
        : [w] "+r"(weights), [p] "=&r"(patch), [v0] "=&r"(v0), [v1] "=&r"(v1), [e] "=&r"(e),
          [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [s4] "=&r"(s4),
          [s5] "=&r"(s5), [entry] "+m"(entry), [output] "+m"(own.output)
        : [addend] "m"(own.addend), [channels] "m"(own.channels), [patch] "m"(own.patch),
          [patch_end] "m"(own.patch_end), [end] "m"(own.end), [shift] "i"(GLYPHITE_BLOCK_SHIFT)
        : "cc", "memory", "r4", "r5", "r6");
    /* clang-format on */
}

/* A step of 4 pixels, 88 bytes of code. */
#define GLYPHITE_BLOCK_PAIR_4                                                                      \
    "ldrd %[v0], %[v1], [%[w]], #8\n\t"                                                            \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s0], %[v0], %[a0], %[s0]\n\t"                                                         \
    "smlad %[s1], %[v1], %[a0], %[s1]\n\t"                                                         \
    "smlad %[s2], %[v0], %[a1], %[s2]\n\t"                                                         \
    "smlad %[s3], %[v1], %[a1], %[s3]\n\t"                                                         \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s4], %[v0], %[a0], %[s4]\n\t"                                                         \
    "smlad %[s5], %[v1], %[a0], %[s5]\n\t"                                                         \
    "smlad %[s6], %[v0], %[a1], %[s6]\n\t"                                                         \
    "smlad %[s7], %[v1], %[a1], %[s7]\n\t"
#define GLYPHITE_BLOCK_STEP_4 GLYPHITE_BLOCK_PAIR_4 GLYPHITE_BLOCK_PAIR_4
#define GLYPHITE_BLOCK_BYTES_4 88
#define GLYPHITE_BLOCK_FIRST_4                                                                     \
    "ldrd %[v0], %[v1], [%[w]], #8\n\t"                                                            \
    "ldrd %[a0], %[a1], [%[p], #8]\n\t"                                                            \
    "smlad %[s4], %[v0], %[a0], %[s0]\n\t"                                                         \
    "smlad %[s5], %[v1], %[a0], %[s1]\n\t"                                                         \
    "smlad %[s6], %[v0], %[a1], %[s0]\n\t"                                                         \
    "smlad %[s7], %[v1], %[a1], %[s1]\n\t"                                                         \
    "ldrd %[a0], %[a1], [%[p]], #16\n\t"                                                           \
    "smlad %[s2], %[v0], %[a1], %[s0]\n\t"                                                         \
    "smlad %[s3], %[v1], %[a1], %[s1]\n\t"                                                         \
    "smlad %[s0], %[v0], %[a0], %[s0]\n\t"                                                         \
    "smlad %[s1], %[v1], %[a0], %[s1]\n\t"
/* Stores the two channels of the next pixel, whose place v0 becomes. */
#define GLYPHITE_BLOCK_STORE(FIRST, SECOND)                                                        \
    "add %[v0], %[a1]\n\t"                                                                         \
    "strb %[" FIRST "], [%[v0]]\n\t"                                                               \
    "strb %[" SECOND "], [%[v0], #1]\n\t"

/* All channels of 4 pixels. */
GLYPHITE_SHARED void glyphite_block_4(const struct glyphite_block *block) {
    struct glyphite_block own = *block;
    const int32_t rest = (int32_t)(own.patch_end - own.patch) / 8 - 1;
    uint32_t entry = (uint32_t)(GLYPHITE_BLOCK_BYTES_4 * GLYPHITE_BLOCK_SKIPPED(rest)) + 1;
    const int32_t *weights = own.weights;
    const uint32_t *patch; /* then the output */
    uint32_t v0, v1, a0, a1;
    int32_t s0, s1, s2, s3, s4, s5, s6, s7;
    /* clang-format off */
    __asm__ volatile(
        "ldr %[v0], %[entry]\n\t"
        "adr.w %[a0], 2f\n\t"
        "add %[a0], %[v0]\n\t"
        "str %[a0], %[entry]\n\t"
        "1:\n\t"
        "ldrd %[s0], %[s1], [%[w]], #8\n\t"
        "ldr %[p], %[patch]\n\t"
        GLYPHITE_BLOCK_FIRST_4
        GLYPHITE_BLOCK_PAIR_4
        "ldr pc, %[entry]\n\t"
        ".balign 4\n\t"
        "2:\n\t"
        GLYPHITE_BLOCK_8(GLYPHITE_BLOCK_STEP_4)
        "ldr %[v0], %[patch_end]\n\t"
        "cmp %[p], %[v0]\n\t"
        "bne.w 2b\n\t"
        "ldrd %[v0], %[v1], [%[w]], #8\n\t" /* multipliers */
        "ldrd %[a0], %[p], %[addend]\n\t" /* and output */
        "ldr %[a1], %[channels]\n\t"
        GLYPHITE_BLOCK_BYTE("s0", "v0", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s1", "v1", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s2", "v0", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s3", "v1", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s4", "v0", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s5", "v1", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s6", "v0", "%[a0]")
        GLYPHITE_BLOCK_BYTE("s7", "v1", "%[a0]")
        "mov %[v0], %[p]\n\t"
        "strb %[s1], [%[p], #1]\n\t"
        "strb %[s0], [%[p]], #2\n\t"
        GLYPHITE_BLOCK_STORE("s2", "s3")
        GLYPHITE_BLOCK_STORE("s4", "s5")
        GLYPHITE_BLOCK_STORE("s6", "s7")
        "str %[p], %[output]\n\t"
        "ldr %[v0], %[end]\n\t"
        "cmp %[p], %[v0]\n\t"
        "bne.w 1b"
        : [w] "+r"(weights), [p] "=&r"(patch), [v0] "=&r"(v0), [v1] "=&r"(v1), [a0] "=&r"(a0),
          [a1] "=&r"(a1), [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3),
          [s4] "=&r"(s4), [s5] "=&r"(s5), [s6] "=&r"(s6), [s7] "=&r"(s7), [entry] "+m"(entry),
          [output] "+m"(own.output)
        : [addend] "m"(own.addend), [channels] "m"(own.channels), [patch] "m"(own.patch),
          [patch_end] "m"(own.patch_end), [end] "m"(own.end), [shift] "i"(GLYPHITE_BLOCK_SHIFT)
        : "cc", "memory");
    /* clang-format on */
}

#else

/* The same in C. */
GLYPHITE_KERNEL void glyphite_block_c(const struct glyphite_block *block, int32_t pixels) {
    const int32_t steps = (int32_t)(block->patch_end - block->patch) / (2 * pixels);
    const int32_t *weights = block->weights;
    for (int8_t *output = block->output; output != block->end; output += 2) {
        int32_t sums[8] = {weights[0], weights[1], weights[0], weights[1],
                           weights[0], weights[1], weights[0], weights[1]};
        const uint32_t *at = block->patch;
        weights = pixels == 4 ? glyphite_dot_wide_4(sums, weights + 2, &at, steps)
                              : glyphite_dot_wide_3(sums, weights + 2, &at, steps);
        for (int32_t i = 0; i < 2 * pixels; i++) {
            const int32_t sum = glyphite_smmla(sums[i], weights[i % 2], block->addend);
            output[i / 2 * block->channels + i % 2] =
                (int8_t)glyphite_shift_to_byte(sum, GLYPHITE_BLOCK_SHIFT);
        }
        weights += 2;
    }
}

GLYPHITE_SHARED void glyphite_block_3(const struct glyphite_block *block) {
    glyphite_block_c(block, 3);
}

GLYPHITE_SHARED void glyphite_block_4(const struct glyphite_block *block) {
    glyphite_block_c(block, 4);
}

#endif
