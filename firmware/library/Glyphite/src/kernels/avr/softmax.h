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
    uint16_t large; /* exponentials of which the largest share may round to 1/256 or more */
    uint16_t small; /* those that follow, and count in the sum only; what is less does not at all */
    const GLYPHITE_FAR int32_t *exponentials; /* (large) of -scale * 0, 1, ... as Q0.31 */
    const GLYPHITE_FAR int16_t *terms;        /* (small) as Q12.19 */
};

/* exp(scale * -difference) as Q12.19, as the sum takes it. */
static uint32_t glyphite_avr_softmax_term(const GLYPHITE_FAR struct glyphite_avr_softmax *softmax,
                                          uint8_t difference) {
    const uint16_t large = softmax->large, place = difference - large;
    if (difference < large) {
        return ((uint32_t)softmax->exponentials[difference] + 0x800) >> 12;
    }
    return place < softmax->small ? (uint16_t)softmax->terms[place] : 0;
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
        sum += glyphite_avr_softmax_term(softmax, (uint8_t)(largest - input[i]));
    }
    for (; sum < 0x80000000; sum <<= 1) {
        leading_zeros++;
    }
    const int32_t scale = glyphite_reciprocal_one_plus((int32_t)(sum - 0x80000000));
    const uint8_t exponent = (uint8_t)(leading_zeros < 4 ? 31 : 12 - leading_zeros + 31 - 8);
    for (uint16_t i = 0; i < channels; i++) {
        const uint8_t difference = (uint8_t)(largest - input[i]);
        uint16_t share = 0;
        if (difference < softmax->large) {
            const int32_t value = softmax->exponentials[difference];
            /* Nothing here is below zero, and a share is rounded half up. The exponent is 23 or
             * more, as the sum is 1 or more, of which the low half of the product tells nothing. */
            share = (uint16_t)((uint32_t)glyphite_multiply_high(scale, value) >> 16);
            share = (uint16_t)((share >> (exponent - 17)) + 1) >> 1;
        }
        output[i] = (int8_t)((share > 255 ? 255 : share) - 128);
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
