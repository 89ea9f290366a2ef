/* AVERAGE_POOL_2D on an AVR: as portable/average_pool_2d.h, a channel at a time and by 16 bits, in
 * a third of the flash. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "memory.h"

struct glyphite_avr_average_pool_2d {
    int16_t input_width;
    int16_t output_width;
    int16_t channels;
    int16_t padding_left;
    int16_t stride_width;
    uint8_t kernel_width;
    uint8_t kernel_height; /* of inputs under a window there are 255 at most, so that sums fit */
    int8_t minimum;
    int8_t maximum;
};

/* One output: `columns` of each row from byte `at` on, `channels` apart. */
static int8_t
glyphite_avr_average_pool_2d_value(const GLYPHITE_FAR struct glyphite_avr_average_pool_2d *pool,
                                   const int8_t *const *rows, int16_t at, uint8_t columns) {
    const int16_t channels = pool->channels;
    const int8_t minimum = pool->minimum, maximum = pool->maximum;
    int16_t sum = 0, count = 0;
    for (uint8_t row = pool->kernel_height; row > 0; row--, rows++) {
        if (*rows != NULL) {
            const int8_t *input = *rows + at;
            for (uint8_t i = columns; i > 0; i--, input += channels) {
                sum += *input;
                count++;
            }
        }
    }
    /* Halves are rounded away from zero. */
    const int16_t half = count / 2;
    const int8_t average = (int8_t)((sum > 0 ? sum + half : sum - half) / count);
    return average < minimum ? minimum : average > maximum ? maximum : average;
}

/* One output row (output_width, channels) of kernel_height input rows; NULL is padding. */
GLYPHITE_AVR_KERNEL void
glyphite_avr_average_pool_2d_row(const GLYPHITE_FAR struct glyphite_avr_average_pool_2d *pool,
                                 const int8_t *const *rows, int8_t *output) {
    const int16_t width = pool->input_width, channels = pool->channels;
    int16_t origin = -pool->padding_left;
    for (int16_t x = pool->output_width; x > 0; x--) {
        const int16_t end = origin + pool->kernel_width;
        const int16_t first = origin < 0 ? 0 : origin;
        const uint8_t columns = (uint8_t)((end < width ? end : width) - first);
        for (int16_t channel = 0; channel < channels; channel++) {
            const int16_t at = first * channels + channel;
            *output++ = glyphite_avr_average_pool_2d_value(pool, rows, at, columns);
        }
        origin += pool->stride_width;
    }
}
