/* FULLY_CONNECTED: int8, weights scaled by tensor or by channel. */
#pragma once

#include <stdint.h>
#include "../dot.h"
#include "../kernel.h"
#include "../output.h"

struct glyphite_fully_connected {
    int32_t rows; /* input vectors, each multiplied with the same weights */
    int32_t input_channels;
    int32_t output_channels;
    int32_t input_offset;                 /* minus the input's zero point */
    const GLYPHITE_CONST int8_t *weights; /* (output_channels, input_channels) */
    struct glyphite_output output;
};

/* One vector: input (input_channels), output (output_channels). */
GLYPHITE_KERNEL void glyphite_fully_connected_row(const struct glyphite_fully_connected *layer,
                                                  const int8_t *input, int8_t *output) {
    const int32_t count = layer->input_channels;
    const GLYPHITE_CONST int8_t *weights = layer->weights;
    int32_t channel = 0;
    for (; channel + 4 <= layer->output_channels; channel += 4, weights += 4 * count) {
        const struct glyphite_sums bias = glyphite_output_bias_4(&layer->output, channel);
        const struct glyphite_sums sums =
            glyphite_dot_4(input, layer->input_offset, weights, count, count, bias);
        glyphite_output_write_4(&layer->output, channel, sums, output + channel);
    }
    for (; channel < layer->output_channels; channel++, weights += count) {
        const int32_t sum =
            glyphite_dot(input, layer->input_offset, weights, count, layer->output.bias[channel]);
        output[channel] = glyphite_output_value(&layer->output, channel, sum);
    }
}

/* input (rows, input_channels), output (rows, output_channels). */
GLYPHITE_KERNEL void glyphite_fully_connected(const struct glyphite_fully_connected *layer,
                                              const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < layer->rows; row++) {
        glyphite_fully_connected_row(layer, input, output);
        input += layer->input_channels;
        output += layer->output_channels;
    }
}
