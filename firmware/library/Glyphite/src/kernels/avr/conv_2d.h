/* CONV_2D on an AVR, with or without a MAX_POOL_2D behind it; FULLY_CONNECTED is its 1x1 case.
 *
 * Of the accumulators under a pool only the largest is requantized, as in
 * portable/conv_2d_max_pool_2d.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "fields.h"
#include "memory.h"
#include "multiply_high.h"
#include "outputs.h"
#include "sums.h"

/* The most arrays of weights that a layer has, since avr-gcc refuses those above 32,767 bytes. */
#ifndef GLYPHITE_PARTS
#define GLYPHITE_PARTS 4
#endif

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
    uint8_t rests;         /* 1: an array of weights begins with its channels' outputs for a window
                              of zeros */
    struct glyphite_limits limits;
    /* Channels in groups of eight, a last group of up to four being one of four. For each group:
     * (kernel_height, kernel_width, input_channels, group) weights, each + 128; then the constants
     * of GLYPHITE_OUTPUTS. Channels that only fill a group up have weights and no constants. */
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

/* What one call of the assembly below works on. */
struct glyphite_pixel {
    struct glyphite_avr_conv_2d conv;
    struct glyphite_run *runs;
    struct glyphite_run *last; /* the end of the list of runs */
    uint16_t step;             /* bytes by which the runs move first */
    glyphite_address weights;  /* the first group's */
    uint8_t channels;
    uint8_t *sums;
    int8_t *output;        /* NULL before the last pixel under the pool */
    uint8_t kept;          /* 1: sums that are there already stay where they are larger */
    uint8_t several;       /* 1: there is a pool, for which the sums of all groups are kept */
    uint8_t left;          /* for the assembly: channels that are still to be computed */
    uint8_t *sum;          /* for the assembly: where the next group's sums go */
    __uint24 start;        /* for the assembly: what each sum starts from */
    glyphite_address rest; /* of the outputs for a window of zeros; 0: there are none */
};

/* clang-format off */

/* All channels of a pixel. */
__attribute__((noinline)) static void glyphite_run_pixel(struct glyphite_pixel *pixel) {
    register struct glyphite_pixel *at __asm__("r26") = pixel;
    __asm__ volatile(
        "push r28\n\tpush r29\n\tmovw r28, r26\n\t"
        GLYPHITE_LOAD_2("r26", "r27", "runs") GLYPHITE_LOAD_2("r24", "r25", "step")
        GLYPHITE_MOVE
        "mov r0, r20\n\tor r0, r21\n\tor r0, r22\n\tbrne 19f\n\t" /* not all inputs are zero */
        GLYPHITE_LOAD_Z("rest") "mov r0, r30\n\tor r0, r31\n\tbreq 19f\n\t"
        GLYPHITE_LOAD("r19", "channels") GLYPHITE_LOAD_2("r26", "r27", "output")
        "9: " GLYPHITE_LPM("r0") "st X+, r0\n\tdec r19\n\tbrne 9b\n\trjmp 17f\n"
        "19: " GLYPHITE_START GLYPHITE_SAVE_3("start", "r20", "r21", "r22")
        GLYPHITE_LOAD_Z("weights")
        GLYPHITE_LOAD("r19", "channels") GLYPHITE_LOAD_2("r20", "r21", "sums")
        /* A group: Z its weights, r19 the channels left, r21:r20 the place of its sums. */
        "10: " GLYPHITE_SAVE("left", "r19") GLYPHITE_SAVE_2("sum", "r20", "r21")
        GLYPHITE_LOAD_2("r26", "r27", "last")
        "adiw r26, %[run_input]\n\tst X+, r20\n\tst X+, r21\n\t"
        GLYPHITE_LOAD("r0", "kept") "st X, r0\n\t"
        GLYPHITE_LOAD_3("r24", "r25", "r23", "start")
        "push r28\n\tpush r29\n\t"
        "ldd r0, Y+%[runs]\n\tldd r29, Y+%[runs]+1\n\tmov r28, r0\n\t"
        "cpi r19, 5\n\tbrsh 18f\n\trjmp 11f\n18: "
        GLYPHITE_GROUP "pop r29\n\tpop r28\n\t"
        /* Its outputs, if it is time for them; r16 of the group's r19 channels are there. */
        GLYPHITE_LOAD("r18", "left") "ldi r19, 8\n\tcpi r18, 5\n\tbrsh 12f\n\tldi r19, 4\n"
        "12: mov r16, r18\n\tcp r19, r16\n\tbrsh 13f\n\tmov r16, r19\n"
        "13: sub r18, r16\n\t" GLYPHITE_SAVE("left", "r18")
        GLYPHITE_LOAD_2("r24", "r25", "output") "mov r0, r24\n\tor r0, r25\n\tbrne 14f\n\t"
        "lsl r16\n\tlsl r16\n\tlsl r16\n\tclr r17\n\tadd r30, r16\n\tadc r31, r17\n\t"
        GLYPHITE_CARRY_PAGE "rjmp 15f\n"
        "14: push r19\n\tpush r28\n\tpush r29\n\t"
        GLYPHITE_LOAD_2("r26", "r27", "sum") "clr r17\n\t"
        GLYPHITE_LOAD("r2", "offset") GLYPHITE_LOAD("r3", "minimum")
        GLYPHITE_LOAD("r4", "maximum") GLYPHITE_LOAD("r5", "relu") "movw r28, r24\n"
        GLYPHITE_OUTPUTS
        "movw r24, r28\n\tpop r29\n\tpop r28\n\tpop r19\n\t"
        GLYPHITE_SAVE_2("output", "r24", "r25")
        "15: " GLYPHITE_LOAD_2("r20", "r21", "sum")
        GLYPHITE_LOAD("r0", "several") "tst r0\n\tbreq 16f\n\t"
        "clr r0\n\tadd r20, r19\n\tadc r21, r0\n\tadd r20, r19\n\tadc r21, r0\n\t"
        "add r20, r19\n\tadc r21, r0\n"
        "16: " GLYPHITE_LOAD("r19", "left") "tst r19\n\tbreq 17f\n\trjmp 10b\n"
        "17: clr r1\n\tpop r29\n\tpop r28\n\t"
        : "+r"(at)
        : GLYPHITE_FIELD(glyphite_pixel, runs, 2), GLYPHITE_FIELD(glyphite_pixel, last, 2),
          GLYPHITE_FIELD(glyphite_pixel, step, 2), GLYPHITE_FIELD(glyphite_pixel, weights, GLYPHITE_ADDRESS_BYTES),
          GLYPHITE_FIELD(glyphite_pixel, channels, 1), GLYPHITE_FIELD(glyphite_pixel, sums, 2),
          GLYPHITE_FIELD(glyphite_pixel, output, 2), GLYPHITE_FIELD(glyphite_pixel, kept, 1),
          GLYPHITE_FIELD(glyphite_pixel, several, 1), GLYPHITE_FIELD(glyphite_pixel, left, 1),
          GLYPHITE_FIELD(glyphite_pixel, sum, 2), GLYPHITE_FIELD(glyphite_pixel, start, 3),
          GLYPHITE_FIELD(glyphite_pixel, rest, GLYPHITE_ADDRESS_BYTES),
          GLYPHITE_LIMITS(glyphite_pixel, conv.limits),
          GLYPHITE_FIELD_AS(run_input, glyphite_run, input, 2)
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
          "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r30", "r31",
          "memory");
}
/* clang-format on */

/* What lies under a window in one of the rows of a pool: first where the list of runs ends, then
 * kernel_height runs at most, and that end. */
struct glyphite_line {
    struct glyphite_run *last;
    struct glyphite_run runs[1];
};

/* A column of the convolution: one pixel, or as many as the pool is high. rows: their input rows.
 * output: where the pool's output goes at its last column, else NULL. */
static void glyphite_column(struct glyphite_pixel *pixel, const int8_t *const *rows, int16_t origin,
                            uint8_t *line, int8_t *output) {
    const struct glyphite_avr_conv_2d *const conv = &pixel->conv;
    /* Whether the window follows one, and both lie inside the input. */
    const uint8_t follows = origin >= conv->stride_width && origin <= conv->last_inside;
    pixel->step = follows ? conv->step : 0;
    pixel->output = output;
    if (follows && !pixel->several) { /* the quick way, without a pool */
        glyphite_run_pixel(pixel);
        return;
    }
    pixel->output = NULL;
    for (uint8_t row = conv->pool_height; row > 0; row--) {
        struct glyphite_line *const at = (struct glyphite_line *)line;
        if (!follows) {
            at->last = glyphite_list_runs(conv, rows, origin, at->runs);
            rows += conv->kernel_height;
        }
        pixel->runs = at->runs;
        pixel->last = at->last;
        if (row == 1) {
            pixel->output = output;
        }
        glyphite_run_pixel(pixel);
        pixel->kept = pixel->several;
        line += sizeof *at + conv->kernel_height * sizeof at->runs[0];
    }
}

/* One output row (output_width, output_channels). rows: kernel_height input rows for each of the
 * pool's rows. */
GLYPHITE_AVR_KERNEL void
glyphite_avr_conv_2d_row(const GLYPHITE_FAR struct glyphite_avr_conv_2d *in_flash,
                         const int8_t *const *rows, int8_t *output) {
    struct glyphite_pixel pixel;
    pixel.conv = *in_flash;
    const struct glyphite_avr_conv_2d *const conv = &pixel.conv;
    const uint8_t several = conv->pool_height * conv->pool_width > 1;
    const uint16_t sums = several ? 3 * ((conv->part_channels + 3u) & ~3u) : 24;
    uint8_t memory[sums + conv->pool_height * (sizeof(struct glyphite_line) +
                                               conv->kernel_height * sizeof(struct glyphite_run))];
    pixel.sums = memory;
    pixel.several = several;
    uint16_t channels = conv->output_channels;
    for (uint8_t part = 0; part < GLYPHITE_PARTS && channels > 0; part++) {
        pixel.channels = (uint8_t)(channels < conv->part_channels ? channels : conv->part_channels);
        pixel.weights = GLYPHITE_NUMBER(conv->weights[part]);
        pixel.rest = 0;
        if (conv->rests) {
            pixel.rest = pixel.weights;
            pixel.weights += pixel.channels;
        }
        int16_t origin = -(int16_t)conv->padding_left;
        int8_t *pixel_output = output;
        for (uint16_t x = conv->output_width; x > 0; x--) {
            pixel.kept = 0;
            for (uint8_t column = conv->pool_width; column > 0; column--) {
                glyphite_column(&pixel, rows, origin, memory + sums,
                                column == 1 ? pixel_output : NULL);
                origin += conv->stride_width;
            }
            pixel_output += conv->output_channels;
        }
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
