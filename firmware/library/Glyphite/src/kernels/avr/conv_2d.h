/* CONV_2D on an AVR, with or without a MAX_POOL_2D behind it; FULLY_CONNECTED is its 1x1 case.
 *
 * The largest sum under the pool is requantized, as in portable/conv_2d_max_pool_2d.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "memory.h"
#include "multiply_high.h"
#include "outputs.h"
#include "sums.h"

/* Arrays of weights that a layer may have, since avr-gcc refuses those above 32,767 bytes. */
#define GLYPHITE_PARTS 4

struct glyphite_avr_conv_2d {
    uint16_t input_width;
    uint16_t output_width; /* after the pool */
    uint16_t input_channels;
    uint16_t output_channels;
    uint16_t step;       /* bytes from a window to the next one */
    int16_t last_inside; /* the last column at which a window has no padding behind it */
    uint8_t kernel_height;
    uint8_t kernel_width;
    uint8_t stride_width;
    uint8_t padding_left;
    uint8_t pool_height; /* the pool's stride is its size; 1 and 1: no pool */
    uint8_t pool_width;
    uint8_t part_channels; /* channels in each array of weights but the last */
    uint8_t rests;         /* 1: an array begins with its channels' outputs for a window of zeros */
    struct glyphite_limits limits;
    /* For each group of eight channels, the last of which may have four, from the first channel on:
     * (kernel_height, kernel_width, input_channels, group) weights, each + 128; then the constants
     * of GLYPHITE_OUTPUTS. Channels that only fill a group have weights and no constants. */
    glyphite_far weights[GLYPHITE_PARTS];
};

/* Lists the runs of the window that begins on column `origin`; returns the list's end. */
__attribute__((noinline)) static struct glyphite_run *
glyphite_list_runs(const struct glyphite_avr_conv_2d *conv, const int8_t *const *rows,
                   int16_t origin, struct glyphite_run *run) {
    const uint16_t channels = conv->input_channels;
    const uint16_t whole = conv->kernel_width * channels;
    const int16_t inside = (int16_t)conv->input_width - origin;
    const uint8_t end = (uint8_t)(inside < conv->kernel_width ? inside : conv->kernel_width);
    const uint8_t first = origin < 0 ? (uint8_t)-origin : 0;
    const uint16_t count = (uint16_t)(end - first) * channels;
    uint16_t skip = first * channels;
    for (uint8_t row = conv->kernel_height; row > 0; row--, rows++) {
        if (*rows == NULL) {
            skip += whole;
            continue;
        }
        run->skip = skip;
        run->input = *rows + (uint16_t)(origin + first) * channels;
        run->count = (uint8_t)count;
        run->pages = (uint8_t)((count + 255u) >> 8);
        run++;
        skip = whole - count;
    }
    run->skip = skip - first * channels;
    run->pages = 0;
    return run;
}

/* What one call of the assembly below works on; its numbers are the places in this struct. */
struct glyphite_pixel {
    struct glyphite_run *runs;     /* 0 */
    struct glyphite_run *last;     /* 2: their end */
    uint16_t step;                 /* 4: bytes by which the runs move first */
    __uint24 weights;              /* 6: the first group's address */
    uint8_t channels;              /* 9 */
    uint8_t *sums;                 /* 10 */
    int8_t *output;                /* 12: NULL before the last pixel under the pool */
    uint8_t kept;                  /* 14: sums that are there already stay where they are larger */
    uint8_t several;               /* 15: under a pool: the sums of all groups are kept */
    struct glyphite_limits limits; /* 16 */
    __uint24 group;                /* 20: from here on for the assembly: the group's address */
    uint8_t left;                  /* 23: channels */
    uint8_t *sum;                  /* 24 */
    __uint24 start;                /* 26: what each sum starts from */
    __uint24 rest;                 /* 29: the outputs for a window of zeros; 0: they are not kept */
};

/* clang-format off */

/* All channels of a pixel. */
__attribute__((noinline)) static void glyphite_run_pixel(struct glyphite_pixel *pixel) {
    register struct glyphite_pixel *at __asm__("r26") = pixel;
    __asm__ volatile(
        "push r28\n\tpush r29\n\tmovw r28, r26\n\t"
        "ldd r26, Y+0\n\tldd r27, Y+1\n\tldd r24, Y+4\n\tldd r25, Y+5\n\t"
        GLYPHITE_MOVE
        "mov r0, r20\n\tor r0, r21\n\tor r0, r22\n\tbrne 19f\n\t" /* no more than background */
        "ldd r30, Y+29\n\tldd r31, Y+30\n\tmov r0, r30\n\tor r0, r31\n\tbreq 19f\n\t"
        "ldd r22, Y+31\n\t" GLYPHITE_SET_PAGE "ldd r19, Y+9\n\tldd r26, Y+12\n\tldd r27, Y+13\n"
        "9: " GLYPHITE_LPM("r0") "st X+, r0\n\tdec r19\n\tbrne 9b\n\trjmp 17f\n"
        "19: " GLYPHITE_START
        "std Y+26, r20\n\tstd Y+27, r21\n\tstd Y+28, r22\n\t"
        "ldd r30, Y+6\n\tldd r31, Y+7\n\tldd r22, Y+8\n\t" GLYPHITE_SET_PAGE
        "ldd r19, Y+9\n\tldd r20, Y+10\n\tldd r21, Y+11\n\t"
        /* A group: Z its weights, r19 the channels left, r21:r20 the place of its sums. */
        "10: std Y+23, r19\n\tstd Y+24, r20\n\tstd Y+25, r21\n\t"
        "ldd r26, Y+2\n\tldd r27, Y+3\n\tadiw r26, 2\n\t"
        "st X+, r20\n\tst X+, r21\n\tldd r0, Y+14\n\tst X, r0\n\t"
        "ldd r24, Y+26\n\tldd r25, Y+27\n\tldd r23, Y+28\n\t"
        "push r28\n\tpush r29\n\tld r0, Y\n\tldd r29, Y+1\n\tmov r28, r0\n\t"
        "cpi r19, 5\n\tbrsh 18f\n\trjmp 11f\n18: "
        GLYPHITE_START_8 GLYPHITE_SUMS_8 "ldi r19, 8\n\trjmp 12f\n"
        "11: " GLYPHITE_START_4 GLYPHITE_SUMS_4 "ldi r19, 4\n"
        "12: pop r29\n\tpop r28\n\t"
        /* Its outputs, if it is time for them; r16 of the group's r19 channels are there. */
        "ldd r16, Y+23\n\tcp r19, r16\n\tbrsh 13f\n\tmov r16, r19\n"
        "13: ldd r18, Y+23\n\tsub r18, r16\n\tstd Y+23, r18\n\t"
        "ldd r24, Y+12\n\tldd r25, Y+13\n\tmov r0, r24\n\tor r0, r25\n\tbrne 14f\n\t"
        "lsl r16\n\tlsl r16\n\tlsl r16\n\tclr r17\n\tadd r30, r16\n\tadc r31, r17\n\t"
        GLYPHITE_CARRY_PAGE "rjmp 15f\n"
        "14: push r19\n\tpush r28\n\tpush r29\n\t"
        "ldd r26, Y+24\n\tldd r27, Y+25\n\tclr r17\n\t"
        "ldd r2, Y+16\n\tldd r3, Y+17\n\tldd r4, Y+18\n\tldd r5, Y+19\n\tmovw r28, r24\n"
        GLYPHITE_OUTPUTS
        "movw r24, r28\n\tpop r29\n\tpop r28\n\tpop r19\n\t"
        "std Y+12, r24\n\tstd Y+13, r25\n"
        "15: ldd r20, Y+24\n\tldd r21, Y+25\n\tldd r0, Y+15\n\ttst r0\n\tbreq 16f\n\t"
        "clr r0\n\tadd r20, r19\n\tadc r21, r0\n\tadd r20, r19\n\tadc r21, r0\n\t"
        "add r20, r19\n\tadc r21, r0\n"
        "16: ldd r19, Y+23\n\ttst r19\n\tbreq 17f\n\trjmp 10b\n"
        "17: clr r1\n\tpop r29\n\tpop r28\n\t"
        : "+r"(at)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
          "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r30", "r31",
          "memory");
}
/* clang-format on */

/* A row of the convolution, and how far its window has come. */
struct glyphite_line {
    const int8_t *const *rows; /* the kernel_height input rows; NULL is padding */
    struct glyphite_run *runs;
    struct glyphite_run *last;
};

/* Whether a window that begins on column `origin` follows one, and both lie inside the input. */
static uint8_t glyphite_follows(const struct glyphite_avr_conv_2d *conv, int16_t origin) {
    return origin >= conv->stride_width && origin <= conv->last_inside;
}

/* A pixel of a line, or of as many lines as the pool is high. */
static void glyphite_column(const struct glyphite_avr_conv_2d *conv, struct glyphite_line *lines,
                            struct glyphite_pixel *pixel, int16_t origin, int8_t *output) {
    const uint8_t follows = glyphite_follows(conv, origin);
    pixel->step = follows ? conv->step : 0;
    pixel->output = NULL;
    for (uint8_t row = conv->pool_height; row > 0; row--, lines++) {
        if (!follows) {
            lines->last = glyphite_list_runs(conv, lines->rows, origin, lines->runs);
        }
        pixel->runs = lines->runs;
        pixel->last = lines->last;
        if (row == 1) {
            pixel->output = output;
        }
        glyphite_run_pixel(pixel);
        pixel->kept = pixel->several;
    }
}

/* One output row of the channels of one part. */
static void glyphite_part_row(const struct glyphite_avr_conv_2d *conv, struct glyphite_line *lines,
                              struct glyphite_pixel *pixel, int8_t *output) {
    int16_t origin = -(int16_t)conv->padding_left;
    for (uint16_t x = conv->output_width; x > 0; x--) {
        pixel->kept = 0;
        if (!pixel->several && glyphite_follows(conv, origin)) { /* the quick way, without a pool */
            pixel->step = conv->step;
            pixel->output = output;
            glyphite_run_pixel(pixel);
            origin += conv->stride_width;
        } else {
            for (uint8_t column = conv->pool_width; column > 0; column--) {
                glyphite_column(conv, lines, pixel, origin, column == 1 ? output : NULL);
                origin += conv->stride_width;
            }
        }
        output += conv->output_channels;
    }
}

/* One output row (output_width, output_channels). rows: kernel_height input rows for each of the
 * pool's rows. */
GLYPHITE_AVR_KERNEL void
glyphite_avr_conv_2d_row(const GLYPHITE_FAR struct glyphite_avr_conv_2d *in_flash,
                         const int8_t *const *rows, int8_t *output) {
    const struct glyphite_avr_conv_2d conv = *in_flash;
    const uint8_t several = conv.pool_height * conv.pool_width > 1;
    struct glyphite_line lines[conv.pool_height];
    struct glyphite_run runs[conv.pool_height][conv.kernel_height + 1];
    uint8_t sums[several ? 3 * ((conv.part_channels + 3u) & ~3u) : 24];
    struct glyphite_pixel pixel;
    pixel.limits = conv.limits;
    pixel.sums = sums;
    pixel.several = several;
    for (uint8_t i = 0; i < conv.pool_height; i++, rows += conv.kernel_height) {
        lines[i].rows = rows;
        lines[i].runs = runs[i];
    }
    uint16_t channels = conv.output_channels;
    for (const glyphite_far *part = conv.weights; channels > 0; part++) {
        pixel.channels = (uint8_t)(channels < conv.part_channels ? channels : conv.part_channels);
        pixel.weights = pixel.rest = GLYPHITE_NUMBER(*part);
        if (conv.rests) {
            pixel.weights += pixel.channels;
        } else {
            pixel.rest = 0;
        }
        glyphite_part_row(&conv, lines, &pixel, output);
        channels -= pixel.channels;
        output += pixel.channels;
    }
}

/* A layer of one row: input (input_width, input_channels), output (output_width, output_channels).
 */
GLYPHITE_AVR_KERNEL void glyphite_avr_conv_2d(const GLYPHITE_FAR struct glyphite_avr_conv_2d *conv,
                                              const int8_t *input, int8_t *output) {
    glyphite_avr_conv_2d_row(conv, &input, output);
}
