/* CONV_2D of several groups: each output channel sees the input channels of its group. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../dot.h"
#include "../kernel.h"
#include "../output.h"
#include "../window.h"

struct glyphite_grouped_conv_2d {
    struct glyphite_window window;
    int32_t input_channels;
    int32_t output_channels;
    int32_t groups;
    int32_t input_offset;                 /* minus the input's zero point */
    const GLYPHITE_CONST int8_t *weights; /* (output_channels, height, width, depth) */
    struct glyphite_output output;
};

/* Input channels of a group. */
GLYPHITE_KERNEL int32_t
glyphite_grouped_conv_2d_depth(const struct glyphite_grouped_conv_2d *conv) {
    return conv->input_channels / conv->groups;
}

/* The input channel at which an output channel's group begins. */
GLYPHITE_KERNEL int32_t glyphite_grouped_conv_2d_first(const struct glyphite_grouped_conv_2d *conv,
                                                       int32_t channel) {
    return channel / (conv->output_channels / conv->groups) * glyphite_grouped_conv_2d_depth(conv);
}

/* The weights of a channel from a kernel row and column on. */
GLYPHITE_KERNEL const GLYPHITE_CONST int8_t *
glyphite_grouped_conv_2d_weights(const struct glyphite_grouped_conv_2d *conv, int32_t channel,
                                 int32_t row, int32_t column) {
    const struct glyphite_window *window = &conv->window;
    return conv->weights +
           ((channel * window->kernel_height + row) * window->kernel_width + column) *
               glyphite_grouped_conv_2d_depth(conv);
}

/* The accumulator of one output channel. rows: the kernel_height input rows under the window. */
GLYPHITE_KERNEL int32_t glyphite_grouped_conv_2d_sum(const struct glyphite_grouped_conv_2d *conv,
                                                     const int8_t *const *rows,
                                                     struct glyphite_span columns,
                                                     int32_t channel) {
    const int32_t depth = glyphite_grouped_conv_2d_depth(conv);
    const int32_t step = conv->window.dilation_width * conv->input_channels;
    const int32_t from =
        columns.input * conv->input_channels + glyphite_grouped_conv_2d_first(conv, channel);
    int32_t sum = conv->output.bias[channel];
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        const GLYPHITE_CONST int8_t *const weights =
            glyphite_grouped_conv_2d_weights(conv, channel, row, columns.first);
        for (int32_t i = 0; rows[row] != NULL && i < columns.end - columns.first; i++) {
            sum = glyphite_dot(rows[row] + from + i * step, conv->input_offset, weights + i * depth,
                               depth, sum);
        }
    }
    return sum;
}

/* The accumulators of the output channels channel..channel+3, all of one group. */
GLYPHITE_KERNEL struct glyphite_sums
glyphite_grouped_conv_2d_sum_4(const struct glyphite_grouped_conv_2d *conv,
                               const int8_t *const *rows, struct glyphite_span columns,
                               int32_t channel) {
    const int32_t depth = glyphite_grouped_conv_2d_depth(conv);
    const int32_t step = conv->window.dilation_width * conv->input_channels;
    const int32_t filter = conv->window.kernel_height * conv->window.kernel_width * depth;
    const int32_t from =
        columns.input * conv->input_channels + glyphite_grouped_conv_2d_first(conv, channel);
    struct glyphite_sums sums = glyphite_output_bias_4(&conv->output, channel);
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        const GLYPHITE_CONST int8_t *const weights =
            glyphite_grouped_conv_2d_weights(conv, channel, row, columns.first);
        for (int32_t i = 0; rows[row] != NULL && i < columns.end - columns.first; i++) {
            sums = glyphite_dot_4(rows[row] + from + i * step, conv->input_offset,
                                  weights + i * depth, filter, depth, sums);
        }
    }
    return sums;
}

/* One output row (output_width, output_channels). */
GLYPHITE_KERNEL void glyphite_grouped_conv_2d_row(const struct glyphite_grouped_conv_2d *conv,
                                                  const int8_t *const *rows, int8_t *output) {
    /* Four channels at a time where no four are of two groups. */
    const int32_t fours = conv->output_channels / conv->groups % 4 == 0 ? conv->output_channels : 0;
    for (int32_t x = 0; x < conv->window.output_width; x++) {
        const struct glyphite_span columns = glyphite_window_columns(&conv->window, x);
        int8_t *const pixel = output + x * conv->output_channels;
        for (int32_t channel = 0; channel < fours; channel += 4) {
            const struct glyphite_sums sums =
                glyphite_grouped_conv_2d_sum_4(conv, rows, columns, channel);
            glyphite_output_write_4(&conv->output, channel, sums, pixel + channel);
        }
        for (int32_t channel = fours; channel < conv->output_channels; channel++) {
            const int32_t sum = glyphite_grouped_conv_2d_sum(conv, rows, columns, channel);
            pixel[channel] = glyphite_output_value(&conv->output, channel, sum);
        }
    }
}

/* input (input_height, input_width, input_channels), output (output_height, output_width,
 * output_channels). */
GLYPHITE_KERNEL void glyphite_grouped_conv_2d(const struct glyphite_grouped_conv_2d *conv,
                                              const int8_t *input, int8_t *output) {
    const struct glyphite_window *const window = &conv->window;
    const int32_t row_bytes = window->input_width * conv->input_channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_grouped_conv_2d_row(conv, rows, output);
        output += window->output_width * conv->output_channels;
    }
}
