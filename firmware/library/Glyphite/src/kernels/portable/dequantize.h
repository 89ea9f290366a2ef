/* DEQUANTIZE: int8 to float32. Floats are written as bytes, so they may lie anywhere. */
#pragma once

#include <stdint.h>
#include <string.h>
#include "../kernel.h"

struct glyphite_dequantize {
    int32_t count;
    float scale;
    int32_t zero_point;
};

/* Any run of `count` values: output has 4 bytes each, and 3 * (count - 1) bytes or more of it lie
 * before the input where the two overlap. */
GLYPHITE_KERNEL void glyphite_dequantize_row(const struct glyphite_dequantize *dequantize,
                                             int32_t count, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < count; i++) {
        const float value = dequantize->scale * (float)(input[i] - dequantize->zero_point);
        memcpy(output + i * (int32_t)sizeof value, &value, sizeof value);
    }
}

/* input and output (count). */
GLYPHITE_KERNEL void glyphite_dequantize(const struct glyphite_dequantize *dequantize,
                                         const int8_t *input, int8_t *output) {
    glyphite_dequantize_row(dequantize, dequantize->count, input, output);
}
