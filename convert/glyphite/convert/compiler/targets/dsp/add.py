"""Factors for the DSP kernel that adds two tensors (``kernels/dsp/add.h``), found and proven.

TensorFlow Lite Micro's result is nearly a plane over its two operands. Where whole-number factors
put every one of the 65,536 pairs on the right side of its rounding, they give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, requantize
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.epilogue import Int64
from glyphite.convert.compiler.targets.portable.arithmetic import (
    ADD,
    SUB,
    ArithmeticConstants,
    OperandConstants,
)

INPUT_SHIFT = 20
"""GLYPHITE_ARITHMETIC_SHIFT of kernels/portable/arithmetic.h."""
LARGEST_SHIFT = 24
NEAR = range(-2, 3)
"""How far from the ideal factors others are tried."""
OPERANDS = np.arange(-128, 128)

_SUBTRACTS = {ADD: False, SUB: True}


@dataclass(frozen=True, eq=False)
class DspAddConstants(Struct):
    """``struct glyphite_dsp_add``."""

    C_NAME: ClassVar[str] = "dsp_add"

    count: Int32
    """Values."""
    left: Int32
    """A factor, as is right."""
    right: Int32
    addend: Int32
    """The output's zero point and the half for rounding."""
    shift: Int32
    activation_minimum: Int32
    activation_maximum: Int32


KERNEL = Kernel("dsp/add.h", DspAddConstants)


@dataclass(frozen=True)
class Plane:
    """Factors of two operands, an addend, and a shift to the right."""

    left: int
    right: int
    addend: int
    shift: int


def match(step: Step, layer: ArithmeticConstants) -> Step | Refusal:
    """The step over whole tensors: both operands of the output's shape, and neither constant."""
    found = _factored(layer)
    if isinstance(found, Refusal):
        return found
    constants, decisions = found
    return replace(step, kernel=KERNEL, constants=constants, rows=None, decisions=decisions)


def by_rows(step: Step, layer: ArithmeticConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time."""
    found = _factored(replace(layer, rows=1))
    if isinstance(found, Refusal):
        return found
    constants, decisions = found
    by_row = replace(rows, function=KERNEL.name, arguments=())
    return iter(
        (replace(step, kernel=KERNEL, constants=constants, rows=by_row, decisions=decisions),)
    )


def _factored(
    layer: ArithmeticConstants,
) -> tuple[DspAddConstants, tuple[Decision, ...]] | Refusal:
    alike = adds_alike(layer)
    if not alike:
        return Refusal((alike,))
    plane = factors(layer, subtract=_SUBTRACTS[layer.operation])
    decisions = (alike, one_plane(plane))
    if plane is None:
        return Refusal(decisions)
    constants = DspAddConstants(
        count=layer.rows * layer.pixels * layer.channels,
        left=plane.left,
        right=plane.right,
        addend=plane.addend,
        shift=plane.shift,
        activation_minimum=layer.minimum,
        activation_maximum=layer.maximum,
    )
    return constants, decisions


def adds_alike(layer: ArithmeticConstants) -> Decision:
    """Whether two computed tensors of the output's shape are added or subtracted."""
    name = "two tensors of one shape are added"
    if layer.operation not in _SUBTRACTS:
        return Decision(name, False, f"the operation is {layer.operation}")
    for side, operand in (("left", layer.left), ("right", layer.right)):
        if operand.constant is not None:
            return Decision(name, False, f"the {side} operand is constant")
        if _broadcasts(layer, operand):
            return Decision(name, False, f"the {side} operand broadcasts")
    return Decision(name, True, f"the operation is {layer.operation}")


def _broadcasts(layer: ArithmeticConstants, operand: OperandConstants) -> bool:
    axes = (
        (layer.rows, operand.row, layer.pixels * layer.channels),
        (layer.pixels, operand.pixel, layer.channels),
        (layer.channels, operand.channel, 1),
    )
    return any(step != size for extent, step, size in axes if extent > 1)


def factors(layer: ArithmeticConstants, *, subtract: bool) -> Plane | None:
    """Factors that give the bytes of all 65,536 pairs, or None where none were found."""
    expected = reference(layer, subtract=subtract)
    for shift in range(LARGEST_SHIFT, LARGEST_SHIFT - 6, -1):
        ideal = _ideal(layer, shift, subtract=subtract)
        if not _fits(*ideal):
            continue
        for left, right in _around(ideal[0], ideal[1]):
            plane = OPERANDS[:, None] * left + OPERANDS * right
            addend = _addend(plane, expected, shift, (layer.minimum, layer.maximum), ideal[2])
            if addend is not None and _fits(left, right, addend):
                return Plane(left, right, addend, shift)
    return None


def one_plane(found: Plane | None) -> Decision:
    """The verdict of :func:`factors`."""
    name = "one plane gives the bytes of three roundings"
    if found is None:
        return Decision(name, False, "no factors near the ideal ones give all 65,536 pairs' bytes")
    plane = f"{found.left} * left + {found.right} * right + {found.addend}"
    return Decision(name, True, f"{plane}, shifted by {found.shift}: so for all 65,536 pairs")


def reference(layer: ArithmeticConstants, *, subtract: bool) -> Int64:
    """TensorFlow Lite Micro's bytes (left, right) for all pairs of operands."""
    left, right = _scaled(layer.left), _scaled(layer.right)
    sums = left[:, None] + (-right if subtract else right)
    values, places = np.unique(sums, return_inverse=True)
    bytes_ = [
        requantize(value, layer.multiplier, layer.shift) + layer.offset for value in values.tolist()
    ]
    clipped = np.clip(np.array(bytes_, np.int64), layer.minimum, layer.maximum)
    return np.asarray(clipped[places].reshape(256, 256))


def _scaled(operand: OperandConstants) -> Int64:
    """Each of 256 operands on the scale of the sum."""
    values = [(int(value) + operand.offset) << INPUT_SHIFT for value in OPERANDS]
    scaled = (requantize(value, operand.multiplier, operand.shift) for value in values)
    return np.array(list(scaled), np.int64)


def _ideal(layer: ArithmeticConstants, shift: int, *, subtract: bool) -> tuple[int, int, int]:
    """The plane's factors and addend in units of 1 / 2**shift, rounded."""
    output = layer.multiplier * 2.0 ** (layer.shift - 31 + INPUT_SHIFT + shift)
    left, right = (
        side.multiplier * 2.0 ** (side.shift - 31) * output for side in (layer.left, layer.right)
    )
    right = -right if subtract else right
    zero = layer.left.offset * left + layer.right.offset * right
    addend = zero + (layer.offset + 0.5) * 2.0**shift
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
