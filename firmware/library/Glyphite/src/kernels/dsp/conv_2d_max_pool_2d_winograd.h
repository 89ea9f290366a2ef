/* conv_2d_winograd.h where only a MAX_POOL_2D over 2x2 pixels takes the output: a tile is a pool,
 * and of its four accumulators only the largest is requantized. */
#pragma once

#include "conv_2d_winograd.h"

struct glyphite_dsp_conv_2d_max_pool_2d_winograd {
    struct glyphite_dsp_conv_2d_winograd conv;
    struct glyphite_window pool; /* over the convolution's output; none of it lies outside */
};

/* One pooled row (pool.output_width, output_channels) from the four input rows under it. Scratch:
 * 16 * tiles * (2 + input channels / 2) words. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_max_pool_2d_winograd_row(
    const struct glyphite_dsp_conv_2d_max_pool_2d_winograd *layer, const int8_t *const *rows,
    int8_t *output, uint32_t *scratch) {
    glyphite_dsp_conv_2d_winograd_blocks(&layer->conv, layer->pool.output_width, 1, rows, output,
                                         NULL, scratch);
}

/* All rows: input (conv's input_height, input_width, channels), output (pool's output_height,
 * output_width, output_channels). */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_max_pool_2d_winograd(
    const struct glyphite_dsp_conv_2d_max_pool_2d_winograd *layer, const int8_t *input,
    int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->conv.inputs.window;
    const int32_t row_bytes = window->input_width * layer->conv.inputs.channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < layer->pool.output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, 2 * y, rows);
        glyphite_window_rows(window, input, row_bytes, 2 * y + 1, rows + 1);
        glyphite_dsp_conv_2d_max_pool_2d_winograd_row(layer, rows, output, scratch);
        output += layer->pool.output_width * layer->conv.output_channels;
    }
}
