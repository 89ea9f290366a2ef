/* QUANTIZE: float32 to int8. Floats are read as bytes, so they may lie anywhere. */
#pragma once

#include <stdint.h>
#include <string.h>
#include "../../fixed_point.h"
#include "../kernel.h"

struct glyphite_quantize {
    int32_t count;
    float scale;
    int32_t zero_point;
};

/* The nearest int8; halves go away from zero. Beyond 512 any zero point leaves the range, so larger
 * numbers are kept from the conversion, which could not hold them. Not a number counts as 0. */
GLYPHITE_KERNEL int8_t glyphite_quantize_value(const struct glyphite_quantize *quantize,
                                               float value) {
    const float quotient = value / quantize->scale;
    const float known = quotient == quotient ? quotient : 0.0f;
    const float kept = known < -512.0f ? -512.0f : known > 512.0f ? 512.0f : known;
    const int32_t whole = (int32_t)kept;
    const float rest = kept - (float)whole;
    const int32_t rounded = whole + (rest >= 0.5f) - (rest <= -0.5f);
    return (int8_t)glyphite_clamp(rounded + quantize->zero_point, INT8_MIN, INT8_MAX);
}

/* Any run of `count` values: input has 4 bytes each. Output may begin where input does. */
GLYPHITE_KERNEL void glyphite_quantize_row(const struct glyphite_quantize *quantize, int32_t count,
                                           const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, input + i * (int32_t)sizeof value, sizeof value);
        output[i] = glyphite_quantize_value(quantize, value);
    }
}

/* input and output (count). */
GLYPHITE_KERNEL void glyphite_quantize(const struct glyphite_quantize *quantize,
                                       const int8_t *input, int8_t *output) {
    glyphite_quantize_row(quantize, quantize->count, input, output);
}
