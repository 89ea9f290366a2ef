/* A sum of products as an int8: the last step of a layer.
 *
 * Sums come in units of 1 / 2^fraction_bits. Each output channel has its numbers at the end of its
 * weights; which numbers, depends on the form, which the generator chooses for a layer:
 *
 * - proven: (multiplier). TensorFlow Lite Micro rounds twice; where every channel's sums have been
 *   shown (convert/layouts/dsp_requantize.py) to give the same byte by
 *   (sum * multiplier / 2^32 + addend) / 2^shift, with one shift for the whole layer, two
 *   instructions do. Most layers with ReLU pass.
 * - exact: (multiplier, addend, shift). Both roundings as TensorFlow Lite Micro makes them. */
#pragma once

#include "../../fixed_point.h"
#include "simd.h"

struct glyphite_dsp_requantize {
    int proven;                 /* the form: 1 proven, 0 exact */
    int fraction_bits;          /* 1 to 15; used by the exact form */
    int shift;                  /* 0 to 31; used by the proven form */
    int32_t addend;             /* used by the proven form */
    int32_t activation_minimum; /* -128 to 127, as is the maximum */
    int32_t activation_maximum;
};

/* The numbers of up to four channels. */
struct glyphite_dsp_channels {
    int32_t multiplier[4];
    int32_t addend[4];
    int32_t shift[4];
};

/* Reads what lies at `numbers`, [1 or 3][count], and gives its end. */
GLYPHITE_KERNEL const int32_t *
glyphite_dsp_read_channels(const struct glyphite_dsp_requantize *form, const int32_t *numbers,
                           int32_t count, struct glyphite_dsp_channels *channels) {
#pragma GCC unroll 4
    for (int32_t channel = 0; channel < count; channel++) {
        channels->multiplier[channel] = numbers[channel];
        if (!form->proven) {
            channels->addend[channel] = numbers[count + channel];
            channels->shift[channel] = numbers[2 * count + channel];
        }
    }
    return numbers + (form->proven ? 1 : 3) * count;
}

GLYPHITE_KERNEL int8_t glyphite_dsp_requantize(const struct glyphite_dsp_requantize *form,
                                               const struct glyphite_dsp_channels *channels,
                                               int32_t channel, int32_t sum) {
    const int32_t multiplier = channels->multiplier[channel];
    int32_t result;
    if (form->proven) {
        result = glyphite_smmla(sum, multiplier, form->addend);
        result = glyphite_shift_to_byte(result, form->shift);
    } else {
        result = glyphite_smmulr(sum >> (form->fraction_bits - 1), multiplier);
        result += result >> 31; /* halves of negative numbers round down, others up */
        result += channels->addend[channel];
        result = glyphite_shift_to_byte(result, channels->shift[channel]);
    }
    if (form->activation_minimum > -128 || form->activation_maximum < 127) {
        result = glyphite_clamp(result, form->activation_minimum, form->activation_maximum);
    }
    return (int8_t)result;
}
