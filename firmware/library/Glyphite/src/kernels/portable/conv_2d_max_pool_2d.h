/* CONV_2D whose output only a MAX_POOL_2D takes: of the accumulators under a pool only the largest
 * is requantized, and the convolution's output is not stored. Requantization is monotonic, so the
 * largest accumulator gives the largest output. */
#pragma once

#include <stdint.h>
#include "../dot.h"
#include "../kernel.h"
#include "../output.h"
#include "../window.h"
#include "conv_2d.h"

struct glyphite_conv_2d_max_pool_2d {
    struct glyphite_conv_2d conv; /* its output's minimum and maximum are those after the pool */
    struct glyphite_window pool;  /* over the convolution's output */
};

GLYPHITE_KERNEL int32_t glyphite_larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* The largest accumulators under the pool of the channels channel..channel+3. columns: the pool's.
 */
GLYPHITE_KERNEL struct glyphite_sums
glyphite_conv_2d_max_pool_2d_sum_4(const struct glyphite_conv_2d_max_pool_2d *layer,
                                   const int8_t *const *rows, struct glyphite_span columns,
                                   int32_t channel) {
    const struct glyphite_window *const window = &layer->conv.window;
    struct glyphite_sums largest = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    for (int32_t row = 0; row < layer->pool.kernel_height; row++) {
        for (int32_t i = 0; i < columns.end - columns.first; i++) {
            const struct glyphite_sums sums =
                glyphite_conv_2d_sum_4(&layer->conv, rows + row * window->kernel_height,
                                       glyphite_window_columns(window, columns.input + i), channel);
            largest.a = glyphite_larger(largest.a, sums.a);
            largest.b = glyphite_larger(largest.b, sums.b);
            largest.c = glyphite_larger(largest.c, sums.c);
            largest.d = glyphite_larger(largest.d, sums.d);
        }
    }
    return largest;
}

/* The same for one channel. */
GLYPHITE_KERNEL int32_t glyphite_conv_2d_max_pool_2d_sum(
    const struct glyphite_conv_2d_max_pool_2d *layer, const int8_t *const *rows,
    struct glyphite_span columns, int32_t channel) {
    const struct glyphite_window *const window = &layer->conv.window;
    int32_t largest = INT32_MIN;
    for (int32_t row = 0; row < layer->pool.kernel_height; row++) {
        for (int32_t i = 0; i < columns.end - columns.first; i++) {
            const int32_t sum =
                glyphite_conv_2d_sum(&layer->conv, rows + row * window->kernel_height,
                                     glyphite_window_columns(window, columns.input + i), channel);
            largest = glyphite_larger(largest, sum);
        }
    }
    return largest;
}

/* One pooled row (pool.output_width, output_channels). rows: for each of the pool's rows, the
 * kernel_height input rows under it. A row of the pool that lies outside the convolution's output
 * is replaced by the nearest one inside: meeting it twice does not change the largest value. */
GLYPHITE_KERNEL void
glyphite_conv_2d_max_pool_2d_row(const struct glyphite_conv_2d_max_pool_2d *layer,
                                 const int8_t *const *rows, int8_t *output) {
    const struct glyphite_conv_2d *const conv = &layer->conv;
    const int32_t fours = conv->output_channels / 4 * 4;
    for (int32_t x = 0; x < layer->pool.output_width; x++) {
        const struct glyphite_span columns = glyphite_window_columns(&layer->pool, x);
        int8_t *const pixel = output + x * conv->output_channels;
        for (int32_t channel = 0; channel < fours; channel += 4) {
            const struct glyphite_sums sums =
                glyphite_conv_2d_max_pool_2d_sum_4(layer, rows, columns, channel);
            glyphite_output_write_4(&conv->output, channel, sums, pixel + channel);
        }
        for (int32_t channel = fours; channel < conv->output_channels; channel++) {
            const int32_t sum = glyphite_conv_2d_max_pool_2d_sum(layer, rows, columns, channel);
            pixel[channel] = glyphite_output_value(&conv->output, channel, sum);
        }
    }
}

/* input (conv's input_height, input_width, input_channels), output (pool's output_height,
 * output_width, output_channels). */
GLYPHITE_KERNEL void glyphite_conv_2d_max_pool_2d(const struct glyphite_conv_2d_max_pool_2d *layer,
                                                  const int8_t *input, int8_t *output) {
    const struct glyphite_conv_2d *const conv = &layer->conv;
    const int32_t row_bytes = conv->window.input_width * conv->input_channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < layer->pool.output_height; y++) {
        for (int32_t i = 0; i < layer->pool.kernel_height; i++) {
            const int32_t row = y * layer->pool.stride_height - layer->pool.padding_top + i;
            glyphite_window_rows(&conv->window, input, row_bytes,
                                 glyphite_clamp(row, 0, layer->pool.input_height - 1),
                                 rows + i * conv->window.kernel_height);
        }
        glyphite_conv_2d_max_pool_2d_row(layer, rows, output);
        output += layer->pool.output_width * conv->output_channels;
    }
}
