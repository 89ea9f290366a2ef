"""Logistic function and hyperbolic tangent as TFLM computes them for int8: gemmlowp's, in Q4.27.

The source of the formulas is gemmlowp's ``fixedpoint.h``.
"""

import math
from collections.abc import Callable

from glyphite.convert.compiler.ir.fixed_point import (
    INT32_MAX,
    divide_by_power,
    exp_negative,
    one_minus_over_one_plus,
    reciprocal_one_plus,
    requantize,
)
from glyphite.convert.compiler.ir.graph import Operator
from glyphite.convert.compiler.ops._table import Function

INTEGER_BITS = 4
_FRACTION_BITS = 31 - INTEGER_BITS


def logistic(a: int) -> int:
    """1 / (1 + exp(-a)) as Q0.31, for a as Q4.27."""
    if a == 0:
        return 1 << 30
    positive = reciprocal_one_plus(exp_negative(-abs(a), INTEGER_BITS))
    return positive if a > 0 else INT32_MAX - positive


def tanh(a: int) -> int:
    """tanh(a) as Q0.31, for a as Q4.27: (1 - exp(-2a)) / (1 + exp(-2a))."""
    exponential = exp_negative(-abs(a), INTEGER_BITS + 1)  # the same bits one place on: 2a
    magnitude = one_minus_over_one_plus(exponential)
    return 0 if a == 0 else magnitude if a > 0 else -magnitude


def check_scale(operator: Operator, scale: float) -> None:
    """Refuse scales beside which TFLM's own shifts are not defined. Raises ModelError."""
    if not 2.0**-28 <= scale < 2.0**30:
        operator.refuse(f"its input's scale is {scale:g}; 2**-28 to 2**30 are allowed.")


def function(
    curve: Callable[[int], int], scale: float, fraction_bits: int, offset: int
) -> Function:
    """The int8 answers of a curve (Q4.27 to Q0.31), with so many fraction bits, plus an offset.

    Inputs beyond the radius, about 15 / scale, get the ends of int8.
    """
    fraction, shift = math.frexp(scale * 2.0**_FRACTION_BITS)
    multiplier = round(fraction * 2**31)  # exact: a scale has 24 bits
    radius = math.floor((2**INTEGER_BITS - 1) * 2.0**_FRACTION_BITS / 2.0**shift)

    def answer(difference: int) -> int:
        if abs(difference) >= radius:
            return -128 if difference <= -radius else 127
        value = curve(requantize(difference, multiplier, shift))
        return divide_by_power(value, 31 - fraction_bits) + offset

    return answer
