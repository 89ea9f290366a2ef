/* ADD and SUB of two int8 tensors of one shape, value by value.
 *
 * TensorFlow Lite Micro rounds each operand, their sum and the output. There are 65,536 pairs of
 * operands, so the generator can try them all (convert/layouts/dsp_add.py) until it has factors
 * with which (left * a + right * b + addend) / 2^shift gives the same byte for each. */
#pragma once

#include "../../fixed_point.h"
#include "simd.h"

struct glyphite_dsp_add {
    int32_t count; /* values */
    int32_t left;  /* factors */
    int32_t right;
    int32_t addend; /* the output's zero point and the half for rounding */
    int32_t shift;  /* 1 to 31 */
    int32_t activation_minimum;
    int32_t activation_maximum;
};

GLYPHITE_KERNEL int8_t glyphite_dsp_add_value(const struct glyphite_dsp_add *layer, int32_t left,
                                              int32_t right) {
    const int32_t sum = layer->addend + left * layer->left + right * layer->right;
    int32_t result = glyphite_shift_to_byte(sum, layer->shift);
    if (layer->activation_minimum > -128 || layer->activation_maximum < 127) {
        result = glyphite_clamp(result, layer->activation_minimum, layer->activation_maximum);
    }
    return (int8_t)result;
}

/* `output` may be `left` or `right`. */
GLYPHITE_KERNEL void glyphite_dsp_add(const struct glyphite_dsp_add *layer, const int8_t *left,
                                      const int8_t *right, int8_t *output) {
#pragma GCC unroll 4
    for (int32_t i = 0; i < layer->count; i++) {
        output[i] = glyphite_dsp_add_value(layer, left[i], right[i]);
    }
}
