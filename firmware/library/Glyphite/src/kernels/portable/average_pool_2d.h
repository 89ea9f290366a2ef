/* AVERAGE_POOL_2D: int8. Padding is neither added nor counted. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../../fixed_point.h"
#include "../add.h"
#include "../dot.h"
#include "../kernel.h"
#include "../window.h"

struct glyphite_average_pool_2d {
    struct glyphite_window window;
    int32_t channels;
    int32_t output_minimum;
    int32_t output_maximum;
};

/* sum / count, halves rounded away from zero. */
GLYPHITE_KERNEL int32_t glyphite_average_pool_2d_divide(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* The output of a sum of `count` inputs. The compiler knows the count of a window without padding,
 * as most are, and then needs no division. */
GLYPHITE_KERNEL int8_t glyphite_average_pool_2d_value(const struct glyphite_average_pool_2d *pool,
                                                      int32_t sum, int32_t count) {
    const int32_t whole = pool->window.kernel_height * pool->window.kernel_width;
    const int32_t average = count == whole ? glyphite_average_pool_2d_divide(sum, whole)
                                           : glyphite_average_pool_2d_divide(sum, count);
    return (int8_t)glyphite_clamp(average, pool->output_minimum, pool->output_maximum);
}

/* The sums of four channels under a window. input: the first of them in the window's first column.
 */
GLYPHITE_KERNEL struct glyphite_sums
glyphite_average_pool_2d_sum_4(const struct glyphite_average_pool_2d *pool,
                               const int8_t *const *rows, int32_t columns, int32_t input) {
    struct glyphite_sums sums = {0, 0, 0, 0};
    for (int32_t row = 0; row < pool->window.kernel_height; row++) {
        if (rows[row] != NULL) {
            sums = glyphite_add_all_4(rows[row] + input, pool->channels, columns, sums);
        }
    }
    return sums;
}

/* The same for one channel. */
GLYPHITE_KERNEL int32_t glyphite_average_pool_2d_sum(const struct glyphite_average_pool_2d *pool,
                                                     const int8_t *const *rows, int32_t columns,
                                                     int32_t input) {
    int32_t sum = 0;
    for (int32_t row = 0; row < pool->window.kernel_height; row++) {
        if (rows[row] != NULL) {
            sum = glyphite_add_all(rows[row] + input, pool->channels, columns, sum);
        }
    }
    return sum;
}

/* How many of the window's rows are no padding. */
GLYPHITE_KERNEL int32_t glyphite_average_pool_2d_inside(const struct glyphite_average_pool_2d *pool,
                                                        const int8_t *const *rows) {
    int32_t inside = 0;
    for (int32_t row = 0; row < pool->window.kernel_height; row++) {
        inside += rows[row] != NULL;
    }
    return inside;
}

/* One output row (output_width, channels). */
GLYPHITE_KERNEL void glyphite_average_pool_2d_row(const struct glyphite_average_pool_2d *pool,
                                                  const int8_t *const *rows, int8_t *output) {
    const int32_t inside = glyphite_average_pool_2d_inside(pool, rows);
    for (int32_t x = 0; x < pool->window.output_width; x++) {
        const struct glyphite_span span = glyphite_window_columns(&pool->window, x);
        const int32_t columns = span.end - span.first;
        const int32_t count = inside * columns;
        const int32_t input = span.input * pool->channels;
        int8_t *const pixel = output + x * pool->channels;
        int32_t channel = 0;
        for (; channel + 4 <= pool->channels; channel += 4) {
            const struct glyphite_sums sums =
                glyphite_average_pool_2d_sum_4(pool, rows, columns, input + channel);
            pixel[channel] = glyphite_average_pool_2d_value(pool, sums.a, count);
            pixel[channel + 1] = glyphite_average_pool_2d_value(pool, sums.b, count);
            pixel[channel + 2] = glyphite_average_pool_2d_value(pool, sums.c, count);
            pixel[channel + 3] = glyphite_average_pool_2d_value(pool, sums.d, count);
        }
        for (; channel < pool->channels; channel++) {
            const int32_t sum = glyphite_average_pool_2d_sum(pool, rows, columns, input + channel);
            pixel[channel] = glyphite_average_pool_2d_value(pool, sum, count);
        }
    }
}

/* input (input_height, input_width, channels), output (output_height, output_width, channels). */
GLYPHITE_KERNEL void glyphite_average_pool_2d(const struct glyphite_average_pool_2d *pool,
                                              const int8_t *input, int8_t *output) {
    const struct glyphite_window *const window = &pool->window;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, window->input_width * pool->channels, y, rows);
        glyphite_average_pool_2d_row(pool, rows, output);
        output += window->output_width * pool->channels;
    }
}

/* Row y of an input that is one window without padding: it is added to the accumulators `sums`
 * (channels), and the last row gives the output (channels). */
GLYPHITE_KERNEL void
glyphite_average_pool_2d_accumulate(const struct glyphite_average_pool_2d *pool, int32_t y,
                                    const int8_t *row, int8_t *output, int32_t *sums) {
    const struct glyphite_window *const window = &pool->window;
    const int32_t count = window->kernel_height * window->kernel_width;
    for (int32_t channel = 0; channel < pool->channels; channel++) {
        const int32_t before = y == 0 ? 0 : sums[channel];
        sums[channel] =
            glyphite_add_all(row + channel, pool->channels, window->kernel_width, before);
        if (y + 1 == window->kernel_height) {
            output[channel] = glyphite_average_pool_2d_value(pool, sums[channel], count);
        }
    }
}
