/* DEPTHWISE_CONV_2D with a 3x3 filter and one output channel for each input channel, whose number
 * is a multiple of four; any stride and padding, no dilation.
 *
 * SMLAD adds two products of one channel, but neighbours in memory are of different channels. So
 * im2col comes first, four channels of the columns under an output row at a time: each channel gets
 * the pair of its two upper rows, and beside it the third row. A channel's nine weights, bias and
 * numbers then stay in registers along the whole row.
 *
 * The generator lays out the weights for each channel:
 *   bias     [1]    in units of 1 / 2^fraction_bits, input offset included
 *   weights  [3]    by column: those of rows 0 and 1 as a pair, times 2^fraction_bits
 *            [2]    row 2, columns 0 and 1 as a pair; column 2
 *   numbers  [1 to 3], see requantize.h */
#pragma once

#include "patch.h"
#include "requantize.h"

struct glyphite_dsp_depthwise_conv_2d {
    struct glyphite_dsp_inputs inputs;
    struct glyphite_dsp_requantize requantize;
    const int32_t *weights;
};

/* Input columns under an output row, with the halo of padding on either side. */
GLYPHITE_KERNEL int32_t
glyphite_dsp_depthwise_columns(const struct glyphite_dsp_depthwise_conv_2d *layer) {
    const struct glyphite_window *const window = &layer->inputs.window;
    return (window->output_width - 1) * window->stride_width + 3;
}

/* im2col of the columns under `count` rows, 3 or 4, four channels from `channel` on. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_order(const struct glyphite_dsp_depthwise_conv_2d *layer,
                             const int8_t *const *rows, int32_t count, int32_t channel,
                             uint32_t *columns) {
    const struct glyphite_dsp_inputs *const inputs = &layer->inputs;
    const struct glyphite_window *const window = &inputs->window;
    const int32_t first = -window->padding_left;
    const int32_t end = first + glyphite_dsp_depthwise_columns(layer);
    const int whole =
        rows[0] != NULL && rows[1] != NULL && rows[2] != NULL && rows[count - 1] != NULL;
    const int32_t inside = whole ? 0 : end; /* from here on nothing is padding */
    for (int32_t x = first; x < end; x++) {
        const int8_t *column[4];
        if (x == inside) {
            for (; x < end && x < window->input_width; x++) {
                const int32_t at = x * inputs->channels + channel;
                columns = count == 3 ? glyphite_order_column(rows, at, columns)
                                     : glyphite_order_column_4(rows, at, columns);
            }
            if (x == end) {
                break;
            }
        }
        for (int32_t row = 0; row < count; row++) {
            column[row] = glyphite_dsp_column(inputs, rows[row], x);
        }
        columns = count == 3 ? glyphite_order_column(column, channel, columns)
                             : glyphite_order_column_4(column, channel, columns);
    }
}

/* One channel of an output row; `output` is its place in the first pixel. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_channel(const struct glyphite_dsp_depthwise_conv_2d *layer,
                               const uint32_t *columns, const int32_t *weights, int8_t *output) {
    const struct glyphite_window *const window = &layer->inputs.window;
    const int8_t *const end = output + window->output_width * layer->inputs.channels;
    const int32_t bias = weights[0];
    const uint32_t nine[5] = {(uint32_t)weights[1], (uint32_t)weights[2], (uint32_t)weights[3],
                              (uint32_t)weights[4], (uint32_t)weights[5]};
    struct glyphite_dsp_channels numbers;
    glyphite_dsp_read_channels(&layer->requantize, weights + 6, 1, &numbers);
    for (; output != end; output += layer->inputs.channels, columns += 8 * window->stride_width) {
        const int32_t sum = glyphite_dot_columns(columns, nine, bias);
        *output = glyphite_dsp_requantize(&layer->requantize, &numbers, 0, sum);
    }
}

/* One output row (output_width, channels) from three input rows. Scratch: 8 words a column. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_conv_2d_row(const struct glyphite_dsp_depthwise_conv_2d *layer,
                                   const int8_t *const *rows, int8_t *output, uint32_t *scratch) {
    const int32_t words = 6 + glyphite_dsp_numbers(&layer->requantize);
    const int32_t *weights = layer->weights;
    for (int32_t channel = 0; channel < layer->inputs.channels; channel += 4) {
        glyphite_dsp_depthwise_order(layer, rows, 3, channel, scratch);
        for (int32_t i = 0; i < 4; i++, weights += words) {
            glyphite_dsp_depthwise_channel(layer, scratch + 2 * i, weights, output + channel + i);
        }
    }
}

/* All rows: input (input_height, input_width, channels), output (output_height, output_width,
 * channels). */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_conv_2d(const struct glyphite_dsp_depthwise_conv_2d *layer,
                               const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->inputs.window;
    const int32_t channels = layer->inputs.channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, window->input_width * channels, y, rows);
        glyphite_dsp_depthwise_conv_2d_row(layer, rows, output, scratch);
        output += window->output_width * channels;
    }
}
