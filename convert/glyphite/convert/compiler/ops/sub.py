"""SUB: int8, broadcasting; either operand may be constant."""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _arithmetic, add
from glyphite.convert.compiler.ops._arithmetic import parse
from glyphite.convert.compiler.targets.portable import arithmetic as portable

NAME = "SUB"
OPTIONS = "SubOptions"
LAST_VERSION = 5
KERNEL = _arithmetic.KERNEL

__all__ = ["KERNEL", "LAST_VERSION", "NAME", "OPTIONS", "check", "lower", "parse"]


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    add.check(graph, operator)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/arithmetic.h."""
    return _arithmetic.lower(graph, operator, portable.SUB, add.factors(graph, operator))
