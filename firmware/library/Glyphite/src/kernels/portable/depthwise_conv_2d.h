/* DEPTHWISE_CONV_2D: int8, each input channel with filters of its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../dot.h"
#include "../kernel.h"
#include "../output.h"
#include "../window.h"

struct glyphite_depthwise_conv_2d {
    struct glyphite_window window;
    int32_t input_channels;
    int32_t output_channels;              /* a multiple of input_channels: neighbours share one */
    int32_t input_offset;                 /* minus the input's zero point */
    const GLYPHITE_CONST int8_t *weights; /* (kernel_height, kernel_width, output_channels) */
    struct glyphite_output output;
};

/* Output channels of each input channel. */
GLYPHITE_KERNEL int32_t
glyphite_depthwise_conv_2d_multiplier(const struct glyphite_depthwise_conv_2d *conv) {
    return conv->output_channels / conv->input_channels;
}

/* The weights of a channel from a kernel row and column on. */
GLYPHITE_KERNEL const GLYPHITE_CONST int8_t *
glyphite_depthwise_conv_2d_weights(const struct glyphite_depthwise_conv_2d *conv, int32_t channel,
                                   int32_t row, int32_t column) {
    return conv->weights + (row * conv->window.kernel_width + column) * conv->output_channels +
           channel;
}

/* The accumulator of one output channel. rows: the kernel_height input rows under the window. */
GLYPHITE_KERNEL int32_t glyphite_depthwise_conv_2d_sum(
    const struct glyphite_depthwise_conv_2d *conv, const int8_t *const *rows,
    struct glyphite_span columns, int32_t channel) {
    const int32_t step = conv->window.dilation_width * conv->input_channels;
    const int32_t from = columns.input * conv->input_channels +
                         channel / glyphite_depthwise_conv_2d_multiplier(conv);
    int32_t sum = conv->output.bias[channel];
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        const GLYPHITE_CONST int8_t *const weights =
            glyphite_depthwise_conv_2d_weights(conv, channel, row, columns.first);
        for (int32_t i = 0; rows[row] != NULL && i < columns.end - columns.first; i++) {
            const int32_t value = rows[row][from + i * step] + conv->input_offset;
            sum += value * weights[i * conv->output_channels];
        }
    }
    return sum;
}

/* The accumulators of the output channels channel..channel+3, which have an input channel each, or
 * all the same one. */
GLYPHITE_KERNEL struct glyphite_sums
glyphite_depthwise_conv_2d_sum_4(const struct glyphite_depthwise_conv_2d *conv,
                                 const int8_t *const *rows, struct glyphite_span columns,
                                 int32_t channel) {
    const int32_t multiplier = glyphite_depthwise_conv_2d_multiplier(conv);
    const int32_t next = multiplier == 1;
    const int32_t step = conv->window.dilation_width * conv->input_channels;
    const int32_t from = columns.input * conv->input_channels + channel / multiplier;
    struct glyphite_sums sums = glyphite_output_bias_4(&conv->output, channel);
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        const GLYPHITE_CONST int8_t *weights =
            glyphite_depthwise_conv_2d_weights(conv, channel, row, columns.first);
        for (int32_t i = 0; rows[row] != NULL && i < columns.end - columns.first; i++) {
            const int8_t *const input = rows[row] + from + i * step;
            sums.a += (input[0] + conv->input_offset) * weights[0];
            sums.b += (input[next] + conv->input_offset) * weights[1];
            sums.c += (input[2 * next] + conv->input_offset) * weights[2];
            sums.d += (input[3 * next] + conv->input_offset) * weights[3];
            weights += conv->output_channels;
        }
    }
    return sums;
}

/* One output row (output_width, output_channels). */
GLYPHITE_KERNEL void glyphite_depthwise_conv_2d_row(const struct glyphite_depthwise_conv_2d *conv,
                                                    const int8_t *const *rows, int8_t *output) {
    const int32_t multiplier = glyphite_depthwise_conv_2d_multiplier(conv);
    const int32_t fours =
        multiplier == 1 || multiplier % 4 == 0 ? conv->output_channels / 4 * 4 : 0;
    for (int32_t x = 0; x < conv->window.output_width; x++) {
        const struct glyphite_span columns = glyphite_window_columns(&conv->window, x);
        int8_t *const pixel = output + x * conv->output_channels;
        for (int32_t channel = 0; channel < fours; channel += 4) {
            const struct glyphite_sums sums =
                glyphite_depthwise_conv_2d_sum_4(conv, rows, columns, channel);
            glyphite_output_write_4(&conv->output, channel, sums, pixel + channel);
        }
        for (int32_t channel = fours; channel < conv->output_channels; channel++) {
            const int32_t sum = glyphite_depthwise_conv_2d_sum(conv, rows, columns, channel);
            pixel[channel] = glyphite_output_value(&conv->output, channel, sum);
        }
    }
}

/* input (input_height, input_width, input_channels), output (output_height, output_width,
 * output_channels). */
GLYPHITE_KERNEL void glyphite_depthwise_conv_2d(const struct glyphite_depthwise_conv_2d *conv,
                                                const int8_t *input, int8_t *output) {
    const struct glyphite_window *const window = &conv->window;
    const int32_t row_bytes = window->input_width * conv->input_channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_depthwise_conv_2d_row(conv, rows, output);
        output += window->output_width * conv->output_channels;
    }
}
