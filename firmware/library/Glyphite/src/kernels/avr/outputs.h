/* The epilogue on an AVR: accumulators of 24 bits are requantized with TensorFlow Lite Micro's two
 * roundings, exactly, clamped and stored as int8.
 *
 * An accumulator's magnitude is multiplied with twice the multiplier, a number of 32 bits, so that
 * the first rounding is at a whole byte; the second one is half away from zero, and so does not
 * mind the sign. The first one rounds a half up: below zero its half is therefore one less. */
#pragma once

#include <stdint.h>
#include "fields.h"
#include "memory.h"

/* What all channels of a layer have in common. Outputs are taken as `value + 128`. */
struct glyphite_limits {
    uint8_t offset; /* the zero point */
    uint8_t minimum;
    uint8_t maximum;
    uint8_t relu; /* 1: what is not above the zero point gives the minimum */
};

/* Its fields in another struct, as operands of assembly (fields.h). */
#define GLYPHITE_LIMITS(struct_name, limits)                                                       \
    GLYPHITE_FIELD_AS(offset, struct_name, limits.offset, 1),                                      \
        GLYPHITE_FIELD_AS(minimum, struct_name, limits.minimum, 1),                                \
        GLYPHITE_FIELD_AS(maximum, struct_name, limits.maximum, 1),                                \
        GLYPHITE_FIELD_AS(relu, struct_name, limits.relu, 1)

/* A row of the product: magnitude's byte `a` times all of r18..r21, added from byte p0 on. */
#define GLYPHITE_PRODUCT_ROW(a, p0, p1, p2, p3, p4)                                                \
    "mul " a ", r18\n\tmovw r26, r0\n\tmul " a ", r20\n\t"                                         \
    "add " p0 ", r26\n\tadc " p1 ", r27\n\tadc " p2 ", r0\n\tadc " p3 ", r1\n\t"                   \
    "adc " p4 ", r17\n\t"                                                                          \
    "mul " a ", r19\n\tmovw r26, r0\n\tmul " a ", r21\n\t"                                         \
    "add " p1 ", r26\n\tadc " p2 ", r27\n\tadc " p3 ", r0\n\tadc " p4 ", r1\n\t"

/* clang-format off */

/* The sign of the negated sum r24:r23:r22, whose magnitude is left there, and what the product below
 * starts from: half, or one less where the sum is below zero. */
#define GLYPHITE_BELOW_ZERO \
    "set\n\tclr r8\n\tcom r8\n\tmov r9, r8\n\tmov r10, r8\n\tldi r25, 0x7F\n\t"
#define GLYPHITE_ABOVE_ZERO \
    "clt\n\tclr r8\n\tclr r9\n\tclr r10\n\tldi r25, 0x80\n\t" \
    "com r24\n\tcom r23\n\tneg r22\n\tsbci r23, 0xFF\n\tsbci r24, 0xFF\n\t"

/* r14...r8 = magnitude * twice the multiplier r21...r18 + r25:r10:r9:r8; uses r27:r26. */
#define GLYPHITE_PRODUCT \
    "mov r11, r25\n\tclr r12\n\tclr r13\n\tclr r14\n\t" \
    GLYPHITE_PRODUCT_ROW("r22", "r8", "r9", "r10", "r11", "r12") \
    GLYPHITE_PRODUCT_ROW("r23", "r9", "r10", "r11", "r12", "r13") \
    "tst r24\n\tbreq 23f\n\t" \
    GLYPHITE_PRODUCT_ROW("r24", "r10", "r11", "r12", "r13", "r14") \
    "23:\n\t"

/* r25 = the product, without its four lowest bytes, >> r25, rounded; with its sign, the offset r2
 * and the limits r3 and r4. */
#define GLYPHITE_VALUE \
    /* By bytes, then up to three bits to either side. */ \
    "24: cpi r25, 9\n\tbrlo 25f\n\t" \
    "subi r25, 8\n\tmov r12, r13\n\tmov r13, r14\n\tclr r14\n\trjmp 24b\n" \
    "25: cpi r25, 5\n\tbrlo 29f\n\ttst r14\n\tbrne 30f\n\trjmp 27f\n" \
    "26: lsl r12\n\trol r13\n\trol r14\n\tinc r25\n" \
    "27: cpi r25, 8\n\tbrne 26b\n\t" \
    "lsl r12\n\tmov r12, r13\n\tmov r13, r14\n\tadc r12, r17\n\tadc r13, r17\n\trjmp 31f\n" \
    "28: lsr r14\n\tror r13\n\tror r12\n" \
    "29: dec r25\n\tbrne 28b\n\t" \
    "sec\n\tadc r12, r17\n\tadc r13, r17\n\tadc r14, r17\n\t" \
    "lsr r14\n\tror r13\n\tror r12\n" \
    "30: or r13, r14\n" \
    /* offset + or - r12; r13 is not 0 where that is far outside. */ \
    "31: mov r25, r2\n\ttst r13\n\tbrts 32f\n\t" \
    "brne 35f\n\tadd r25, r12\n\tbrcs 35f\n\trjmp 36f\n" \
    "32: brne 34f\n\tsub r25, r12\n\tbrcs 34f\n" \
    "36: cp r25, r3\n\tbrlo 34f\n\tcp r4, r25\n\tbrsh 33f\n" \
    "35: mov r25, r4\n\trjmp 33f\n" \
    "34: mov r25, r3\n" \
    "33:\n\t"

/* The r16 sums at X, int24_t and negated, to outputs at Y; the limits in r2, r3, r4, r5, and 0 in
 * r17. Z: for each channel its negated bias (3 bytes), twice its multiplier (4), and its shift to
 * the right, at least 1. */
#define GLYPHITE_OUTPUTS \
    "20: ld r22, X+\n\tld r23, X+\n\tld r24, X+\n\t" \
    GLYPHITE_LPM("r0") "add r22, r0\n\t" GLYPHITE_LPM("r0") "adc r23, r0\n\t" \
    GLYPHITE_LPM("r0") "adc r24, r0\n\tbrmi 21f\n\t" \
    GLYPHITE_BELOW_ZERO "tst r5\n\tbreq 22f\n\t" \
    "mov r25, r3\n\tadiw r30, 5\n\t" GLYPHITE_CARRY_PAGE "rjmp 33f\n" \
    "21: " GLYPHITE_ABOVE_ZERO \
    "22: " GLYPHITE_LPM("r18") GLYPHITE_LPM("r19") GLYPHITE_LPM("r20") GLYPHITE_LPM("r21") \
    "movw r6, r26\n\t" GLYPHITE_PRODUCT "movw r26, r6\n\t" GLYPHITE_LPM("r25") \
    GLYPHITE_VALUE \
    "subi r25, 0x80\n\tst Y+, r25\n\t" \
    "dec r16\n\tbreq 37f\n\trjmp 20b\n" \
    "37:\n\t"
/* clang-format on */
