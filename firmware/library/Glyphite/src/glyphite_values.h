/* Values of a tensor: float32 as they are, and int8 by real = scale * (quantized - zero_point). */
#ifndef GLYPHITE_VALUES_H
#define GLYPHITE_VALUES_H

#include <stdint.h>
#include <string.h>

/* To the nearest, halves away from zero, within int8. Nothing that is no number is converted. */
static inline int8_t glyphite_quantized(float value, float scale, int32_t zero_point) {
    float level = value / scale;
    if (!(level > -1000.0f)) {
        return INT8_MIN;
    }
    if (level > 1000.0f) {
        return INT8_MAX;
    }
    int32_t nearest = (int32_t)level;
    float rest = level - (float)nearest;
    nearest += (rest >= 0.5f) - (rest <= -0.5f) + zero_point;
    return (int8_t)(nearest < INT8_MIN ? INT8_MIN : nearest > INT8_MAX ? INT8_MAX : nearest);
}

/* The value at `index` of int8 (scale above 0) or float32 values. */
static inline float glyphite_real(const void *values, uint32_t index, float scale,
                                  int32_t zero_point) {
    if (scale > 0) {
        return scale * (float)(((const int8_t *)values)[index] - zero_point);
    }
    float value;
    memcpy(&value, (const uint8_t *)values + index * sizeof value, sizeof value);
    return value;
}

#endif
