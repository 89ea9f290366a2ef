/* Sums of inputs: the inner loops of averages. */
#pragma once

#include <stdint.h>
#include "dot.h"
#include "kernel.h"

/* The sum with input[i * stride] added, i = 0..count-1. */
GLYPHITE_KERNEL int32_t glyphite_add_all(const int8_t *input, int32_t stride, int32_t count,
                                         int32_t sum) {
    for (int32_t i = 0; i < count; i++) {
        sum += input[i * stride];
    }
    return sum;
}

/* The same for four neighbouring channels. */
GLYPHITE_KERNEL struct glyphite_sums glyphite_add_all_4(const int8_t *input, int32_t stride,
                                                        int32_t count, struct glyphite_sums sums) {
    for (int32_t i = 0; i < count; i++) {
        const int8_t *const pixel = input + i * stride;
        sums.a += pixel[0];
        sums.b += pixel[1];
        sums.c += pixel[2];
        sums.d += pixel[3];
    }
    return sums;
}
