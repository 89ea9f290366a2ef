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
    uint16_t taps; /* weights of a channel */
    uint8_t kernel_height;
    uint8_t kernel_width;
    uint8_t stride_width;
    uint8_t padding_left;
    uint8_t pool_height; /* the pool's stride is its size; 1 and 1: no pool */
    uint8_t pool_width;
    uint8_t groups; /* in each part */
    struct glyphite_limits limits;
    /* For each group of eight channels, the last of which may have four, from the first channel on:
     * (kernel_height, kernel_width, input_channels, group) weights, each + 128; then the constants
     * of glyphite_outputs. Channels that only fill a group have weights and no constants. */
    glyphite_far weights[GLYPHITE_PARTS];
};

/* Lists the runs of the window that begins on column `origin`; returns the list's end. */
static struct glyphite_run *glyphite_list_runs(const struct glyphite_avr_conv_2d *conv,
                                               const int8_t *const *rows, int16_t origin,
                                               struct glyphite_run *run) {
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
    run->skip = 0;
    run->pages = 0;
    return run;
}

/* All channels of a pixel, from the sums' start. last: the list's end, where the sums' place is
 * noted. output: NULL before the last pixel under the pool. */
static void glyphite_groups(const struct glyphite_avr_conv_2d *conv,
                            const struct glyphite_run *runs, struct glyphite_run *last,
                            __uint24 start, uint8_t *sums, int8_t *output) {
    const glyphite_far *part = conv->weights;
    const uint8_t in_place = conv->pool_height * conv->pool_width == 1;
    glyphite_far weights = NULL;
    uint8_t left = 0;
    for (uint16_t channel = conv->output_channels; channel > 0;) {
        if (left-- == 0) {
            weights = *part++;
            left = (uint8_t)(conv->groups - 1);
        }
        uint16_t bytes = 4 * conv->taps;
        uint8_t wide = 4;
        last->input = (const int8_t *)sums;
        if (channel > 4) {
            wide = 8;
            bytes *= 2;
            glyphite_sums_8(runs, weights, start);
        } else {
            glyphite_sums_4(runs, weights, start);
        }
        const uint8_t count = (uint8_t)(channel < wide ? channel : wide);
        weights += bytes;
        if (output != NULL) {
            glyphite_outputs(sums, weights, count, &conv->limits, output);
            output += count;
        }
        weights += count * 8u;
        sums += in_place ? 0 : wide * 3;
        channel -= count;
    }
}

/* One output row (output_width, output_channels). rows: kernel_height input rows for each of the
 * pool's rows. */
GLYPHITE_AVR_KERNEL void
glyphite_avr_conv_2d_row(const GLYPHITE_FAR struct glyphite_avr_conv_2d *in_flash,
                         const int8_t *const *rows, int8_t *output) {
    const struct glyphite_avr_conv_2d conv = *in_flash;
    const uint8_t height = conv.pool_height, pixels = (uint8_t)(height * conv.pool_width);
    const uint16_t step = conv.stride_width * conv.input_channels;
    struct glyphite_run runs[height][conv.kernel_height + 1], *last[height];
    uint8_t sums[pixels == 1 ? 24 : 3 * ((conv.output_channels + 3u) & ~3u)];
    int16_t origin = -(int16_t)conv.padding_left;
    for (uint16_t x = conv.output_width; x > 0; x--) {
        uint8_t left = pixels;
        for (uint8_t column = conv.pool_width; column > 0; column--) {
            const uint8_t inside = origin >= conv.stride_width &&
                                   origin + conv.kernel_width <= (int16_t)conv.input_width;
            for (uint8_t row = 0; row < height; row++, left--) {
                if (!inside) {
                    last[row] = glyphite_list_runs(&conv, rows + row * conv.kernel_height, origin,
                                                   runs[row]);
                }
                last[row]->count = left != pixels;
                const __uint24 start = glyphite_move(runs[row], inside ? step : 0);
                glyphite_groups(&conv, runs[row], last[row], start, sums,
                                left == 1 ? output : NULL);
            }
            origin += conv.stride_width;
        }
        output += conv.output_channels;
    }
}

/* A layer of one row: input (input_width, input_channels), output (output_width, output_channels).
 */
GLYPHITE_AVR_KERNEL void glyphite_avr_conv_2d(const GLYPHITE_FAR struct glyphite_avr_conv_2d *conv,
                                              const int8_t *input, int8_t *output) {
    glyphite_avr_conv_2d_row(conv, &input, output);
}
