/* MEAN on an AVR: as portable/mean.h, a channel at a time, in a third of the flash. */
#pragma once

#include <stdint.h>
#include "memory.h"
#include "multiply_high.h"
#include "../../fixed_point.h"

struct glyphite_avr_mean {
    uint16_t slices;
    uint16_t count;
    uint16_t channels;
    int32_t sum_offset; /* minus count times the input's zero point */
    int32_t multiplier; /* from sum to mean */
    int8_t shift;
    int32_t output_offset; /* the output's zero point */
};

/* input (slices, count, channels), output (slices, channels), which may lie on the input's start.
 */
GLYPHITE_AVR_KERNEL void glyphite_avr_mean(const GLYPHITE_FAR struct glyphite_avr_mean *mean,
                                           const int8_t *input, int8_t *output) {
    const uint16_t channels = mean->channels, count = mean->count;
    for (uint16_t slice = mean->slices; slice > 0; slice--) {
        for (uint16_t channel = channels; channel > 0; channel--) {
            int32_t sum = mean->sum_offset;
            const int8_t *value = input++;
            for (uint16_t i = count; i > 0; i--, value += channels) {
                sum += *value;
            }
            const int32_t found = glyphite_requantize(sum, mean->multiplier, mean->shift);
            *output++ = (int8_t)glyphite_clamp(found + mean->output_offset, INT8_MIN, INT8_MAX);
        }
        input += (count - 1) * channels;
    }
}
