/* The epilogue of a layer: an accumulator is requantized, clamped and stored as int8.
 *
 * Accumulators come in units of 1 / 2^fraction_bits. Each output channel has its numbers at the end
 * of its weights. Which numbers these are depends on the form that the generator chose:
 *
 * - proven: TensorFlow Lite Micro rounds twice. The generator has proven that for every sum that a
 *   channel can reach, one straight line gives the same byte, with one shift for the whole layer.
 *   Two instructions then do:
 *     (sum * multiplier / 2^32 + addend) / 2^shift.
 *   Numbers: the multiplier. With `up`, also extra: the sum becomes sum * 2^up + extra. With kink,
 *   also what a negative sum is lowered by: where no ReLU cuts them off, halves of negative numbers
 *   round the other way.
 * - exact: both roundings as TensorFlow Lite Micro makes them. Numbers: multiplier, addend, shift.
 */
#pragma once

#include "../../fixed_point.h"
#include "simd.h"

struct glyphite_dsp_requantize {
    int32_t proven;             /* the form: 1 proven, 0 exact */
    int32_t up;                 /* by how many bits sums are shifted up; of the proven form,
                                   as the next three */
    int32_t kink;               /* 1 where there is one, 0 where not */
    int32_t shift;              /* 1 to 22 */
    int32_t addend;             /* the output's zero point and the half for rounding */
    int32_t fraction_bits;      /* 1 to 15; of the exact form */
    int32_t activation_minimum; /* -128 to 127, as is the maximum */
    int32_t activation_maximum;
};

/* The numbers of up to four channels. */
struct glyphite_dsp_channels {
    int32_t multiplier[4];
    int32_t second[4]; /* extra, or the exact form's addend */
    int32_t third[4];  /* kink, or the exact form's shift */
};

/* How many numbers a channel has. */
GLYPHITE_KERNEL int32_t glyphite_dsp_numbers(const struct glyphite_dsp_requantize *form) {
    return form->proven ? 1 + (form->up > 0) + form->kink : 3;
}

/* Reads what lies at `numbers`, [numbers][count], and gives its end. */
GLYPHITE_KERNEL const int32_t *
glyphite_dsp_read_channels(const struct glyphite_dsp_requantize *form, const int32_t *numbers,
                           int32_t count, struct glyphite_dsp_channels *channels) {
    const int32_t *const second = numbers + count;
    const int32_t *const third = !form->proven || form->up > 0 ? second + count : second;
#pragma GCC unroll 4
    for (int32_t channel = 0; channel < count; channel++) {
        channels->multiplier[channel] = numbers[channel];
        channels->second[channel] = !form->proven || form->up > 0 ? second[channel] : 0;
        channels->third[channel] = !form->proven || form->kink ? third[channel] : 0;
    }
    return numbers + glyphite_dsp_numbers(form) * count;
}

/* The proven form, before the clamp. */
GLYPHITE_KERNEL int32_t glyphite_dsp_line(const struct glyphite_dsp_requantize *form,
                                          const struct glyphite_dsp_channels *channels,
                                          int32_t channel, int32_t sum) {
    if (form->up > 0) {
        sum = sum * ((int32_t)1 << form->up) + channels->second[channel];
    }
    if (form->kink) {
        sum -= channels->third[channel] & sum >> 31;
    }
    sum = glyphite_smmla(sum, channels->multiplier[channel], form->addend);
    return glyphite_shift_to_byte(sum, form->shift);
}

/* The exact form, before the clamp. */
GLYPHITE_KERNEL int32_t glyphite_dsp_round_twice(const struct glyphite_dsp_requantize *form,
                                                 const struct glyphite_dsp_channels *channels,
                                                 int32_t channel, int32_t sum) {
    const int32_t doubled = sum >> (form->fraction_bits - 1);
    int32_t product = glyphite_smmulr(doubled, channels->multiplier[channel]);
    product += product >> 31; /* halves of negative numbers round down, others up */
    product += channels->second[channel];
    return glyphite_shift_to_byte(product, channels->third[channel]);
}

/* The output of a channel's accumulator. */
GLYPHITE_KERNEL int8_t glyphite_dsp_requantize(const struct glyphite_dsp_requantize *form,
                                               const struct glyphite_dsp_channels *channels,
                                               int32_t channel, int32_t sum) {
    int32_t result = form->proven ? glyphite_dsp_line(form, channels, channel, sum)
                                  : glyphite_dsp_round_twice(form, channels, channel, sum);
    if (form->activation_minimum > -128 || form->activation_maximum < 127) {
        result = glyphite_clamp(result, form->activation_minimum, form->activation_maximum);
    }
    return (int8_t)result;
}
