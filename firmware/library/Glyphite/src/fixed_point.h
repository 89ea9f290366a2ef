/* TensorFlow Lite Micro's fixed-point arithmetic.
 *
 * The generator has the same functions in Python, and a test compares the two. Qm.n is a signed
 * 32-bit number with m integer and n fractional bits. Right shifts of negative numbers are taken to
 * be arithmetic, as every known compiler makes them. */
#pragma once

#include <stdint.h>

/* a * b / 2^31, halves rounded up. Not both may be INT32_MIN. */
#ifndef GLYPHITE_MULTIPLY_HIGH
static inline int32_t glyphite_multiply_high(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}
#endif

/* value / 2^exponent, halves rounded away from zero; exponent 0 to 31. */
static inline int32_t glyphite_divide_by_power(int32_t value, int exponent) {
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
    const int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + ((value & mask) > threshold);
}

/* value * multiplier / 2^31 * 2^shift; multiplier is Q0.31 and not negative, shift -31 to 30. Where
 * shift is negative it is rounded twice: after the multiplication and after the shift. The
 * generator has proven that value * 2^shift fits 32 bits where shift is positive. */
static inline int32_t glyphite_requantize(int32_t value, int32_t multiplier, int shift) {
    const int left = shift > 0 ? shift : 0;
    const int right = shift > 0 ? 0 : -shift;
    const int32_t product = glyphite_multiply_high(value * ((int32_t)1 << left), multiplier);
    return glyphite_divide_by_power(product, right);
}

/* The value, or the limit that it lies beyond; minimum <= maximum. */
static inline int32_t glyphite_clamp(int32_t value, int32_t minimum, int32_t maximum) {
    return value < minimum ? minimum : value > maximum ? maximum : value;
}

/* value * 2^exponent, kept within 32 bits; exponent 0 to 30. */
static inline int32_t glyphite_shift_left_saturating(int32_t value, int exponent) {
    const int32_t most = INT32_MAX >> exponent;
    if (value > most || value < -most - 1) {
        return value < 0 ? INT32_MIN : INT32_MAX;
    }
    return value * ((int32_t)1 << exponent);
}

/* exp(a) for a in [-1/4, 0), both Q0.31: Taylor's series about -1/8. */
static inline int32_t glyphite_exp_small(int32_t a) {
    const int32_t exp_minus_eighth = 1895147668; /* Q0.31 */
    const int32_t one_third = 715827883;         /* Q0.31 */
    const int32_t x = a + ((int32_t)1 << 28);
    const int32_t x2 = glyphite_multiply_high(x, x);
    const int32_t x3 = glyphite_multiply_high(x2, x);
    const int32_t x4 = glyphite_multiply_high(x2, x2);
    const int32_t tail =
        glyphite_multiply_high(glyphite_divide_by_power(x4, 2) + x3, one_third) + x2;
    const int32_t series = x + glyphite_divide_by_power(tail, 1);
    return exp_minus_eighth + glyphite_multiply_high(exp_minus_eighth, series);
}

/* exp(a) as Q0.31, for a <= 0 as Q5.26: the fraction below 1/4 by the series, then one factor for
 * each bit of the rest. */
static inline int32_t glyphite_exp_negative(int32_t a) {
    /* exp(-1/4), exp(-1/2), exp(-1), ... exp(-16), Q0.31 */
    const int32_t exp_of_powers[7] = {1672461947, 1302514674, 790015084, 290630308,
                                      39332535,   720401,     242};
    const int32_t quarter = (int32_t)1 << 24;
    const int32_t fraction = (a & (quarter - 1)) - quarter;
    const int32_t remainder = fraction - a;
    int32_t result = glyphite_exp_small(glyphite_shift_left_saturating(fraction, 5));
    for (int bit = 0; bit < 7; bit++) {
        if (remainder & (quarter << bit)) {
            result = glyphite_multiply_high(result, exp_of_powers[bit]);
        }
    }
    return a == 0 ? INT32_MAX : result;
}

/* 1 / (1 + a) as Q0.31, for a in [0, 1) as Q0.31: three rounds of Newton's method. */
static inline int32_t glyphite_reciprocal_one_plus(int32_t a) {
    const int32_t half_denominator = (int32_t)(((uint32_t)a + 0x80000000) / 2);
    const int32_t start = 1515870810;  /* 48/17, Q2.29 */
    const int32_t slope = -1010580540; /* -32/17, Q2.29 */
    int32_t x = start + glyphite_multiply_high(half_denominator, slope);
    for (int round = 0; round < 3; round++) {
        /* At most a 17th of 1, as the start is that near, so that four times the product fits. */
        const int32_t error = ((int32_t)1 << 29) - glyphite_multiply_high(half_denominator, x);
        x += 4 * glyphite_multiply_high(x, error);
    }
    return x < (int32_t)1 << 30 ? 2 * x : INT32_MAX;
}
