/* Accumulators of several channels at once, on an AVR.
 *
 * Every factor is taken as unsigned: an input as `value + 128`, a weight as `weight + 128`, so that
 * a product has no sign to extend. What that adds to an accumulator, 128 times the inputs' total,
 * is the same for all channels and is taken off at the start. Accumulators have 24 bits and wrap:
 * only the last value must fit, and the generator has proven that it does. They are kept negated,
 * since `sbci` needs no register of zeros, and all 32 registers are in use.
 *
 * After a ReLU many inputs are 0 here: such an input takes 9 cycles, where others take 71 for eight
 * channels. Where flash is read by `elpm`, it takes 11. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../check.h"
#include "memory.h"

/* Inputs that lie side by side. A list of them ends with one of no pages. */
struct glyphite_run {
    uint16_t skip; /* taps on padding before the run; at the list's end, behind the last one */
    const int8_t *input; /* at the list's end: where the accumulators go, 3 bytes a channel */
    uint8_t count;       /* of inputs, modulo 256; at the list's end: 1 where accumulators that lie
                            there already stay where they are larger */
    uint8_t pages;       /* of 256 inputs, a part of one counting as one; 0: the list's end */
};

/* The assembly below reads a list from byte to byte. */
GLYPHITE_CHECK(run_skip, offsetof(struct glyphite_run, skip) == 0);
GLYPHITE_CHECK(run_input, offsetof(struct glyphite_run, input) == 2);
GLYPHITE_CHECK(run_count, offsetof(struct glyphite_run, count) == 4);
GLYPHITE_CHECK(run_pages, offsetof(struct glyphite_run, pages) == 5);
GLYPHITE_CHECK(run_bytes, sizeof(struct glyphite_run) == 6);

/* clang-format off */

/* An accumulator's place in memory and its three registers: the first two are a pair, the third one is
 * r16 or above, as `sbci` wants it. */
#define GLYPHITE_OF_4(each)                                                                        \
    each(0, "r2", "r3", "r16") each(3, "r4", "r5", "r17") each(6, "r6", "r7", "r18")               \
    each(9, "r24", "r25", "r23")
#define GLYPHITE_OF_MORE(each)                                                                     \
    each(12, "r8", "r9", "r19") each(15, "r10", "r11", "r20") each(18, "r12", "r13", "r21")        \
    each(21, "r14", "r15", "r22")
#define GLYPHITE_OF_8(each) GLYPHITE_OF_4(each) GLYPHITE_OF_MORE(each)

/* sum -= input * weight; the input in r28. */
#define GLYPHITE_MULTIPLY(at, low, middle, high)                                                   \
    GLYPHITE_LPM("r0")                                                                             \
    "mul r0, r28\n\t"                                                                              \
    "sub " low ", r0\n\t"                                                                          \
    "sbc " middle ", r1\n\t"                                                                       \
    "sbci " high ", 0\n\t"

#define GLYPHITE_TWICE "lsl r0\n\trol r1\n\t"

#define GLYPHITE_STORE(at, low, middle, high)                                                      \
    "std Y+" #at ", " low "\n\t"                                                                   \
    "std Y+" #at "+1, " middle "\n\t"                                                              \
    "std Y+" #at "+2, " high "\n\t"

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

/* All runs for so many channels, once all accumulators hold what they start from. Y walks the list of
 * runs; it is on the stack while r28 is an input and r29 counts them, and so is the count of pages.
 * shift: r1:r0 times the channels. */
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
    "26: movw r28, r26\n\ttst r0\n\t" /* whether what is in memory may stay */

/* Sets all accumulators to their start, r23:r25:r24. */
#define GLYPHITE_START_4                                                                           \
    "movw r2, r24\n\tmovw r4, r24\n\tmovw r6, r24\n\tmov r16, r23\n\tmov r17, r23\n\t"           \
    "mov r18, r23\n"
#define GLYPHITE_START_8                                                                           \
    GLYPHITE_START_4 "movw r8, r24\n\tmovw r10, r24\n\tmovw r12, r24\n\tmovw r14, r24\n\t"       \
    "mov r19, r23\n\tmov r20, r23\n\tmov r21, r23\n\tmov r22, r23\n"

/* A group of 8 sums or, from label 11 on, of 4, from their start to memory; the stores of the first
 * four serve both. */
#define GLYPHITE_GROUP                                                                             \
    GLYPHITE_START_8                                                                               \
    GLYPHITE_SUMS(8, GLYPHITE_TWICE GLYPHITE_TWICE GLYPHITE_TWICE, GLYPHITE_OF_8)                  \
    "brne 30f\n\t" GLYPHITE_OF_MORE(GLYPHITE_STORE) "rjmp 31f\n"                                  \
    "30: " GLYPHITE_OF_MORE(GLYPHITE_STORE_LESS) "rjmp 32f\n"                                      \
    "11: " GLYPHITE_START_4                                                                        \
    GLYPHITE_SUMS(4, GLYPHITE_TWICE GLYPHITE_TWICE, GLYPHITE_OF_4)                                 \
    "brne 32f\n"                                                                                   \
    "31: " GLYPHITE_OF_4(GLYPHITE_STORE) "rjmp 33f\n"                                              \
    "32: " GLYPHITE_OF_4(GLYPHITE_STORE_LESS)                                                      \
    "33:\n\t"

/* Moves all runs of the list X by r25:r24 bytes. Then r22:r21:r20 is the total of their inputs, each
 * + 128. Two inputs a round, of which the first is left out where their number is odd. */
#define GLYPHITE_MOVE                                                                              \
    "clr r20\n\tclr r21\n\tclr r22\n\tclr r1\n"                                                   \
    "1: adiw r26, 2\n\tld r30, X+\n\tld r31, X+\n\tld r19, X+\n\tld r16, X+\n\t"                 \
    "tst r16\n\tbreq 7f\n\t"                                                                      \
    "add r30, r24\n\tadc r31, r25\n\t"                                                            \
    "sbiw r26, 4\n\tst X+, r30\n\tst X+, r31\n\tadiw r26, 2\n"                                   \
    "2: sbrs r19, 0\n\trjmp 3f\n\tinc r19\n\trjmp 4f\n"                                          \
    "3: ld r18, Z+\n\tsubi r18, 0x80\n\tadd r20, r18\n\tadc r21, r1\n\tadc r22, r1\n"            \
    "4: ld r18, Z+\n\tsubi r18, 0x80\n\tadd r20, r18\n\tadc r21, r1\n\tadc r22, r1\n\t"          \
    "subi r19, 2\n\tbrne 3b\n\t"                                                                  \
    "dec r16\n\tbrne 2b\n\trjmp 1b\n"                                                             \
    "7:\n\t"

/* What accumulators start from: 128 times the total. */
#define GLYPHITE_START                                                                             \
    "lsr r22\n\tror r21\n\tror r20\n\t"                                                           \
    "mov r22, r21\n\tmov r21, r20\n\tclr r20\n\tror r20\n\t"
/* clang-format on */
