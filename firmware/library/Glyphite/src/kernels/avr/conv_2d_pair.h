/* CONV_2D on an AVR for layers of few channels; FULLY_CONNECTED is its 1x1 case.
 *
 * Windows of few inputs are not worth what conv_2d.h does before it sums. Here two neighbouring
 * pixels share each weight, one channel at a time, in two fifths of the code. There is no padding,
 * so inputs keep their signs. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "fields.h"
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
    /* For each channel: the size of its accumulators (0: 24 bits, 1: 16 bits), its negated bias (3
     * bytes), (kernel_height, run) weights, twice its multiplier (4 bytes), and its shift to the
     * right. */
    glyphite_far weights;
};

/* What one call of the assembly below works on. */
struct glyphite_pairs {
    const int8_t *const *rows; /* the input rows under the windows */
    uint16_t first;            /* bytes from the rows' start to the first pixel's window */
    uint16_t second;           /* the same for the second pixel's */
    glyphite_address weights;  /* their address */
    uint8_t height;            /* of the kernel, in rows */
    uint8_t run;               /* inputs of a window in one row */
    uint8_t channels;
    int8_t *output; /* of the first pixel */
    uint16_t apart; /* bytes from it to the second one's; 0: there is no second pixel */
    struct glyphite_limits limits;
    uint16_t count; /* pairs that are still to be computed */
    uint16_t step;  /* bytes from a pair's windows to the next one's */
    uint8_t left;   /* for the assembly: channels that are still to be computed */
};

/* clang-format off */

/* Takes the next input of the pointer, times the weight r18, off an accumulator. After `muls` the
 * carry is the sign of the product. */
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
#define GLYPHITE_ADVANCE(field) \
    GLYPHITE_LOAD_2("r18", "r19", field) "add r18, r24\n\tadc r19, r25\n\t" \
    GLYPHITE_SAVE_2(field, "r18", "r19")

/* All channels of the pairs of a row. */
__attribute__((noinline)) static void glyphite_run_pairs(struct glyphite_pairs *pairs) {
    register struct glyphite_pairs *at __asm__("r26") = pairs;
    __asm__ volatile(
        "push r28\n\tpush r29\n\tmovw r28, r26\n\t"
        GLYPHITE_LOAD("r2", "offset") GLYPHITE_LOAD("r3", "minimum")
        GLYPHITE_LOAD("r4", "maximum") GLYPHITE_LOAD("r5", "relu") "rjmp 9f\n"
        /* A routine: the negated sum r24:r23:r22 to an output r25, by r21...r18 and the shift r7. */
        "40: clr r17\n\ttst r24\n\tbrmi 41f\n\t"
        GLYPHITE_BELOW_ZERO "tst r5\n\tbreq 42f\n\tmov r25, r3\n\trjmp 33f\n"
        "41: " GLYPHITE_ABOVE_ZERO
        "42: " GLYPHITE_PRODUCT "mov r25, r7\n\t" GLYPHITE_VALUE "subi r25, 0x80\n\tret\n"
        /* A pair. */
        "9: " GLYPHITE_LOAD_Z("weights")
        GLYPHITE_LOAD("r18", "channels")
        /* A channel of r18: its two sums, negated. */
        "10: " GLYPHITE_SAVE("left", "r18")
        GLYPHITE_LOAD_2("r8", "r9", "rows") GLYPHITE_LOAD_2("r20", "r21", "first")
        GLYPHITE_LOAD_2("r22", "r23", "second")
        GLYPHITE_LOAD("r24", "height") GLYPHITE_LOAD("r25", "run")
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
        GLYPHITE_LOAD_2("r26", "r27", "output") "st X, r25\n\t"
        GLYPHITE_LOAD_2("r8", "r9", "apart") "mov r0, r8\n\tor r0, r9\n\tbreq 13f\n\t"
        "add r26, r8\n\tadc r27, r9\n\tpush r26\n\tpush r27\n\t"
        "mov r22, r6\n\tmov r23, r16\n\tmov r24, r15\n\trcall 40b\n\t"
        "pop r27\n\tpop r26\n\tst X, r25\n"
        "13: ldi r24, 1\n\tldi r25, 0\n\t" GLYPHITE_ADVANCE("output")
        GLYPHITE_LOAD("r18", "left") "dec r18\n\tbreq 15f\n\trjmp 10b\n15: "
        /* The next pair. */
        GLYPHITE_LOAD_2("r24", "r25", "apart") GLYPHITE_ADVANCE("output")
        GLYPHITE_LOAD_2("r24", "r25", "step")
        GLYPHITE_ADVANCE("first") GLYPHITE_ADVANCE("second")
        "ldi r24, 0xFF\n\tldi r25, 0xFF\n\t" GLYPHITE_ADVANCE("count")
        "or r18, r19\n\tbreq 14f\n\trjmp 9b\n"
        "14: clr r1\n\tpop r29\n\tpop r28\n\t"
        : "+r"(at)
        : GLYPHITE_FIELD(glyphite_pairs, rows, 2), GLYPHITE_FIELD(glyphite_pairs, first, 2),
          GLYPHITE_FIELD(glyphite_pairs, second, 2), GLYPHITE_FIELD(glyphite_pairs, weights, GLYPHITE_ADDRESS_BYTES),
          GLYPHITE_FIELD(glyphite_pairs, height, 1), GLYPHITE_FIELD(glyphite_pairs, run, 1),
          GLYPHITE_FIELD(glyphite_pairs, channels, 1), GLYPHITE_FIELD(glyphite_pairs, output, 2),
          GLYPHITE_FIELD(glyphite_pairs, apart, 2), GLYPHITE_FIELD(glyphite_pairs, count, 2),
          GLYPHITE_FIELD(glyphite_pairs, step, 2), GLYPHITE_FIELD(glyphite_pairs, left, 1),
          GLYPHITE_LIMITS(glyphite_pairs, limits)
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
