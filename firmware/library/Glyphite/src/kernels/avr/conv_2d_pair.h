/* CONV_2D on an AVR for layers of few channels; FULLY_CONNECTED is its 1x1 case.
 *
 * A window's inputs are too few there to pay for what conv_2d.h does before its sums. Here two
 * neighbouring pixels share each weight, and a channel is made at a time: a quarter of the code,
 * and no more than the output's own cost a pixel. There is no padding, so inputs keep their signs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "memory.h"
#include "multiply_high.h"
#include "outputs.h"

struct glyphite_avr_conv_2d_pair {
    uint16_t output_width;
    uint16_t step; /* bytes from a window to the next one */
    uint8_t output_channels;
    uint8_t kernel_height;
    uint8_t run; /* inputs of a window in one row */
    struct glyphite_limits limits;
    /* For each channel: how its sums are kept (0: 24 bits, 1: 16 bits), its negated bias (3 bytes),
     * (kernel_height, run) weights, twice its multiplier (4), and its shift to the right. */
    glyphite_far weights;
};

/* What one call of the assembly below works on; its numbers are the places in this struct. */
struct glyphite_pairs {
    const int8_t *const *rows;     /* 0 */
    uint16_t first;                /* 2: where the first pixel's window begins in them */
    uint16_t second;               /* 4 */
    __uint24 weights;              /* 6 */
    uint8_t height;                /* 9 */
    uint8_t run;                   /* 10 */
    uint8_t channels;              /* 11 */
    int8_t *output;                /* 12: of the first pixel */
    uint16_t apart;                /* 14: bytes from it to the second one's; 0: there is none */
    struct glyphite_limits limits; /* 16 */
    uint16_t count;                /* 20: pairs */
    uint16_t step;                 /* 22: bytes from a pair's windows to the next one's */
    uint8_t left;                  /* 24: for the assembly: channels */
};

/* clang-format off */

/* The next input of the pointer, times the weight r18, taken off the sum. After the product, the
 * carry is its sign. */
#define GLYPHITE_TAKE_16(pointer, low, high) \
    "ld r19, " pointer "+\n\tmuls r18, r19\n\tsub " low ", r0\n\tsbc " high ", r1\n\t"
#define GLYPHITE_TAKE_24(pointer, low, middle, high) \
    "ld r19, " pointer "+\n\tmuls r18, r19\n\tsbc r16, r16\n\t" \
    "sub " low ", r0\n\tsbc " middle ", r1\n\tsbc " high ", r16\n\t"

/* All rows of both windows; X and Y walk them, and r24 counts the rows of the list r9:r8. */
#define GLYPHITE_PAIR_SUMS(take_both) \
    "50: movw r26, r8\n\tld r16, X+\n\tld r17, X+\n\tmovw r8, r26\n\t" \
    "movw r26, r16\n\tmovw r28, r16\n\t" \
    "add r26, r20\n\tadc r27, r21\n\tadd r28, r22\n\tadc r29, r23\n\tmov r17, r25\n" \
    "51: " GLYPHITE_LPM("r18") take_both "dec r17\n\tbrne 51b\n\t" \
    "dec r24\n\tbrne 50b\n\t"

/* Moves a word of the struct Y by r25:r24. */
#define GLYPHITE_ADVANCE(at) \
    "ldd r18, Y+" #at "\n\tldd r19, Y+" #at "+1\n\tadd r18, r24\n\tadc r19, r25\n\t" \
    "std Y+" #at ", r18\n\tstd Y+" #at "+1, r19\n\t"

/* All channels of the pairs of a row. */
__attribute__((noinline)) static void glyphite_run_pairs(struct glyphite_pairs *pairs) {
    register struct glyphite_pairs *at __asm__("r26") = pairs;
    __asm__ volatile(
        "push r28\n\tpush r29\n\tmovw r28, r26\n\t"
        "ldd r2, Y+16\n\tldd r3, Y+17\n\tldd r4, Y+18\n\tldd r5, Y+19\n\trjmp 9f\n"
        /* A routine: the negated sum r24:r23:r22 to an output r25, by r21...r18 and the shift r7. */
        "40: clr r17\n\ttst r24\n\tbrmi 41f\n\t"
        GLYPHITE_BELOW_ZERO "tst r5\n\tbreq 42f\n\tmov r25, r3\n\trjmp 33f\n"
        "41: " GLYPHITE_ABOVE_ZERO
        "42: " GLYPHITE_PRODUCT "mov r25, r7\n\t" GLYPHITE_VALUE "subi r25, 0x80\n\tret\n"
        /* A pair. */
        "9: ldd r30, Y+6\n\tldd r31, Y+7\n\tldd r22, Y+8\n\t" GLYPHITE_SET_PAGE
        "ldd r18, Y+11\n"
        /* A channel of r18: its two sums, negated. */
        "10: std Y+24, r18\n\t"
        "ldd r8, Y+0\n\tldd r9, Y+1\n\tldd r20, Y+2\n\tldd r21, Y+3\n\t"
        "ldd r22, Y+4\n\tldd r23, Y+5\n\tldd r24, Y+9\n\tldd r25, Y+10\n\t"
        "push r28\n\tpush r29\n\t"
        GLYPHITE_LPM("r16") GLYPHITE_LPM("r10") GLYPHITE_LPM("r11") GLYPHITE_LPM("r12")
        "mov r13, r10\n\tmov r14, r11\n\tmov r15, r12\n\t"
        "tst r16\n\tbrne 11f\n\t"
        GLYPHITE_PAIR_SUMS(GLYPHITE_TAKE_24("X", "r10", "r11", "r12")
                           GLYPHITE_TAKE_24("Y", "r13", "r14", "r15"))
        "rjmp 12f\n"
        "11: " GLYPHITE_PAIR_SUMS(GLYPHITE_TAKE_16("X", "r10", "r11")
                                  GLYPHITE_TAKE_16("Y", "r13", "r14"))
        "clr r12\n\tsbrc r11, 7\n\tcom r12\n\tclr r15\n\tsbrc r14, 7\n\tcom r15\n"
        "12: pop r29\n\tpop r28\n\t"
        /* Its two outputs; meanwhile the second sum is r15:r16:r6. */
        GLYPHITE_LPM("r18") GLYPHITE_LPM("r19") GLYPHITE_LPM("r20") GLYPHITE_LPM("r21")
        GLYPHITE_LPM("r7")
        "movw r22, r10\n\tmov r24, r12\n\tmov r6, r13\n\tmov r16, r14\n\trcall 40b\n\t"
        "ldd r26, Y+12\n\tldd r27, Y+13\n\tst X, r25\n\t"
        "ldd r8, Y+14\n\tldd r9, Y+15\n\tmov r0, r8\n\tor r0, r9\n\tbreq 13f\n\t"
        "add r26, r8\n\tadc r27, r9\n\tpush r26\n\tpush r27\n\t"
        "mov r22, r6\n\tmov r23, r16\n\tmov r24, r15\n\trcall 40b\n\t"
        "pop r27\n\tpop r26\n\tst X, r25\n"
        "13: ldi r24, 1\n\tldi r25, 0\n\t" GLYPHITE_ADVANCE(12)
        "ldd r18, Y+24\n\tdec r18\n\tbreq 15f\n\trjmp 10b\n15: "
        /* The next pair. */
        "ldd r24, Y+14\n\tldd r25, Y+15\n\t" GLYPHITE_ADVANCE(12)
        "ldd r24, Y+22\n\tldd r25, Y+23\n\t" GLYPHITE_ADVANCE(2) GLYPHITE_ADVANCE(4)
        "ldi r24, 0xFF\n\tldi r25, 0xFF\n\t" GLYPHITE_ADVANCE(20)
        "or r18, r19\n\tbreq 14f\n\trjmp 9b\n"
        "14: clr r1\n\tpop r29\n\tpop r28\n\t"
        : "+r"(at)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
          "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r30", "r31",
          "memory");
}
/* clang-format on */

/* One output row (output_width, output_channels) of kernel_height input rows. */
GLYPHITE_AVR_KERNEL void
glyphite_avr_conv_2d_pair_row(const GLYPHITE_FAR struct glyphite_avr_conv_2d_pair *conv,
                              const int8_t *const *rows, int8_t *output) {
    const uint16_t width = conv->output_width, step = conv->step;
    struct glyphite_pairs pairs;
    pairs.rows = rows;
    pairs.first = 0;
    pairs.second = step;
    pairs.weights = GLYPHITE_NUMBER(conv->weights);
    pairs.height = conv->kernel_height;
    pairs.run = conv->run;
    pairs.channels = conv->output_channels;
    pairs.output = output;
    pairs.apart = pairs.channels;
    pairs.limits = conv->limits;
    pairs.count = width / 2;
    pairs.step = 2 * step;
    if (pairs.count > 0) {
        glyphite_run_pairs(&pairs);
    }
    if (width & 1) { /* the last pixel, alone */
        pairs.second = pairs.first;
        pairs.apart = 0;
        pairs.count = 1;
        glyphite_run_pairs(&pairs);
    }
}

/* A layer of one row: input (output_width, run), output (output_width, output_channels). */
GLYPHITE_AVR_KERNEL void
glyphite_avr_conv_2d_pair(const GLYPHITE_FAR struct glyphite_avr_conv_2d_pair *conv,
                          const int8_t *input, int8_t *output) {
    glyphite_avr_conv_2d_pair_row(conv, &input, output);
}
