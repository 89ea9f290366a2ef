/* The epilogue of convolutions and fully connected layers: a 32-bit accumulator is requantized,
 * clamped to the activation's limits and stored as int8. */
#pragma once

#include <stdint.h>
#include "../fixed_point.h"
#include "dot.h"
#include "kernel.h"

struct glyphite_output {
    int32_t offset;  /* the output's zero point */
    int32_t minimum; /* of the activation, -128 to 127, as is the maximum */
    int32_t maximum;
    const GLYPHITE_CONST int32_t *bias;       /* (channels) */
    const GLYPHITE_CONST int32_t *multiplier; /* (channels), Q0.31 */
    const GLYPHITE_CONST int8_t *shift;       /* (channels), to the left */
};

/* A channel's accumulator, requantized and clamped. */
GLYPHITE_KERNEL int8_t glyphite_output_value(const struct glyphite_output *output, int32_t channel,
                                             int32_t sum) {
    const int32_t value =
        glyphite_requantize(sum, output->multiplier[channel], output->shift[channel]);
    return (int8_t)glyphite_clamp(value + output->offset, output->minimum, output->maximum);
}

/* The biases of the channels channel..channel+3, from which their accumulators start. */
GLYPHITE_KERNEL struct glyphite_sums glyphite_output_bias_4(const struct glyphite_output *output,
                                                            int32_t channel) {
    const struct glyphite_sums sums = {output->bias[channel], output->bias[channel + 1],
                                       output->bias[channel + 2], output->bias[channel + 3]};
    return sums;
}

/* The epilogue of the channels channel..channel+3: writes values[0..3]. */
GLYPHITE_KERNEL void glyphite_output_write_4(const struct glyphite_output *output, int32_t channel,
                                             struct glyphite_sums sums, int8_t *values) {
    values[0] = glyphite_output_value(output, channel, sums.a);
    values[1] = glyphite_output_value(output, channel + 1, sums.b);
    values[2] = glyphite_output_value(output, channel + 2, sums.c);
    values[3] = glyphite_output_value(output, channel + 3, sums.d);
}
