/* fixed_point.h's glyphite_multiply_high for an AVR, whose compiler needs a kilobyte of library
 * code for a product of 64 bits. Included before fixed_point.h, it takes that function's place. */
#pragma once

#include <stdint.h>

#define GLYPHITE_MULTIPLY_HIGH

/* A byte of `a` times all of `b`, added to the product from p0 on; r18 is 0. */
#define GLYPHITE_WIDE_ROW(a, p0, p1, p2, p3, p4)                                                   \
    "mul " a ", %A[b]\n\tmovw r30, r0\n\tmul " a ", %C[b]\n\t"                                     \
    "add " p0 ", r30\n\tadc " p1 ", r31\n\tadc " p2 ", r0\n\tadc " p3 ", r1\n\t"                   \
    "adc " p4 ", %[zero]\n\t"                                                                      \
    "mul " a ", %B[b]\n\tmovw r30, r0\n\tmul " a ", %D[b]\n\t"                                     \
    "add " p1 ", r30\n\tadc " p2 ", r31\n\tadc " p3 ", r0\n\tadc " p4 ", r1\n\t"

/* a * b / 2^31, halves rounded up. Not both may be INT32_MIN.
 *
 * As numbers without a sign, 2^32 too much for each that is below zero; then doubled, so that the
 * result is at a whole byte. */
__attribute__((noinline, unused)) static int32_t glyphite_multiply_high(int32_t a, int32_t b) {
    uint32_t low = (uint32_t)1 << 30, high = 0;
    uint8_t zero = 0;
    /* clang-format off */
    __asm__(
        GLYPHITE_WIDE_ROW("%A[a]", "%A[low]", "%B[low]", "%C[low]", "%D[low]", "%A[high]")
        GLYPHITE_WIDE_ROW("%B[a]", "%B[low]", "%C[low]", "%D[low]", "%A[high]", "%B[high]")
        GLYPHITE_WIDE_ROW("%C[a]", "%C[low]", "%D[low]", "%A[high]", "%B[high]", "%C[high]")
        GLYPHITE_WIDE_ROW("%D[a]", "%D[low]", "%A[high]", "%B[high]", "%C[high]", "%D[high]")
        "clr r1\n\t"
        : [low] "+r"(low), [high] "+r"(high)
        : [a] "r"(a), [b] "r"(b), [zero] "r"(zero)
        : "r0", "r30", "r31");
    /* clang-format on */
    high -= (a < 0 ? (uint32_t)b : 0) + (b < 0 ? (uint32_t)a : 0);
    return (int32_t)(high << 1 | low >> 31);
}
