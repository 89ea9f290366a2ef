/* FULLY_CONNECTED: four output channels share each input; narrow weights (dot.h).
 *
 * The generator lays out the weights for each four output channels; channels of zeros make up the
 * last four:
 *   bias     [4]         in units of 1 / 2^fraction_bits, input offset included
 *   weights  [steps][4]  a word of four inputs each
 *   numbers  [1 to 3][4] see requantize.h */
#pragma once

#include "patch.h"
#include "requantize.h"

struct glyphite_dsp_fully_connected {
    int32_t rows; /* input vectors, each multiplied with the same weights */
    int32_t input_channels;
    int32_t output_channels;
    struct glyphite_dsp_requantize requantize;
    const int32_t *weights;
};

/* The inputs widened, zeros behind them, as the patch of one pixel. */
GLYPHITE_KERNEL void glyphite_dsp_widen_vector(const int8_t *input, int32_t count,
                                               uint32_t *patch) {
    int8_t last[4] = {0};
    patch = glyphite_dsp_widen(0, 1, input, count / 4, patch);
    if (count % 4 != 0) {
        __builtin_memcpy(last, input + count / 4 * 4, (size_t)(count % 4));
        glyphite_dsp_widen(0, 1, last, 1, patch);
    }
}

/* One vector: input (input_channels), output (output_channels), which may overlap.
 * Scratch: 2 * steps words. */
GLYPHITE_KERNEL void
glyphite_dsp_fully_connected_row(const struct glyphite_dsp_fully_connected *layer,
                                 const int8_t *input, int8_t *output, uint32_t *scratch) {
    const int32_t steps = (layer->input_channels + 3) / 4;
    const int32_t *weights = layer->weights;
    glyphite_dsp_widen_vector(input, layer->input_channels, scratch);
    for (int32_t channel = 0; channel < layer->output_channels; channel += 4) {
        struct glyphite_dsp_channels numbers;
        int32_t sums[4] = {weights[0], weights[1], weights[2], weights[3]};
        weights = glyphite_dot_4_channels(sums, weights + 4, scratch, steps);
        weights = glyphite_dsp_read_channels(&layer->requantize, weights, 4, &numbers);
#pragma GCC unroll 4
        for (int32_t i = 0; i < 4; i++) {
            if (layer->output_channels % 4 == 0 || channel + i < layer->output_channels) {
                output[channel + i] =
                    glyphite_dsp_requantize(&layer->requantize, &numbers, i, sums[i]);
            }
        }
    }
}

/* input (rows, input_channels), output (rows, output_channels). */
GLYPHITE_KERNEL void glyphite_dsp_fully_connected(const struct glyphite_dsp_fully_connected *layer,
                                                  const int8_t *input, int8_t *output,
                                                  uint32_t *scratch) {
    for (int32_t row = 0; row < layer->rows; row++) {
        glyphite_dsp_fully_connected_row(layer, input, output, scratch);
        input += layer->input_channels;
        output += layer->output_channels;
    }
}
