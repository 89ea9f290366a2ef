/* CONCATENATION: int8 tensors side by side. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

struct glyphite_concatenation {
    int32_t slices; /* the product of the axes before the one that grows */
    int32_t inputs;
    const GLYPHITE_CONST int32_t *lengths; /* (inputs): bytes of a slice of each */
};

/* Any run of slices: inputs[i] (slices, lengths[i]), output (slices, sum of the lengths). */
GLYPHITE_KERNEL void glyphite_concatenation_slices(const struct glyphite_concatenation *layer,
                                                   int32_t slices, const int8_t *const *inputs,
                                                   int8_t *output) {
    for (int32_t slice = 0; slice < slices; slice++) {
        for (int32_t i = 0; i < layer->inputs; i++) {
            const int32_t length = layer->lengths[i];
            const int8_t *const input = inputs[i] + slice * length;
            for (int32_t at = 0; input != output && at < length; at++) {
                output[at] = input[at];
            }
            output += length;
        }
    }
}

/* All slices. */
GLYPHITE_KERNEL void glyphite_concatenation(const struct glyphite_concatenation *layer,
                                            const int8_t *const *inputs, int8_t *output) {
    glyphite_concatenation_slices(layer, layer->slices, inputs, output);
}
