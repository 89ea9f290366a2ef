/* DEPTHWISE_CONV_2D like depthwise_conv_2d.h, with stride 1 along the height: two output rows at a
 * time, which share the pairs of rows that both take.
 *
 * The generator lays out the weights for each channel:
 *   bias     [1]    in units of 1 / 2^fraction_bits, input offset included
 *   weights  [3][2] by column: those of rows 0 and 1 as a pair, those of rows 1 and 2 as a pair,
 *                   times 2^fraction_bits
 *   numbers  [1 to 3], see requantize.h */
#pragma once

#include "depthwise_conv_2d.h"

struct glyphite_dsp_depthwise_conv_2d_pair {
    struct glyphite_dsp_depthwise_conv_2d conv;
};

/* One channel of two output rows; `upper` and `lower` are its places in their first pixels. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_pair_channel(const struct glyphite_dsp_depthwise_conv_2d_pair *layer,
                                    const uint32_t *columns, const int32_t *weights, int8_t *upper,
                                    int8_t *lower) {
    const struct glyphite_window *const window = &layer->conv.inputs.window;
    const int32_t channels = layer->conv.inputs.channels;
    const int8_t *const end = upper + window->output_width * channels;
    const int32_t bias = weights[0];
    const uint32_t nine[6] = {(uint32_t)weights[1], (uint32_t)weights[2], (uint32_t)weights[3],
                              (uint32_t)weights[4], (uint32_t)weights[5], (uint32_t)weights[6]};
    struct glyphite_dsp_channels numbers;
    glyphite_dsp_read_channels(&layer->conv.requantize, weights + 7, 1, &numbers);
    for (; upper != end; upper += channels, lower += channels) {
        int32_t sums[2];
        glyphite_dot_columns_4(columns, nine, bias, sums);
        *upper = glyphite_dsp_requantize(&layer->conv.requantize, &numbers, 0, sums[0]);
        *lower = glyphite_dsp_requantize(&layer->conv.requantize, &numbers, 0, sums[1]);
        columns += 8 * window->stride_width;
    }
}

/* Two output rows (output_width, channels) from the four input rows under them. Where the output's
 * height is odd, the last lower row is one that nobody reads. Scratch: 8 words a column. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_conv_2d_pair_rows(const struct glyphite_dsp_depthwise_conv_2d_pair *layer,
                                         const int8_t *const *rows, int8_t *upper, int8_t *lower,
                                         uint32_t *scratch) {
    const int32_t words = 7 + glyphite_dsp_numbers(&layer->conv.requantize); /* of a channel */
    const int32_t *weights = layer->conv.weights;
    for (int32_t channel = 0; channel < layer->conv.inputs.channels; channel += 4) {
        glyphite_dsp_depthwise_order(&layer->conv, rows, 4, channel, scratch);
        for (int32_t i = 0; i < 4; i++, weights += words) {
            glyphite_dsp_depthwise_pair_channel(layer, scratch + 2 * i, weights,
                                                upper + channel + i, lower + channel + i);
        }
    }
}

/* All rows: input (input_height, input_width, channels), output (output_height, output_width,
 * channels). Scratch: a row of output more, where the output's height is odd. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_conv_2d_pair(const struct glyphite_dsp_depthwise_conv_2d_pair *layer,
                                    const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->conv.inputs.window;
    const int32_t channels = layer->conv.inputs.channels;
    const int32_t row_bytes = window->input_width * channels;
    const int32_t output_bytes = window->output_width * channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y += 2, output += 2 * output_bytes) {
        const int odd = y + 1 == window->output_height;
        int8_t *const lower = odd ? (int8_t *)scratch : output + output_bytes;
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_window_rows(window, input, row_bytes, y + 1, rows + 1);
        glyphite_dsp_depthwise_conv_2d_pair_rows(layer, rows, output, lower,
                                                 odd ? scratch + (output_bytes + 3) / 4 : scratch);
    }
}
