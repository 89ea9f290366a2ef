/* CONV_2D: int8, any stride, dilation and padding, weights scaled by tensor or by channel. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../dot.h"
#include "../kernel.h"
#include "../output.h"
#include "../window.h"

struct glyphite_conv_2d {
    struct glyphite_window window;
    int32_t input_channels;
    int32_t output_channels;
    int32_t input_offset;                 /* minus the input's zero point */
    const GLYPHITE_CONST int8_t *weights; /* (output_channels, height, width, input_channels) */
    struct glyphite_output output;
};

/* Runs of inputs side by side under a kernel row: the row is one without dilation, else each column
 * is one. */
GLYPHITE_KERNEL int32_t glyphite_conv_2d_runs(const struct glyphite_conv_2d *conv,
                                              struct glyphite_span columns) {
    return conv->window.dilation_width == 1 ? 1 : columns.end - columns.first;
}

/* Inputs of a run. */
GLYPHITE_KERNEL int32_t glyphite_conv_2d_run_length(const struct glyphite_conv_2d *conv,
                                                    struct glyphite_span columns) {
    const int32_t count = conv->window.dilation_width == 1 ? columns.end - columns.first : 1;
    return count * conv->input_channels;
}

/* The weights of a channel from kernel row `row`, column `column` on. */
GLYPHITE_KERNEL const GLYPHITE_CONST int8_t *
glyphite_conv_2d_weights(const struct glyphite_conv_2d *conv, int32_t channel, int32_t row,
                         int32_t column) {
    const struct glyphite_window *window = &conv->window;
    return conv->weights +
           ((channel * window->kernel_height + row) * window->kernel_width + column) *
               conv->input_channels;
}

/* The accumulator of one output channel. rows: the kernel_height input rows under the window. */
GLYPHITE_KERNEL int32_t glyphite_conv_2d_sum(const struct glyphite_conv_2d *conv,
                                             const int8_t *const *rows,
                                             struct glyphite_span columns, int32_t channel) {
    const int32_t runs = glyphite_conv_2d_runs(conv, columns);
    const int32_t length = glyphite_conv_2d_run_length(conv, columns);
    int32_t sum = conv->output.bias[channel];
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        for (int32_t run = 0; rows[row] != NULL && run < runs; run++) {
            const int32_t column = columns.input + run * conv->window.dilation_width;
            sum = glyphite_dot(rows[row] + column * conv->input_channels, conv->input_offset,
                               glyphite_conv_2d_weights(conv, channel, row, columns.first + run),
                               length, sum);
        }
    }
    return sum;
}

/* The accumulators of the output channels channel..channel+3. */
GLYPHITE_KERNEL struct glyphite_sums glyphite_conv_2d_sum_4(const struct glyphite_conv_2d *conv,
                                                            const int8_t *const *rows,
                                                            struct glyphite_span columns,
                                                            int32_t channel) {
    const int32_t runs = glyphite_conv_2d_runs(conv, columns);
    const int32_t length = glyphite_conv_2d_run_length(conv, columns);
    const int32_t stride =
        conv->window.kernel_height * conv->window.kernel_width * conv->input_channels;
    struct glyphite_sums sums = glyphite_output_bias_4(&conv->output, channel);
    for (int32_t row = 0; row < conv->window.kernel_height; row++) {
        for (int32_t run = 0; rows[row] != NULL && run < runs; run++) {
            const int32_t column = columns.input + run * conv->window.dilation_width;
            sums = glyphite_dot_4(rows[row] + column * conv->input_channels, conv->input_offset,
                                  glyphite_conv_2d_weights(conv, channel, row, columns.first + run),
                                  stride, length, sums);
        }
    }
    return sums;
}

/* One output row (output_width, output_channels). */
GLYPHITE_KERNEL void glyphite_conv_2d_row(const struct glyphite_conv_2d *conv,
                                          const int8_t *const *rows, int8_t *output) {
    const int32_t fours = conv->output_channels / 4 * 4;
    for (int32_t x = 0; x < conv->window.output_width; x++) {
        const struct glyphite_span columns = glyphite_window_columns(&conv->window, x);
        int8_t *const pixel = output + x * conv->output_channels;
        for (int32_t channel = 0; channel < fours; channel += 4) {
            const struct glyphite_sums sums = glyphite_conv_2d_sum_4(conv, rows, columns, channel);
            glyphite_output_write_4(&conv->output, channel, sums, pixel + channel);
        }
        for (int32_t channel = fours; channel < conv->output_channels; channel++) {
            const int32_t sum = glyphite_conv_2d_sum(conv, rows, columns, channel);
            pixel[channel] = glyphite_output_value(&conv->output, channel, sum);
        }
    }
}

/* input (input_height, input_width, input_channels), output (output_height, output_width,
 * output_channels). */
GLYPHITE_KERNEL void glyphite_conv_2d(const struct glyphite_conv_2d *conv, const int8_t *input,
                                      int8_t *output) {
    const struct glyphite_window *const window = &conv->window;
    const int32_t row_bytes = window->input_width * conv->input_channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_conv_2d_row(conv, rows, output);
        output += window->output_width * conv->output_channels;
    }
}
