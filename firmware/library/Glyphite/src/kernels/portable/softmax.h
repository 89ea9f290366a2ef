/* SOFTMAX: int8 to int8 of scale 1/256 and zero point -128, over the last axis. */
#pragma once

#include <stdint.h>
#include "../../fixed_point.h"
#include "../kernel.h"

struct glyphite_softmax {
    int32_t rows;
    int32_t channels;
    int32_t multiplier; /* beta * scale of the input, as Q5.26 */
    int8_t shift;
    int32_t smallest_difference; /* from the largest input; exp of anything less counts as 0 */
};

/* exp(beta * scale * difference) as Q0.31, for difference <= 0. */
GLYPHITE_KERNEL int32_t glyphite_softmax_exp(const struct glyphite_softmax *softmax,
                                             int32_t difference) {
    return glyphite_exp_negative(
        glyphite_requantize(difference, softmax->multiplier, softmax->shift));
}

GLYPHITE_KERNEL int32_t glyphite_softmax_largest(const struct glyphite_softmax *softmax,
                                                 const int8_t *input) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < softmax->channels; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    return largest;
}

/* The sum of all exp(), Q12.19; it is at least 1. */
GLYPHITE_KERNEL int32_t glyphite_softmax_sum(const struct glyphite_softmax *softmax,
                                             const int8_t *input, int32_t largest) {
    int32_t sum = 0;
    for (int32_t i = 0; i < softmax->channels; i++) {
        if (input[i] - largest >= softmax->smallest_difference) {
            const int32_t exponential = glyphite_softmax_exp(softmax, input[i] - largest);
            sum += glyphite_divide_by_power(exponential, 12);
        }
    }
    return sum;
}

/* One vector of `channels`; output may be input. */
GLYPHITE_KERNEL void glyphite_softmax_row(const struct glyphite_softmax *softmax,
                                          const int8_t *input, int8_t *output) {
    const int32_t largest = glyphite_softmax_largest(softmax, input);
    uint32_t sum = (uint32_t)glyphite_softmax_sum(softmax, input, largest);
    int leading_zeros = 0; /* the sum becomes (1 + a) * 2^(12 - leading_zeros) */
    while (sum < 0x80000000) {
        sum <<= 1;
        leading_zeros++;
    }
    const int32_t scale = glyphite_reciprocal_one_plus((int32_t)(sum - 0x80000000));
    const int exponent = leading_zeros < 4 ? 31 : 12 - leading_zeros + 31 - 8;
    for (int32_t i = 0; i < softmax->channels; i++) {
        const int32_t difference = input[i] - largest;
        int32_t value = 0;
        if (difference >= softmax->smallest_difference) {
            const int32_t share =
                glyphite_multiply_high(scale, glyphite_softmax_exp(softmax, difference));
            value = glyphite_divide_by_power(share, exponent);
        }
        output[i] = (int8_t)glyphite_clamp(value - 128, INT8_MIN, INT8_MAX);
    }
}

/* input and output (rows, channels). */
GLYPHITE_KERNEL void glyphite_softmax(const struct glyphite_softmax *softmax, const int8_t *input,
                                      int8_t *output) {
    for (int32_t row = 0; row < softmax->rows; row++) {
        glyphite_softmax_row(softmax, input + row * softmax->channels,
                             output + row * softmax->channels);
    }
}
