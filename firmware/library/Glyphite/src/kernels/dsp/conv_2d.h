/* CONV_2D by rows, with any kernel, stride, dilation and padding: im2col of a block of pixels
 * (patch.h), then a matrix product with all output channels (dot.h, block.h).
 *
 * The generator lays out the weights for each pair of output channels; a last odd channel has a
 * partner of zeros:
 *   bias     [2]                    in units of 1 / 2^fraction_bits, input offset included
 *   weights  [steps][2] or [steps][2][2]  narrow or wide, see dot.h; inputs in the order of
 *                                   patch.h, zeros behind
 *   numbers  [1 to 3][2]            see requantize.h
 * They lie at a multiple of 4. */
#pragma once

#include "block.h"
#include "patch.h"
#include "requantize.h"

struct glyphite_dsp_conv_2d {
    struct glyphite_dsp_inputs inputs;
    struct glyphite_dsp_requantize requantize;
    int32_t output_channels;
    int32_t pixels; /* of a block: 1 to GLYPHITE_BLOCK_PIXELS */
    int32_t rest;   /* pixels of a row that are left behind its last whole block */
    int32_t simple; /* 1 where block.h serves */
    const int32_t *weights;
};

/* Adds the products of the patch at `at` with one pair of channels to sums[pixel][2]. Gives the end
 * of the weights, and leaves the end of the patch at `at`. */
GLYPHITE_KERNEL const int32_t *glyphite_dsp_dot(int32_t wide, int32_t pixels, int32_t steps,
                                                int32_t *sums, const int32_t *weights,
                                                const uint32_t **at) {
    if (wide) {
        return pixels == 4   ? glyphite_dot_wide_4(sums, weights, at, steps)
               : pixels == 3 ? glyphite_dot_wide_3(sums, weights, at, steps)
               : pixels == 2 ? glyphite_dot_wide_2(sums, weights, at, steps)
                             : glyphite_dot_wide_1(sums, weights, at, steps);
    }
    return pixels == 4   ? glyphite_dot_narrow_4(sums, weights, at, steps)
           : pixels == 3 ? glyphite_dot_narrow_3(sums, weights, at, steps)
           : pixels == 2 ? glyphite_dot_narrow_2(sums, weights, at, steps)
                         : glyphite_dot_narrow_1(sums, weights, at, steps);
}

/* The largest of four sums, `stride` apart. */
GLYPHITE_KERNEL int32_t glyphite_dsp_largest(const int32_t *sums, int32_t stride) {
    const int32_t upper = sums[0] > sums[stride] ? sums[0] : sums[stride];
    const int32_t lower = sums[2 * stride] > sums[3 * stride] ? sums[2 * stride] : sums[3 * stride];
    return upper > lower ? upper : lower;
}

/* All channels of a block of pixels, or with `pooled` the largest of its four, which are a pool.
 * output (pixels, output_channels), or one pixel of it. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_block(const struct glyphite_dsp_conv_2d *layer,
                                                int32_t pixels, int pooled, const uint32_t *patch,
                                                int8_t *output) {
    const int32_t channels = layer->output_channels;
    const int32_t steps = glyphite_dsp_steps(&layer->inputs);
    const int32_t written = pooled ? 1 : pixels;
    const int32_t *weights = layer->weights;
    if (layer->simple && pixels >= 3 && !pooled) {
        const uint32_t *const end = patch + 2 * pixels * steps;
        const struct glyphite_block block = {
            layer->requantize.addend, output, output + channels, channels, patch, end, weights};
        if (pixels == 4) {
            glyphite_block_4(&block);
        } else {
            glyphite_block_3(&block);
        }
        return;
    }
    for (int32_t channel = 0; channel < channels; channel += 2) {
        struct glyphite_dsp_channels numbers;
        int32_t sums[2 * GLYPHITE_BLOCK_PIXELS] = {0}; /* [pixel][2] */
        const uint32_t *at = patch;
#pragma GCC unroll 4
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            sums[2 * pixel] = weights[0];
            sums[2 * pixel + 1] = weights[1];
        }
        weights = glyphite_dsp_dot(layer->inputs.wide, pixels, steps, sums, weights + 2, &at);
        weights = glyphite_dsp_read_channels(&layer->requantize, weights, 2, &numbers);
        if (pooled) {
            sums[0] = glyphite_dsp_largest(sums, 2);
            sums[1] = glyphite_dsp_largest(sums + 1, 2);
        }
#pragma GCC unroll 4
        for (int32_t pixel = 0; pixel < written; pixel++) {
            int8_t *const to = output + pixel * channels + channel;
            to[0] = glyphite_dsp_requantize(&layer->requantize, &numbers, 0, sums[2 * pixel]);
            if (channels % 2 == 0 || channel + 1 < channels) {
                to[1] =
                    glyphite_dsp_requantize(&layer->requantize, &numbers, 1, sums[2 * pixel + 1]);
            }
        }
    }
}

/* Output pixels x to x + pixels - 1 of a row. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_pixels(const struct glyphite_dsp_conv_2d *layer,
                                                 int32_t pixels, int32_t x,
                                                 const int8_t *const *rows, int8_t *output,
                                                 uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->inputs.window;
    int8_t *const bytes = (int8_t *)(scratch + 2 * pixels * glyphite_dsp_steps(&layer->inputs));
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const int32_t column = (x + pixel) * window->stride_width - window->padding_left;
        glyphite_dsp_im2col(&layer->inputs, rows, column, pixels, scratch + pixel, bytes);
    }
    glyphite_dsp_conv_2d_block(layer, pixels, 0, scratch, output + x * layer->output_channels);
}

/* One output row (output_width, output_channels) from the kernel_height input rows under it.
 * Scratch: steps * 2 * pixels words for the patch. Where input channels are no multiple of four,
 * behind it: the inputs of all kernel rows that fill no whole word, and one kernel row. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_row(const struct glyphite_dsp_conv_2d *layer,
                                              const int8_t *const *rows, int8_t *output,
                                              uint32_t *scratch) {
    const int32_t end = layer->inputs.window.output_width - layer->rest;
    for (int32_t x = 0; x < end; x += layer->pixels) {
        glyphite_dsp_conv_2d_pixels(layer, layer->pixels, x, rows, output, scratch);
    }
    if (layer->rest > 0) {
        glyphite_dsp_conv_2d_pixels(layer, layer->rest, end, rows, output, scratch);
    }
}

/* All rows: input (input_height, input_width, channels), output (output_height, output_width,
 * output_channels). */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d(const struct glyphite_dsp_conv_2d *layer,
                                          const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->inputs.window;
    const int32_t row_bytes = window->input_width * layer->inputs.channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_dsp_conv_2d_row(layer, rows, output, scratch);
        output += window->output_width * layer->output_channels;
    }
}
