/* SOFTMAX on an AVR: as portable/softmax.h, with the exponentials from a table, which takes less
 * flash than what computes them. */
#pragma once

#include <stdint.h>
#include "memory.h"
#include "multiply_high.h"
#include "../../fixed_point.h"

struct glyphite_avr_softmax {
    uint16_t rows;
    uint16_t channels;
    uint16_t count; /* of exponentials; those of larger differences change no output */
    const GLYPHITE_FAR int32_t *exponentials; /* of -scale * 0, 1, ... as Q0.31 */
};

/* exp(scale * -difference). */
static int32_t glyphite_avr_softmax_exp(const GLYPHITE_FAR struct glyphite_avr_softmax *softmax,
                                        uint8_t difference) {
    return difference < softmax->count ? softmax->exponentials[difference] : 0;
}

/* One vector of `channels`; output may be input. */
static void glyphite_avr_softmax_row(const GLYPHITE_FAR struct glyphite_avr_softmax *softmax,
                                     const int8_t *input, int8_t *output) {
    const uint16_t channels = softmax->channels;
    int8_t largest = INT8_MIN;
    uint32_t sum = 0; /* Q12.19, then (1 + a) * 2^(12 - leading_zeros) */
    uint8_t leading_zeros = 0;
    for (uint16_t i = 0; i < channels; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    for (uint16_t i = 0; i < channels; i++) {
        const int32_t value = glyphite_avr_softmax_exp(softmax, (uint8_t)(largest - input[i]));
        sum += ((uint32_t)value + 0x800) >> 12;
    }
    for (; sum < 0x80000000; sum <<= 1) {
        leading_zeros++;
    }
    const int32_t scale = glyphite_reciprocal_one_plus((int32_t)(sum - 0x80000000));
    const uint8_t exponent = (uint8_t)(leading_zeros < 4 ? 31 : 12 - leading_zeros + 31 - 8);
    for (uint16_t i = 0; i < channels; i++) {
        const int32_t value = glyphite_avr_softmax_exp(softmax, (uint8_t)(largest - input[i]));
        /* Nothing here is below zero, and a share is rounded half up. */
        const uint32_t share = (uint32_t)glyphite_multiply_high(scale, value) >> (exponent - 1);
        const uint32_t rounded = (share + 1) >> 1;
        output[i] = (int8_t)((rounded > 255 ? 255 : rounded) - 128);
    }
}

/* input and output (rows, channels). */
GLYPHITE_AVR_KERNEL void
glyphite_avr_softmax(const GLYPHITE_FAR struct glyphite_avr_softmax *softmax, const int8_t *input,
                     int8_t *output) {
    for (uint16_t row = softmax->rows; row > 0; row--) {
        glyphite_avr_softmax_row(softmax, input, output);
        input += softmax->channels;
        output += softmax->channels;
    }
}
