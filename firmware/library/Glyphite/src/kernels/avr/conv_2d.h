/* CONV_2D on an AVR, with or without a MAX_POOL_2D behind it; FULLY_CONNECTED is its 1x1 case.
 *
 * The largest sum under the pool is requantized, as in portable/conv_2d_max_pool_2d.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "memory.h"
#include "outputs.h"
#include "sums.h"

/* Arrays of weights that a layer may have, since avr-gcc refuses those above 32,767 bytes. */
#if defined(__AVR_HAVE_ELPM__)
#define GLYPHITE_PARTS 4
#else
#define GLYPHITE_PARTS 1
#endif

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
static struct glyphite_run *
glyphite_list_runs(const GLYPHITE_FLASH struct glyphite_avr_conv_2d *conv,
                   const int8_t *const *rows, int16_t origin, struct glyphite_run *run) {
    const uint16_t channels = conv->input_channels;
    const int16_t inside = (int16_t)conv->input_width - origin;
    const uint8_t end = (uint8_t)(inside < conv->kernel_width ? inside : conv->kernel_width);
    const uint8_t first = origin < 0 ? (uint8_t)-origin : 0;
    const uint16_t count = (uint16_t)(end - first) * channels;
    uint16_t skip = first * channels;
    for (uint8_t row = 0; row < conv->kernel_height; row++) {
        if (rows[row] == NULL) {
            skip += conv->kernel_width * channels;
            continue;
        }
        run->skip = skip;
        run->input = rows[row] + (uint16_t)(origin + first) * channels;
        run->count = (uint8_t)count;
        run->pages = (uint8_t)((count + 255u) >> 8);
        run++;
        skip = conv->kernel_width * channels - count;
    }
    run->skip = 0;
    run->pages = 0;
    return run;
}

/* The same, from the runs of the pixel before. */
static struct glyphite_run *
glyphite_move_runs(const GLYPHITE_FLASH struct glyphite_avr_conv_2d *conv,
                   const int8_t *const *rows, int16_t origin, struct glyphite_run *run) {
    const uint16_t step = conv->stride_width * conv->input_channels;
    if (origin < conv->stride_width || origin + conv->kernel_width > (int16_t)conv->input_width) {
        return glyphite_list_runs(conv, rows, origin, run);
    }
    for (; run->pages != 0; run++) {
        run->input += step;
    }
    return run;
}

/* The groups of channels of one pixel. last: the list's end, where the sums' place is noted.
 * output: NULL before the last pixel under the pool. */
static void glyphite_groups(const GLYPHITE_FLASH struct glyphite_avr_conv_2d *conv,
                            const struct glyphite_run *runs, struct glyphite_run *last,
                            uint8_t *sums, int8_t *output) {
    const __uint24 start = glyphite_total(runs) << 7;
    const uint16_t taps = conv->taps;
    const uint8_t in_place = conv->pool_height * conv->pool_width == 1;
    const GLYPHITE_FLASH glyphite_far *part = conv->weights;
    const struct glyphite_limits limits = conv->limits;
    glyphite_far weights = NULL;
    uint8_t left = 0;
    for (uint16_t channel = conv->output_channels; channel > 0;) {
        if (left-- == 0) {
            weights = *part++;
            left = (uint8_t)(conv->groups - 1);
        }
        const uint8_t wide = channel > 4 ? 8 : 4;
        const uint8_t count = (uint8_t)(channel < wide ? channel : wide);
        last->input = (const int8_t *)sums;
        if (wide == 8) {
            glyphite_sums_8(runs, weights, start);
        } else {
            glyphite_sums_4(runs, weights, start);
        }
        weights += wide * taps;
        if (output != NULL) {
            glyphite_outputs(sums, weights, count, &limits, output);
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
glyphite_avr_conv_2d_row(const GLYPHITE_FLASH struct glyphite_avr_conv_2d *conv,
                         const int8_t *const *rows, int8_t *output) {
    const uint8_t height = conv->pool_height, pixels = (uint8_t)(height * conv->pool_width);
    const uint8_t kernel = conv->kernel_height;
    struct glyphite_run runs[height][kernel + 1];
    uint8_t sums[pixels == 1 ? 24 : 3 * ((conv->output_channels + 3u) & ~3u)];
    int16_t origin = -(int16_t)conv->padding_left;
    for (uint16_t x = conv->output_width; x > 0; x--) {
        uint8_t left = pixels;
        for (uint8_t column = conv->pool_width; column > 0; column--) {
            for (uint8_t row = 0; row < height; row++, left--) {
                struct glyphite_run *const last =
                    glyphite_move_runs(conv, rows + row * kernel, origin, runs[row]);
                last->count = left != pixels;
                glyphite_groups(conv, runs[row], last, sums, left == 1 ? output : NULL);
            }
            origin += conv->stride_width;
        }
        output += conv->output_channels;
    }
}
