/* CONV_2D whose output only a MAX_POOL_2D over 2x2 pixels takes: a block of pixels is a pool.
 * Pixels that pooling drops are not computed, and of a pool's four accumulators only the largest is
 * requantized: it gives the largest byte, because requantization is monotonic. */
#pragma once

#include "conv_2d.h"

struct glyphite_dsp_conv_2d_max_pool_2d {
    struct glyphite_dsp_conv_2d conv;
    struct glyphite_window pool; /* over the convolution's output; none of it lies outside */
};

/* One pooled row (pool.output_width, output_channels). rows: kernel_height input rows for each of
 * two output rows. Scratch as for conv_2d, with 4 pixels. */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_max_pool_2d_row(const struct glyphite_dsp_conv_2d_max_pool_2d *layer,
                                     const int8_t *const *rows, int8_t *output, uint32_t *scratch) {
    const struct glyphite_dsp_inputs *const inputs = &layer->conv.inputs;
    const struct glyphite_window *const window = &inputs->window;
    int8_t *const bytes = (int8_t *)(scratch + 8 * glyphite_dsp_steps(inputs));
    for (int32_t x = 0; x < layer->pool.output_width; x++) {
        for (int32_t pixel = 0; pixel < 4; pixel++) {
            const int32_t column =
                (2 * x + pixel % 2) * window->stride_width - window->padding_left;
            const int8_t *const *const under = rows + pixel / 2 * window->kernel_height;
            glyphite_dsp_im2col(inputs, under, column, 4, scratch + pixel, bytes);
        }
        glyphite_dsp_conv_2d_block(&layer->conv, 4, 1, scratch,
                                   output + x * layer->conv.output_channels);
    }
}

/* All rows: input (conv's input_height, input_width, channels), output (pool's output_height,
 * output_width, output_channels). */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_max_pool_2d(const struct glyphite_dsp_conv_2d_max_pool_2d *layer,
                                 const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->conv.inputs.window;
    const int32_t row_bytes = window->input_width * layer->conv.inputs.channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < layer->pool.output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, 2 * y, rows);
        glyphite_window_rows(window, input, row_bytes, 2 * y + 1, rows + window->kernel_height);
        glyphite_dsp_conv_2d_max_pool_2d_row(layer, rows, output, scratch);
        output += layer->pool.output_width * layer->conv.output_channels;
    }
}
