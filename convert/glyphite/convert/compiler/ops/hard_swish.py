"""HARD_SWISH: int8, x * relu6(x + 3) / 6 in TFLM's 16-bit arithmetic."""

from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.fixed_point import divide_by_power, quantize_multiplier
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _table
from glyphite.convert.compiler.ops._table import Function

NAME = "HARD_SWISH"
OPTIONS = ""
LAST_VERSION = 1
KERNEL = _table.KERNEL

INT16_MAX = 2**15 - 1
_HIGH_BITS = 7
"""Inputs are taken times 2**7, so that they fill 16 bits."""


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: its options have no fields."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold. Raises ModelError."""
    source, output = _table.check_unary(graph, operator)
    if not (2.0**-15 < source.scale < 2.0 and 2.0**-8 < output.scale / source.scale < 2.0**7):
        operator.refuse(
            f"its input has scale {source.scale:g} and its output {output.scale:g}; the input's "
            "must lie between 2**-15 and 2, and the output's between 1/256 and 128 times that."
        )


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    source, output = _table.quantizations(graph, operator)
    return _table.lower(graph, operator, _function(source.scale, output.scale, output.zero_point))


def _factors(source: float, output: float) -> list[tuple[int, int]]:
    """To the output's scale, and to the one where 3 is 2**15: multipliers of 15 bits, shifts.

    In single precision, as HardSwishPrepare has them.
    """
    fine = np.float32(source) / np.float32(2**_HIGH_BITS)
    real = (fine / np.float32(output), fine / (np.float32(3) / np.float32(2**15)))
    wide = [quantize_multiplier(float(factor)) for factor in real]
    return [(min((multiplier + 2**15) >> 16, INT16_MAX), shift) for multiplier, shift in wide]


def _function(source: float, output: float, zero_point: int) -> Function:
    (to_output, output_shift), (to_gate, gate_shift) = _factors(source, output)

    def answer(difference: int) -> int:
        fine = difference << _HIGH_BITS
        gate = _gate(fine, to_gate, gate_shift)
        product = gate * _multiply_high(fine, to_output)
        truncated = abs(product) >> 15
        value = truncated if product >= 0 else -truncated
        return divide_by_power(value, -output_shift) + zero_point

    return answer


def _gate(fine: int, multiplier: int, shift: int) -> int:
    """relu6(x + 3) / 6, as Q0.15: the last place of a left shift comes behind the product."""
    value = _saturate(fine << max(shift - 1, 0))
    value = _multiply_high(value, multiplier)
    value = _saturate(value << 1) if shift > 0 else divide_by_power(value, -shift)
    return (value + 2**15) >> 1


def _multiply_high(a: int, b: int) -> int:
    """``a * b / 2**15``, halves rounded up."""
    return (a * b + 2**14) >> 15


def _saturate(value: int) -> int:
    """Kept within 16 bits."""
    return min(max(value, -(2**15)), INT16_MAX)
