"""ADD: int8, broadcasting; either operand may be constant."""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _arithmetic
from glyphite.convert.compiler.ops._arithmetic import SHIFT, Factors, parse
from glyphite.convert.compiler.targets.portable import arithmetic as portable

NAME = "ADD"
OPTIONS = "AddOptions"
LAST_VERSION = 6
KERNEL = _arithmetic.KERNEL

__all__ = ["KERNEL", "LAST_VERSION", "NAME", "OPTIONS", "check", "lower", "parse"]


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    _arithmetic.check_operands(graph, operator)
    _arithmetic.check_factor(operator, factors(graph, operator)[2], 1.0)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/arithmetic.h."""
    return _arithmetic.lower(graph, operator, portable.ADD, factors(graph, operator))


def factors(graph: Graph, operator: Operator) -> Factors:
    """In double precision, as TFLM's CalculateOpDataAdd and CalculateOpDataSub have them."""
    left, right, output = (q.scale for q in _arithmetic.quantizations(graph, operator))
    twice = 2 * max(left, right)
    return left / twice, right / twice, twice / (2**SHIFT * output)
