/* MAX_POOL_2D: int8. Padding never wins. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../../fixed_point.h"
#include "../kernel.h"
#include "../window.h"

struct glyphite_max_pool_2d {
    struct glyphite_window window;
    int32_t channels;
    int32_t output_minimum;
    int32_t output_maximum;
};

/* The largest value of a channel under a window. input: the channel at the window's first column.
 */
GLYPHITE_KERNEL int32_t glyphite_max_pool_2d_value(const struct glyphite_max_pool_2d *pool,
                                                   const int8_t *const *rows, int32_t count,
                                                   int32_t input) {
    int32_t largest = INT8_MIN;
    for (int32_t row = 0; row < pool->window.kernel_height; row++) {
        for (int32_t i = 0; rows[row] != NULL && i < count; i++) {
            const int32_t value = rows[row][input + i * pool->channels];
            largest = value > largest ? value : largest;
        }
    }
    return largest;
}

/* One output row (output_width, channels). */
GLYPHITE_KERNEL void glyphite_max_pool_2d_row(const struct glyphite_max_pool_2d *pool,
                                              const int8_t *const *rows, int8_t *output) {
    for (int32_t x = 0; x < pool->window.output_width; x++) {
        const struct glyphite_span columns = glyphite_window_columns(&pool->window, x);
        for (int32_t channel = 0; channel < pool->channels; channel++) {
            const int32_t largest = glyphite_max_pool_2d_value(
                pool, rows, columns.end - columns.first, columns.input * pool->channels + channel);
            output[x * pool->channels + channel] =
                (int8_t)glyphite_clamp(largest, pool->output_minimum, pool->output_maximum);
        }
    }
}

/* input (input_height, input_width, channels), output (output_height, output_width, channels). */
GLYPHITE_KERNEL void glyphite_max_pool_2d(const struct glyphite_max_pool_2d *pool,
                                          const int8_t *input, int8_t *output) {
    const struct glyphite_window *const window = &pool->window;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y++) {
        glyphite_window_rows(window, input, window->input_width * pool->channels, y, rows);
        glyphite_max_pool_2d_row(pool, rows, output);
        output += window->output_width * pool->channels;
    }
}
