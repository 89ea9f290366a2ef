/* Sums of products of inputs and weights for several channels at once, on an AVR.
 *
 * Every factor is taken as unsigned: an input as `value + 128`, a weight as `weight + 128`, so that
 * a product has no sign to extend. What that adds to a sum, 128 times the inputs' total, is the
 * same for all channels and is taken off at the start. Sums have 24 bits and wrap: only the last
 * value must fit, and the generator has proven that it does. They are kept negated, since `sbci`
 * needs no register of zeros, and all 32 registers are in use.
 *
 * After a ReLU many inputs are 0 here, and take 10 cycles instead of 72. */
#pragma once

#include <stdint.h>
#include "memory.h"

/* Inputs that lie side by side. A list of them ends with one of no pages. */
struct glyphite_run {
    uint16_t skip;       /* taps of the kernel before it that lie on padding */
    const int8_t *input; /* at the list's end: int24_t sums[channels], where the sums go */
    uint8_t count;       /* of inputs, but for whole pages of 256; at the end: whether the sums that
                            lie there already are kept where they are larger */
    uint8_t pages;       /* of 256 inputs, counting a part of one */
};

/* clang-format off */

/* A sum's registers: the first two are a pair, the third one is r16 or above, for `sbci`; `at` is
 * its place in memory. */
#define GLYPHITE_OF_4(each)                                                                        \
    each(0, "r2", "r3", "r16") each(3, "r4", "r5", "r17") each(6, "r6", "r7", "r18")               \
    each(9, "r24", "r25", "r23")
#define GLYPHITE_OF_8(each)                                                                        \
    each(0, "r2", "r3", "r16") each(3, "r4", "r5", "r17") each(6, "r6", "r7", "r18")               \
    each(9, "r8", "r9", "r19") each(12, "r10", "r11", "r20") each(15, "r12", "r13", "r21")         \
    each(18, "r14", "r15", "r22") each(21, "r24", "r25", "r23")

/* sum -= input * weight; the input in r28. */
#define GLYPHITE_MULTIPLY(at, low, middle, high)                                                   \
    GLYPHITE_LPM                                                                                   \
    "mul r0, r28\n\t"                                                                              \
    "sub " low ", r0\n\t"                                                                          \
    "sbc " middle ", r1\n\t"                                                                       \
    "sbci " high ", 0\n\t"

#define GLYPHITE_TWICE "lsl r0\n\trol r1\n\t"

#define GLYPHITE_STORE(at, low, middle, high)                                                      \
    "st X+, " low "\n\t"                                                                           \
    "st X+, " middle "\n\t"                                                                        \
    "st X+, " high "\n\t"

/* Keeps what is in memory where that is less, as the sums are negated. */
#define GLYPHITE_STORE_LESS(at, low, middle, high)                                                 \
    "ldd r0, Y+" #at "\n\t"                                                                        \
    "cp " low ", r0\n\t"                                                                           \
    "ldd r0, Y+" #at "+1\n\t"                                                                      \
    "cpc " middle ", r0\n\t"                                                                       \
    "ldd r0, Y+" #at "+2\n\t"                                                                      \
    "cpc " high ", r0\n\t"                                                                         \
    "brge 1f\n\t"                                                                                  \
    "std Y+" #at ", " low "\n\t"                                                                   \
    "std Y+" #at "+1, " middle "\n\t"                                                              \
    "std Y+" #at "+2, " high "\n\t"                                                                \
    "1:\n\t"

/* The whole of it for so many channels, once all sums hold what they start from. Y walks the list
 * of runs; it rests on the stack while r28 is an input and r29 counts them. Pages are counted on the
 * stack too. shift: r1:r0 times the channels. */
#define GLYPHITE_SUMS(channels, shift, of)                                                         \
    "20:\n\t" /* a run: Z to its weights, X to its inputs */                                       \
    "ld r0, Y+\n\tld r1, Y+\n\t" shift                                                            \
    "add r30, r0\n\tadc r31, r1\n\t" GLYPHITE_CARRY_PAGE                                          \
    "ld r26, Y+\n\tld r27, Y+\n\t"                                                                \
    "ld r0, Y+\n\tld r1, Y+\n\t"                                                                  \
    "tst r1\n\tbrne 21f\n\trjmp 26f\n"                                                            \
    "21: push r28\n\tpush r29\n\tmov r29, r0\n\trjmp 24f\n"                                      \
    "22: adiw r30, " #channels "\n\t" GLYPHITE_CARRY_PAGE /* an input of 0 */                      \
    "dec r29\n\tbreq 25f\n"                                                                       \
    "23: ld r28, X+\n\tsubi r28, 0x80\n\tbreq 22b\n\t"                                            \
    of(GLYPHITE_MULTIPLY)                                                                          \
    "dec r29\n\tbrne 23b\n"                                                                       \
    "25: pop r1\n\tdec r1\n\tbreq 27f\n"                                                          \
    "24: push r1\n\trjmp 23b\n"                                                                   \
    "27: pop r29\n\tpop r28\n\trjmp 20b\n"                                                        \
    "26: tst r0\n\tbrne 28f\n\t"                                                                  \
    of(GLYPHITE_STORE)                                                                             \
    "rjmp 29f\n"                                                                                   \
    "28: movw r28, r26\n\t"                                                                       \
    of(GLYPHITE_STORE_LESS)                                                                        \
    "29: clr r1\n\tpop r29\n\tpop r28\n\t"

/* The registers that both functions begin with; avr-gcc must not use Y here, which they restore. */
#define GLYPHITE_SUMS_BEGIN                                                                        \
    register const struct glyphite_run *at __asm__("r26") = runs;                                  \
    register uint16_t from __asm__("r30") = GLYPHITE_ADDRESS(weights);                             \
    register uint8_t page __asm__("r22") = GLYPHITE_PAGE(weights);                                 \
    register uint16_t low __asm__("r24") = (uint16_t)start;                                        \
    register uint8_t high __asm__("r23") = (uint8_t)(start >> 16)

#define GLYPHITE_SUMS_SET_UP GLYPHITE_SET_PAGE "push r28\n\tpush r29\n\tmovw r28, r26\n\t"

/* Eight channels. weights: (inputs, 8), each + 128. start: 128 times the inputs' total. */
__attribute__((noinline)) static void glyphite_sums_8(const struct glyphite_run *runs,
                                                      glyphite_far weights, __uint24 start) {
    GLYPHITE_SUMS_BEGIN;
    __asm__ volatile(
        GLYPHITE_SUMS_SET_UP
        "movw r2, r24\n\tmovw r4, r24\n\tmovw r6, r24\n\tmovw r8, r24\n\tmovw r10, r24\n\t"
        "movw r12, r24\n\tmovw r14, r24\n\tmov r16, r23\n\tmov r17, r23\n\tmov r18, r23\n\t"
        "mov r19, r23\n\tmov r20, r23\n\tmov r21, r23\n\tmov r22, r23\n"
        GLYPHITE_SUMS(8, GLYPHITE_TWICE GLYPHITE_TWICE GLYPHITE_TWICE, GLYPHITE_OF_8)
        : "+r"(at), "+r"(from), "+r"(low), "+r"(high), "+r"(page)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
          "r15", "r16", "r17", "r18", "r19", "r20", "r21", "memory");
}

/* Four channels: the same with weights (inputs, 4). */
__attribute__((noinline)) static void glyphite_sums_4(const struct glyphite_run *runs,
                                                      glyphite_far weights, __uint24 start) {
    GLYPHITE_SUMS_BEGIN;
    __asm__ volatile(
        GLYPHITE_SUMS_SET_UP
        "movw r2, r24\n\tmovw r4, r24\n\tmovw r6, r24\n\tmov r16, r23\n\tmov r17, r23\n\t"
        "mov r18, r23\n"
        GLYPHITE_SUMS(4, GLYPHITE_TWICE GLYPHITE_TWICE, GLYPHITE_OF_4)
        : "+r"(at), "+r"(from), "+r"(low), "+r"(high), "+r"(page)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r16", "r17", "r18", "memory");
}
/* clang-format on */

/* Moves all runs by `step` bytes; returns what their sums start from: 128 times the total of their
 * inputs, each + 128. */
__attribute__((noinline)) static __uint24 glyphite_move(struct glyphite_run *runs, uint16_t step) {
    register struct glyphite_run *at __asm__("r26") = runs;
    __uint24 total = 0;
    uint8_t count, pages, value;
    /* clang-format off */
    __asm__(
        "1: adiw r26, 2\n\tld r30, X+\n\tld r31, X+\n\tld %[count], X+\n\tld %[pages], X+\n\t"
        "tst %[pages]\n\tbreq 7f\n\t"
        "add r30, %A[by]\n\tadc r31, %B[by]\n\t"
        "sbiw r26, 4\n\tst X+, r30\n\tst X+, r31\n\tadiw r26, 2\n"
        /* Two inputs a round, of which the first is left out where their number is odd. */
        "2: sbrs %[count], 0\n\trjmp 3f\n\tinc %[count]\n\trjmp 4f\n"
        "3: ld %[value], Z+\n\tsubi %[value], 0x80\n\tadd %A[total], %[value]\n\t"
        "adc %B[total], r1\n\tadc %C[total], r1\n"
        "4: ld %[value], Z+\n\tsubi %[value], 0x80\n\tadd %A[total], %[value]\n\t"
        "adc %B[total], r1\n\tadc %C[total], r1\n\t"
        "subi %[count], 2\n\tbrne 3b\n\t"
        "dec %[pages]\n\tbrne 2b\n\trjmp 1b\n"
        "7: lsr %C[total]\n\tror %B[total]\n\tror %A[total]\n\t"
        "mov %C[total], %B[total]\n\tmov %B[total], %A[total]\n\tclr %A[total]\n\tror %A[total]\n\t"
        : "+r"(at), [total] "+r"(total), [count] "=&d"(count), [pages] "=&d"(pages),
          [value] "=&d"(value)
        : [by] "r"(step)
        : "r30", "r31", "memory");
    /* clang-format on */
    return total;
}
