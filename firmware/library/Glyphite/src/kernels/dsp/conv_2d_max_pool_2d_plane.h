/* CONV_2D with a 3x3 filter and stride 1 over one input channel, whose output only a MAX_POOL_2D
 * over 2x2 pixels takes: the first layer of a network for grey images. A plane of 4x4 inputs, pairs
 * of them in the order of glyphite_dot_plane (dot.h), serves a whole pool.
 *
 * The generator lays out the weights for each output channel:
 *   weights  [3]   pairs, times 2^fraction_bits
 *   bias     [1]   in units of 1 / 2^fraction_bits, input offset included
 *   weights  [2]   the other pairs
 *   numbers  [1 to 3], see requantize.h */
#pragma once

#include "conv_2d.h"

struct glyphite_dsp_conv_2d_max_pool_2d_plane {
    struct glyphite_dsp_conv_2d conv;
    struct glyphite_window pool; /* over the convolution's output; none of it lies outside */
};

/* Four inputs of a row from column x on, as a word. */
GLYPHITE_KERNEL uint32_t glyphite_dsp_plane_row(const struct glyphite_dsp_inputs *inputs,
                                                const int8_t *row, int32_t x) {
    int8_t bytes[4];
    if (row != NULL && x >= 0 && x + 4 <= inputs->window.input_width) {
        return glyphite_load_word(row + x);
    }
    for (int32_t i = 0; i < 4; i++) {
        bytes[i] = *glyphite_dsp_column(inputs, row, x + i);
    }
    return glyphite_load_word(bytes);
}

/* The 13 pairs of the plane whose upper left input lies in column x of rows[0]. */
GLYPHITE_KERNEL void glyphite_dsp_plane(const struct glyphite_dsp_inputs *inputs,
                                        const int8_t *const rows[4], int32_t x, uint32_t *patch) {
    uint32_t even[4];
    uint32_t odd[4];
#pragma GCC unroll 4
    for (int32_t row = 0; row < 4; row++) {
        const uint32_t word = glyphite_dsp_plane_row(inputs, rows[row], x);
        even[row] = glyphite_even_bytes(word);
        odd[row] = glyphite_odd_bytes(word);
        patch[2 * row] = glyphite_pack_low(even[row], odd[row]);
        patch[2 * row + 1] = glyphite_pack_low_high(odd[row], even[row]);
    }
    for (int32_t row = 0; row < 2; row++) {
        patch[8 + 2 * row] = glyphite_pack_high(even[row], even[row + 1]);
        patch[9 + 2 * row] = glyphite_pack_high(odd[row], odd[row + 1]);
    }
    patch[12] = glyphite_pack_high(even[3], odd[3]);
}

/* One pooled row (pool.output_width, output_channels) from the four input rows under it. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_max_pool_2d_plane_row(
    const struct glyphite_dsp_conv_2d_max_pool_2d_plane *layer, const int8_t *const rows[4],
    int8_t *output) {
    const struct glyphite_dsp_conv_2d *const conv = &layer->conv;
    const int8_t *const end = output + layer->pool.output_width * conv->output_channels;
    int32_t x = -conv->inputs.window.padding_left;
    for (; output != end; x += 2) {
        const int8_t *const pixel_end = output + conv->output_channels;
        const int32_t *weights = conv->weights;
        uint32_t patch[13];
        glyphite_dsp_plane(&conv->inputs, rows, x, patch);
        while (output != pixel_end) {
            struct glyphite_dsp_channels numbers;
            int32_t sums[4];
            weights = glyphite_dot_plane(sums, weights, patch);
            weights = glyphite_dsp_read_channels(&conv->requantize, weights, 1, &numbers);
            *output++ = glyphite_dsp_requantize(&conv->requantize, &numbers, 0,
                                                glyphite_dsp_largest(sums, 1));
        }
    }
}

/* All rows: input (conv's input_height, input_width), output (pool's output_height, output_width,
 * output_channels). */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_max_pool_2d_plane(const struct glyphite_dsp_conv_2d_max_pool_2d_plane *layer,
                                       const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->conv.inputs.window;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    (void)scratch;
    for (int32_t y = 0; y < layer->pool.output_height; y++) {
        glyphite_window_rows(window, input, window->input_width, 2 * y, rows);
        glyphite_window_rows(window, input, window->input_width, 2 * y + 1, rows + 1);
        glyphite_dsp_conv_2d_max_pool_2d_plane_row(layer, rows, output);
        output += layer->pool.output_width * layer->conv.output_channels;
    }
}
