/* MEAN: int8, over one axis of (slices, count, channels): for an image, count is all its pixels. */
#pragma once

#include <stdint.h>
#include "../../fixed_point.h"
#include "../add.h"
#include "../dot.h"
#include "../kernel.h"

struct glyphite_mean {
    int32_t slices;
    int32_t count;
    int32_t channels;
    int32_t sum_offset; /* minus count times the input's zero point */
    int32_t multiplier; /* from sum to mean */
    int8_t shift;
    int32_t output_offset; /* the output's zero point */
};

/* The output of a sum. */
GLYPHITE_KERNEL int8_t glyphite_mean_value(const struct glyphite_mean *mean, int32_t sum) {
    const int32_t value =
        glyphite_requantize(sum + mean->sum_offset, mean->multiplier, mean->shift);
    return (int8_t)glyphite_clamp(value + mean->output_offset, INT8_MIN, INT8_MAX);
}

/* One slice: input (count, channels), output (channels), which may lie on the input's start. */
GLYPHITE_KERNEL void glyphite_mean_slice(const struct glyphite_mean *mean, const int8_t *input,
                                         int8_t *output) {
    int32_t channel = 0;
    for (; channel + 4 <= mean->channels; channel += 4) {
        struct glyphite_sums sums = {0, 0, 0, 0};
        sums = glyphite_add_all_4(input + channel, mean->channels, mean->count, sums);
        output[channel] = glyphite_mean_value(mean, sums.a);
        output[channel + 1] = glyphite_mean_value(mean, sums.b);
        output[channel + 2] = glyphite_mean_value(mean, sums.c);
        output[channel + 3] = glyphite_mean_value(mean, sums.d);
    }
    for (; channel < mean->channels; channel++) {
        const int32_t sum = glyphite_add_all(input + channel, mean->channels, mean->count, 0);
        output[channel] = glyphite_mean_value(mean, sum);
    }
}

/* input (slices, count, channels), output (slices, channels). */
GLYPHITE_KERNEL void glyphite_mean(const struct glyphite_mean *mean, const int8_t *input,
                                   int8_t *output) {
    for (int32_t slice = 0; slice < mean->slices; slice++) {
        glyphite_mean_slice(mean, input, output);
        input += mean->count * mean->channels;
        output += mean->channels;
    }
}

/* Row y of an image (height, width, channels), the only slice: it is added to the accumulators
 * `sums` (channels), and the last row gives the output (channels). */
GLYPHITE_KERNEL void glyphite_mean_row(const struct glyphite_mean *mean, int32_t y, int32_t height,
                                       const int8_t *row, int8_t *output, int32_t *sums) {
    for (int32_t channel = 0; channel < mean->channels; channel++) {
        const int32_t before = y == 0 ? 0 : sums[channel];
        sums[channel] =
            glyphite_add_all(row + channel, mean->channels, mean->count / height, before);
        if (y + 1 == height) {
            output[channel] = glyphite_mean_value(mean, sums[channel]);
        }
    }
}
