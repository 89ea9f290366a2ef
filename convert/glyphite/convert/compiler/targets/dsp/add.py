"""Factors for the DSP kernel that adds two tensors (``kernels/dsp/add.h``), found and proven.

TensorFlow Lite Micro's result is nearly a plane over its two operands. Where whole-number factors
put every one of the 65,536 pairs on the right side of its rounding, they give the same bytes.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, requantize
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.requantize import Int64

INPUT_SHIFT = 20
"""GLYPHITE_ARITHMETIC_SHIFT of kernels/portable/arithmetic.h."""
LARGEST_SHIFT = 24
NEAR = range(-2, 3)
"""How far from the ideal factors others are tried."""
OPERANDS = np.arange(-128, 128)

Fields = Mapping[str, Any]


def factors(fields: Fields, *, subtract: bool) -> dict[str, int] | None:
    """The factors of ``struct glyphite_dsp_add``, or None where none were found."""
    expected = reference(fields, subtract=subtract)
    low, high = fields["minimum"], fields["maximum"]
    for shift in range(LARGEST_SHIFT, LARGEST_SHIFT - 6, -1):
        ideal = _ideal(fields, shift, subtract=subtract)
        if not _fits(*ideal):
            continue
        for left, right in _around(ideal[0], ideal[1]):
            plane = OPERANDS[:, None] * left + OPERANDS * right
            addend = _addend(plane, expected, shift, (low, high), ideal[2])
            if addend is not None and _fits(left, right, addend):
                return {"left": left, "right": right, "addend": addend, "shift": shift}
    return None


def one_plane(found: Mapping[str, Any] | None) -> Proof:
    """The verdict of :func:`factors`, from the fields of ``struct glyphite_dsp_add``, if any."""
    name = "one plane gives the bytes of three roundings"
    if found is None:
        return Proof(name, False, "no factors near the ideal ones give all 65,536 pairs' bytes")
    plane = "{left} * left + {right} * right + {addend}, shifted by {shift}".format_map(found)
    return Proof(name, True, f"{plane}: so for all 65,536 pairs")


def reference(fields: Fields, *, subtract: bool) -> Int64:
    """TensorFlow Lite Micro's bytes (left, right) for all pairs of operands."""
    left, right = (_scaled(fields[side]) for side in ("left", "right"))
    sums = left[:, None] + (-right if subtract else right)
    values, places = np.unique(sums, return_inverse=True)
    multiplier, shift = fields["multiplier"], fields["shift"]
    bytes_ = [requantize(value, multiplier, shift) + fields["offset"] for value in values.tolist()]
    clipped = np.clip(np.array(bytes_, np.int64), fields["minimum"], fields["maximum"])
    return np.asarray(clipped[places].reshape(256, 256))


def _scaled(operand: Fields) -> Int64:
    """Each of 256 operands on the scale of the sum."""
    multiplier, shift = operand["multiplier"], operand["shift"]
    values = [(int(value) + operand["offset"]) << INPUT_SHIFT for value in OPERANDS]
    return np.array([requantize(value, multiplier, shift) for value in values], np.int64)


def _ideal(fields: Fields, shift: int, *, subtract: bool) -> tuple[int, int, int]:
    """The plane's factors and addend in units of 1 / 2**shift, rounded."""
    output = fields["multiplier"] * 2.0 ** (fields["shift"] - 31 + INPUT_SHIFT + shift)
    left, right = (
        fields[side]["multiplier"] * 2.0 ** (fields[side]["shift"] - 31) * output
        for side in ("left", "right")
    )
    right = -right if subtract else right
    zero = fields["left"]["offset"] * left + fields["right"]["offset"] * right
    addend = zero + (fields["offset"] + 0.5) * 2.0**shift
    return round(left), round(right), round(addend)


def _fits(left: int, right: int, addend: int) -> bool:
    """Whether every sum stays within 32 bits."""
    return 128 * (abs(left) + abs(right)) + abs(addend) <= INT32_MAX


def _around(left: int, right: int) -> Iterator[tuple[int, int]]:
    """Pairs of factors, the nearest first."""
    for a, b in sorted(product(NEAR, NEAR), key=lambda pair: abs(pair[0]) + abs(pair[1])):
        yield left + a, right + b


def _addend(
    plane: Int64, expected: Int64, shift: int, clip: tuple[int, int], ideal: int
) -> int | None:
    """The addend nearest to the ideal one that gives every expected byte, if there is one."""
    least = (expected << shift) - plane  # of an addend, for the byte not to be less
    low = np.max(least[expected > clip[0]], initial=-INT32_MAX)
    high = np.min(least[expected < clip[1]] + (1 << shift) - 1, initial=INT32_MAX)
    return int(min(max(ideal, low), high)) if low <= high else None
