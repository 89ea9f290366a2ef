"""MUL: int8, broadcasting; either operand may be constant."""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _arithmetic
from glyphite.convert.compiler.ops._arithmetic import parse
from glyphite.convert.compiler.targets.portable import arithmetic as portable

NAME = "MUL"
OPTIONS = "MulOptions"
LAST_VERSION = 8
KERNEL = _arithmetic.KERNEL

__all__ = ["KERNEL", "LAST_VERSION", "NAME", "OPTIONS", "check", "lower", "parse"]

LIMIT = 2.0**15
"""Of the factor from product to output: products have 16 bits."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    _arithmetic.check_operands(graph, operator)
    _arithmetic.check_factor(operator, _factor(graph, operator), LIMIT)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/arithmetic.h; the operands are multiplied as they are."""
    return _arithmetic.lower(graph, operator, portable.MUL, (0, 0, _factor(graph, operator)))


def _factor(graph: Graph, operator: Operator) -> float:
    """From product to output, as TFLM's CalculateOpDataMul has it."""
    left, right, output = (q.scale for q in _arithmetic.quantizations(graph, operator))
    return left * right / output
