/* dot.h in assembly. Included by dot.h only.
 *
 * A core has 14 registers for all of this: 8 sums, 2 pointers, 2 weights and 2 activations fill
 * them, which makes 2 channels by 4 pixels the largest block, with the loop's end on the stack.
 * Loads are LDRD and LDM, which bring several words an instruction; a step of 32 products takes 23
 * instructions, where the products alone take 16. */
#pragma once

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__OPTIMIZE__)

/* A pair of weights of each of two channels (v0, v1) times a pair of inputs of 2 to 4 pixels. */
#define GLYPHITE_PRODUCTS_2                                                                        \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s0], %[v0], %[a0], %[s0]\n\t"                                                         \
    "smlad %[s1], %[v1], %[a0], %[s1]\n\t"                                                         \
    "smlad %[s2], %[v0], %[a1], %[s2]\n\t"                                                         \
    "smlad %[s3], %[v1], %[a1], %[s3]\n\t"
#define GLYPHITE_PRODUCTS_3                                                                        \
    "ldm %[p]!, {r4, r5, r6}\n\t"                                                                  \
    "smlad %[s0], %[v0], r4, %[s0]\n\t"                                                            \
    "smlad %[s1], %[v1], r4, %[s1]\n\t"                                                            \
    "smlad %[s2], %[v0], r5, %[s2]\n\t"                                                            \
    "smlad %[s3], %[v1], r5, %[s3]\n\t"                                                            \
    "smlad %[s4], %[v0], r6, %[s4]\n\t"                                                            \
    "smlad %[s5], %[v1], r6, %[s5]\n\t"
#define GLYPHITE_PRODUCTS_4                                                                        \
    GLYPHITE_PRODUCTS_2                                                                            \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s4], %[v0], %[a0], %[s4]\n\t"                                                         \
    "smlad %[s5], %[v1], %[a0], %[s5]\n\t"                                                         \
    "smlad %[s6], %[v0], %[a1], %[s6]\n\t"                                                         \
    "smlad %[s7], %[v1], %[a1], %[s7]\n\t"

#define GLYPHITE_LOAD_WEIGHTS "ldrd %[v0], %[v1], [%[w]], #8\n\t"
#define GLYPHITE_WIDEN_WEIGHTS "sxtb16 %[v0], %[v0]\n\tsxtb16 %[v1], %[v1]\n\t"

/* A step is four inputs to each accumulator: two pairs. */
#define GLYPHITE_STEP_NARROW(PRODUCTS)                                                             \
    GLYPHITE_LOAD_WEIGHTS PRODUCTS GLYPHITE_WIDEN_WEIGHTS PRODUCTS
#define GLYPHITE_STEP_WIDE(PRODUCTS) GLYPHITE_LOAD_WEIGHTS PRODUCTS GLYPHITE_LOAD_WEIGHTS PRODUCTS

/* A step of one pixel, whose two pairs come by one load. */
#define GLYPHITE_STEP_1(MORE_WEIGHTS)                                                              \
    GLYPHITE_LOAD_WEIGHTS                                                                          \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s0], %[v0], %[a0], %[s0]\n\t"                                                         \
    "smlad %[s1], %[v1], %[a0], %[s1]\n\t" MORE_WEIGHTS "smlad %[s0], %[v0], %[a1], %[s0]\n\t"     \
    "smlad %[s1], %[v1], %[a1], %[s1]\n\t"

#define GLYPHITE_SUMS_2 [s0] "+r"(sums[0]), [s1] "+r"(sums[1])
#define GLYPHITE_SUMS_4 GLYPHITE_SUMS_2, [s2] "+r"(sums[2]), [s3] "+r"(sums[3])
#define GLYPHITE_SUMS_6 GLYPHITE_SUMS_4, [s4] "+r"(sums[4]), [s5] "+r"(sums[5])
#define GLYPHITE_SUMS_8 GLYPHITE_SUMS_6, [s6] "+r"(sums[6]), [s7] "+r"(sums[7])
#define GLYPHITE_POINTERS [w] "+r"(weights), [p] "+r"(patch), [v0] "=&r"(v0), [v1] "=&r"(v1)
#define GLYPHITE_PAIR , [a0] "=&r"(a0), [a1] "=&r"(a1)
#define GLYPHITE_NO_PAIR

/* For small code GCC 12 can fail to hand the registers of the largest block from one piece of
 * assembly to the next, so that there three steps are one piece. */
#ifdef GLYPHITE_SMALL
#define GLYPHITE_THREE_AT_ONCE 1
#else
#define GLYPHITE_THREE_AT_ONCE 0
#endif

/* The functions of dot.h: one step and two steps where the number asks for them, then four a round
 * until the patch ends. */
#define GLYPHITE_DOT(KIND, PIXELS, STEP, SUMS, PAIR, ...)                                          \
    GLYPHITE_KERNEL const int32_t *glyphite_dot_##KIND##_##PIXELS(                                 \
        int32_t *sums, const int32_t *weights, const uint32_t **at, int32_t steps) {               \
        const uint32_t *patch = *at;                                                               \
        const uint32_t *const end = patch + 2 * PIXELS * steps;                                    \
        uint32_t v0, v1, a0, a1;                                                                   \
        (void)a0, (void)a1;                                                                        \
        const int three = GLYPHITE_THREE_AT_ONCE && PIXELS == 4 && steps % 4 == 3;                 \
        if (three) {                                                                               \
            __asm__ volatile(STEP STEP STEP : SUMS, GLYPHITE_POINTERS PAIR : : __VA_ARGS__);       \
        }                                                                                          \
        if (!three && steps % 2 != 0) {                                                            \
            __asm__ volatile(STEP : SUMS, GLYPHITE_POINTERS PAIR : : __VA_ARGS__);                 \
        }                                                                                          \
        if (!three && steps / 2 % 2 != 0) {                                                        \
            __asm__ volatile(STEP STEP : SUMS, GLYPHITE_POINTERS PAIR : : __VA_ARGS__);            \
        }                                                                                          \
        if (steps > 3) {                                                                           \
            __asm__ volatile("1:\n\t" STEP STEP STEP STEP                                          \
                             "ldr %[v0], %[end]\n\tcmp %[p], %[v0]\n\tbne 1b"                      \
                             : SUMS, GLYPHITE_POINTERS PAIR                                        \
                             : [end] "m"(end)                                                      \
                             : "cc", __VA_ARGS__);                                                 \
        }                                                                                          \
        *at = patch;                                                                               \
        return weights;                                                                            \
    }

GLYPHITE_DOT(narrow, 1, GLYPHITE_STEP_1(GLYPHITE_WIDEN_WEIGHTS), GLYPHITE_SUMS_2, GLYPHITE_PAIR,
             "memory")
GLYPHITE_DOT(narrow, 2, GLYPHITE_STEP_NARROW(GLYPHITE_PRODUCTS_2), GLYPHITE_SUMS_4, GLYPHITE_PAIR,
             "memory")
GLYPHITE_DOT(narrow, 3, GLYPHITE_STEP_NARROW(GLYPHITE_PRODUCTS_3), GLYPHITE_SUMS_6,
             GLYPHITE_NO_PAIR, "memory", "r4", "r5", "r6")
GLYPHITE_DOT(narrow, 4, GLYPHITE_STEP_NARROW(GLYPHITE_PRODUCTS_4), GLYPHITE_SUMS_8, GLYPHITE_PAIR,
             "memory")
GLYPHITE_DOT(wide, 1, GLYPHITE_STEP_1(GLYPHITE_LOAD_WEIGHTS), GLYPHITE_SUMS_2, GLYPHITE_PAIR,
             "memory")
GLYPHITE_DOT(wide, 2, GLYPHITE_STEP_WIDE(GLYPHITE_PRODUCTS_2), GLYPHITE_SUMS_4, GLYPHITE_PAIR,
             "memory")
GLYPHITE_DOT(wide, 3, GLYPHITE_STEP_WIDE(GLYPHITE_PRODUCTS_3), GLYPHITE_SUMS_6, GLYPHITE_NO_PAIR,
             "memory", "r4", "r5", "r6")
GLYPHITE_DOT(wide, 4, GLYPHITE_STEP_WIDE(GLYPHITE_PRODUCTS_4), GLYPHITE_SUMS_8, GLYPHITE_PAIR,
             "memory")

/* A step of four pixels whose accumulators start from zero. */
GLYPHITE_KERNEL const int32_t *glyphite_dot_first_4(int32_t *sums, const int32_t *weights,
                                                    const uint32_t **at) {
    const uint32_t *patch = *at;
    uint32_t v0, v1, a0, a1;
    /* clang-format off */
    __asm__ volatile(
        GLYPHITE_LOAD_WEIGHTS
        "ldrd %[a0], %[a1], [%[p]], #8\n\t"
        "smuad %[s0], %[v0], %[a0]\n\t"
        "smuad %[s1], %[v1], %[a0]\n\t"
        "smuad %[s2], %[v0], %[a1]\n\t"
        "smuad %[s3], %[v1], %[a1]\n\t"
        "ldrd %[a0], %[a1], [%[p]], #8\n\t"
        "smuad %[s4], %[v0], %[a0]\n\t"
        "smuad %[s5], %[v1], %[a0]\n\t"
        "smuad %[s6], %[v0], %[a1]\n\t"
        "smuad %[s7], %[v1], %[a1]\n\t"
        GLYPHITE_LOAD_WEIGHTS
        GLYPHITE_PRODUCTS_4
        : [s0] "=&r"(sums[0]), [s1] "=&r"(sums[1]), [s2] "=&r"(sums[2]), [s3] "=&r"(sums[3]),
          [s4] "=&r"(sums[4]), [s5] "=&r"(sums[5]), [s6] "=&r"(sums[6]), [s7] "=&r"(sums[7]),
          GLYPHITE_POINTERS GLYPHITE_PAIR
        :
        : "memory");
    /* clang-format on */
    *at = patch;
    return weights;
}

/* A step of one pixel, by four channels with narrow weights. */
#define GLYPHITE_STEP_4_CHANNELS                                                                   \
    "ldm %[w]!, {r4, r5, r6, r8}\n\t"                                                              \
    "ldrd %[a0], %[a1], [%[p]], #8\n\t"                                                            \
    "smlad %[s0], r4, %[a0], %[s0]\n\t"                                                            \
    "smlad %[s1], r5, %[a0], %[s1]\n\t"                                                            \
    "smlad %[s2], r6, %[a0], %[s2]\n\t"                                                            \
    "smlad %[s3], r8, %[a0], %[s3]\n\t"                                                            \
    "sxtb16 r4, r4\n\tsxtb16 r5, r5\n\tsxtb16 r6, r6\n\tsxtb16 r8, r8\n\t"                         \
    "smlad %[s0], r4, %[a1], %[s0]\n\t"                                                            \
    "smlad %[s1], r5, %[a1], %[s1]\n\t"                                                            \
    "smlad %[s2], r6, %[a1], %[s2]\n\t"                                                            \
    "smlad %[s3], r8, %[a1], %[s3]\n\t"

#define GLYPHITE_POINTERS_4 [w] "+r"(weights), [p] "+r"(patch), [a0] "=&r"(a0), [a1] "=&r"(a1)

GLYPHITE_KERNEL const int32_t *glyphite_dot_4_channels(int32_t *sums, const int32_t *weights,
                                                       const uint32_t *patch, int32_t steps) {
    const uint32_t *const end = patch + 2 * steps;
    uint32_t a0, a1;
    for (; steps % 4 != 0; steps--) {
        __asm__ volatile(GLYPHITE_STEP_4_CHANNELS
                         : GLYPHITE_SUMS_4, GLYPHITE_POINTERS_4
                         :
                         : "memory", "r4", "r5", "r6", "r8");
    }
    if (steps > 0) {
        /* clang-format off */
        __asm__ volatile(
            "1:\n\t"
            GLYPHITE_STEP_4_CHANNELS
            GLYPHITE_STEP_4_CHANNELS
            GLYPHITE_STEP_4_CHANNELS
            GLYPHITE_STEP_4_CHANNELS
            "ldr %[a0], %[end]\n\t"
            "cmp %[p], %[a0]\n\t"
            "bne 1b"
            : GLYPHITE_SUMS_4, GLYPHITE_POINTERS_4
            : [end] "m"(end)
            : "cc", "memory", "r4", "r5", "r6", "r8");
        /* clang-format on */
    }
    return weights;
}

GLYPHITE_KERNEL const int32_t *glyphite_dot_plane(int32_t sums[4], const int32_t *weights,
                                                  const uint32_t *patch) {
    register int32_t bias __asm__("r3");
    uint32_t a, b;
    __asm__ volatile("ldm %[w]!, {r0, r1, r2, r3}\n\t"
                     "ldrd %[a], %[b], [%[p]]\n\t" /* rows 0 */
                     "smlad %[s0], %[a], r0, r3\n\t"
                     "smlad %[s1], %[b], r0, r3\n\t"
                     "ldrd %[a], %[b], [%[p], #8]\n\t" /* rows 1 */
                     "smlad %[s0], %[a], r1, %[s0]\n\t"
                     "smlad %[s1], %[b], r1, %[s1]\n\t"
                     "smlad %[s2], %[a], r0, r3\n\t"
                     "smlad r3, %[b], r0, r3\n\t"
                     "ldrd %[a], %[b], [%[p], #16]\n\t" /* rows 2 */
                     "smlad %[s0], %[a], r2, %[s0]\n\t"
                     "smlad %[s1], %[b], r2, %[s1]\n\t"
                     "smlad %[s2], %[a], r1, %[s2]\n\t"
                     "smlad r3, %[b], r1, r3\n\t"
                     "ldrd %[a], %[b], [%[p], #24]\n\t" /* rows 3 */
                     "smlad %[s2], %[a], r2, %[s2]\n\t"
                     "smlad r3, %[b], r2, r3\n\t"
                     "ldm %[w]!, {r0, r1}\n\t"
                     "ldrd %[a], %[b], [%[p], #32]\n\t" /* columns 2 and 3, rows 0 and 1 */
                     "smlad %[s0], %[a], r0, %[s0]\n\t"
                     "smlad %[s1], %[b], r0, %[s1]\n\t"
                     "ldrd %[a], %[b], [%[p], #40]\n\t" /* the same, rows 1 and 2 */
                     "smlad %[s2], %[a], r0, %[s2]\n\t"
                     "smlad r3, %[b], r0, r3\n\t"
                     "smlatb %[s0], %[a], r1, %[s0]\n\t"
                     "smlatb %[s1], %[b], r1, %[s1]\n\t"
                     "ldr %[a], [%[p], #48]\n\t" /* columns 2 and 3 of row 3 */
                     "smlabb %[s2], %[a], r1, %[s2]\n\t"
                     "smlatb r3, %[a], r1, r3"
                     : [s0] "=&r"(sums[0]), [s1] "=&r"(sums[1]), [s2] "=&r"(sums[2]),
                       "=&r"(bias), [w] "+r"(weights), [a] "=&r"(a), [b] "=&r"(b)
                     : [p] "r"(patch)
                     : "memory", "r0", "r1", "r2");
    sums[3] = bias;
    return weights;
}

#endif
