/* ADD and SUB of two int8 tensors of one shape, value by value.
 *
 * TensorFlow Lite Micro rounds each operand, their sum and the output. There are only 65,536 pairs
 * of operands: the generator has found factors a and b with which
 * (left * a + right * b + addend) / 2^shift, rounded down, gives the same byte for every pair. */
#pragma once

#include "../../fixed_point.h"
#include "simd.h"

struct glyphite_dsp_add {
    int32_t count;  /* values */
    int32_t left;   /* the factor of the left operand */
    int32_t right;  /* that of the right one */
    int32_t addend; /* the output's zero point and the half for rounding */
    int32_t shift;  /* 1 to 31 */
    int32_t activation_minimum;
    int32_t activation_maximum;
};

/* One output. */
GLYPHITE_KERNEL int8_t glyphite_dsp_add_value(const struct glyphite_dsp_add *layer, int32_t left,
                                              int32_t right) {
    const int32_t sum = layer->addend + left * layer->left + right * layer->right;
    int32_t result = glyphite_shift_to_byte(sum, layer->shift);
    if (layer->activation_minimum > -128 || layer->activation_maximum < 127) {
        result = glyphite_clamp(result, layer->activation_minimum, layer->activation_maximum);
    }
    return (int8_t)result;
}

/* left, right and output (count); `output` may be `left` or `right`. */
GLYPHITE_KERNEL void glyphite_dsp_add(const struct glyphite_dsp_add *layer, const int8_t *left,
                                      const int8_t *right, int8_t *output) {
#pragma GCC unroll 4
    for (int32_t i = 0; i < layer->count; i++) {
        output[i] = glyphite_dsp_add_value(layer, left[i], right[i]);
    }
}
