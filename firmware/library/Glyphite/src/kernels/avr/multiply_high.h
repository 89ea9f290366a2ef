/* fixed_point.h's glyphite_multiply_high for an AVR, whose compiler needs a kilobyte of library
 * code for a product of 64 bits. Included before fixed_point.h, it takes that function's place. */
#pragma once

#include <stdint.h>

#define GLYPHITE_MULTIPLY_HIGH

/* a * b / 2^31, halves rounded up. Not both may be INT32_MIN.
 *
 * One byte of `a` after the other, the lowest first, times all of `b`: after each the sum moves
 * down by a byte. `a` is taken as a number without a sign; where it has one, that is 2^32 too much.
 */
__attribute__((noinline, unused)) static int32_t glyphite_multiply_high(int32_t a, int32_t b) {
    register int32_t left __asm__("r22") = a; /* `mulsu` takes registers up to r23 */
    register int32_t right __asm__("r18") = b;
    int32_t sum = 0;
    uint16_t part;
    uint8_t above = 0, below, bytes = 4; /* what is above and below the sum's 32 bits */
    /* clang-format off */
    __asm__(
        "bst %D[left], 7\n"
        "1: mul %A[left], %A[right]\n\tmovw %A[part], r0\n\tmul %A[left], %C[right]\n\t"
        "add %A[sum], %A[part]\n\tadc %B[sum], %B[part]\n\tadc %C[sum], r0\n\tadc %D[sum], r1\n\t"
        "brcc 2f\n\tinc %[above]\n"
        "2: mul %A[left], %B[right]\n\tmovw %A[part], r0\n\tmulsu %D[right], %A[left]\n\t"
        "add %B[sum], %A[part]\n\tadc %C[sum], %B[part]\n\tadc %D[sum], r0\n\tadc %[above], r1\n\t"
        "mov %[below], %A[sum]\n\tmov %A[sum], %B[sum]\n\tmov %B[sum], %C[sum]\n\t"
        "mov %C[sum], %D[sum]\n\tmov %D[sum], %[above]\n\t"
        "clr %[above]\n\tsbrc %D[sum], 7\n\tcom %[above]\n\t"
        "mov %A[left], %B[left]\n\tmov %B[left], %C[left]\n\tmov %C[left], %D[left]\n\t"
        "dec %[bytes]\n\tbrne 1b\n\tclr r1\n\t"
        "brtc 3f\n\tsub %A[sum], %A[right]\n\tsbc %B[sum], %B[right]\n\t"
        "sbc %C[sum], %C[right]\n\tsbc %D[sum], %D[right]\n"
        "3: lsl %[below]\n\trol %A[sum]\n\trol %B[sum]\n\trol %C[sum]\n\trol %D[sum]\n\t"
        "lsl %[below]\n\tadc %A[sum], r1\n\tadc %B[sum], r1\n\tadc %C[sum], r1\n\tadc %D[sum], r1\n\t"
        : [sum] "+r"(sum), [left] "+r"(left), [right] "+r"(right), [above] "+r"(above), [below] "=&r"(below),
          [bytes] "+r"(bytes), [part] "=&r"(part)
        :
        : "r0");
    /* clang-format on */
    return sum;
}
