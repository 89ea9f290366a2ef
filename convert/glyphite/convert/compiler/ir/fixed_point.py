"""TensorFlow Lite Micro's fixed-point arithmetic, in Python integers.

Each function that a kernel needs is the twin of one in ``firmware/library/Glyphite/src/
fixed_point.h``; a test compares the two. The others are for tables that are made here. Qm.n below
is a signed 32-bit number with m integer and n fractional bits. The sources of the formulas are
gemmlowp's ``fixedpoint.h`` and TensorFlow Lite's ``quantization_util.cc``.
"""

import math

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """``scale`` as ``multiplier / 2**31 * 2**shift``: (multiplier of 31 bits, shift).

    ``scale`` is not negative. Below 2**-32 the result is (0, 0), as in TensorFlow Lite.
    """
    fraction, shift = math.frexp(scale)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31 or multiplier == 0:
        return 0, 0
    return multiplier, shift


def multiply_high(a: int, b: int) -> int:
    """``a * b / 2**31``, halves rounded up. Not both may be -2**31."""
    return (a * b + 2**30) >> 31


def divide_by_power(value: int, exponent: int) -> int:
    """``value / 2**exponent``, halves rounded away from zero; exponent 0 to 31."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)


def requantize(value: int, multiplier: int, shift: int) -> int:
    """``value * multiplier / 2**31 * 2**shift``, rounded twice where shift is negative."""
    return divide_by_power(multiply_high(value << max(shift, 0), multiplier), max(-shift, 0))


def shift_left_saturating(value: int, exponent: int) -> int:
    """``value * 2**exponent``, kept within 32 bits."""
    return min(max(value << exponent, INT32_MIN), INT32_MAX)


_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8), Q0.31
_ONE_THIRD = 715827883  # Q0.31
_EXP_OF_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-1/4), exp(-1/2), exp(-1), ... exp(-16), Q0.31."""


def exp_small(a: int) -> int:
    """exp(a) for a in [-1/4, 0), both Q0.31: Taylor's series about -1/8."""
    x = a + (1 << 28)
    x2 = multiply_high(x, x)
    x3 = multiply_high(x2, x)
    x4 = multiply_high(x2, x2)
    tail = multiply_high(divide_by_power(x4, 2) + x3, _ONE_THIRD) + x2
    series = x + divide_by_power(tail, 1)
    return _EXP_MINUS_EIGHTH + multiply_high(_EXP_MINUS_EIGHTH, series)


def exp_negative(a: int, integer_bits: int = 5) -> int:
    """exp(a) as Q0.31, for a <= 0 with so many integer bits, 5 at most: Q5.26."""
    if a == 0:
        return INT32_MAX
    quarter = 1 << (29 - integer_bits)
    fraction = (a & (quarter - 1)) - quarter
    result = exp_small(shift_left_saturating(fraction, integer_bits))
    remainder = fraction - a
    for bit, factor in enumerate(_EXP_OF_POWERS):
        if remainder & (quarter << bit):
            result = multiply_high(result, factor)
    return result


_48_OVER_17 = 1515870810  # Q2.29
_MINUS_32_OVER_17 = -1010580540  # Q2.29


def reciprocal_one_plus(a: int) -> int:
    """1 / (1 + a) as Q0.31, for a in [0, 1) as Q0.31."""
    return shift_left_saturating(_two_over_one_plus(a), 1)


def one_minus_over_one_plus(a: int) -> int:
    """(1 - a) / (1 + a) as Q0.31, for a in [0, 1) as Q0.31."""
    return shift_left_saturating(_two_over_one_plus(a) - (1 << 29), 2)


def _two_over_one_plus(a: int) -> int:
    """2 / (1 + a) as Q2.29, for a in [0, 1) as Q0.31: three rounds of Newton's method."""
    half_denominator = (a + INT32_MAX + 1) // 2  # of a sum that is not negative
    x = _48_OVER_17 + multiply_high(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - multiply_high(half_denominator, x)
        x += 4 * multiply_high(x, error)  # the error is at most a 17th of 1, so this fits
    return x
