"""LOGISTIC: int8 to int8 of scale 1/256 and zero point -128."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _sigmoid, _table

NAME = "LOGISTIC"
OPTIONS = ""
LAST_VERSION = 3
KERNEL = _table.KERNEL


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: it has no options."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold."""
    source, output = _table.check_unary(graph, operator)
    _table.check_output(operator, output, 1 / 256, -128)
    _sigmoid.check_scale(operator, source.scale)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    source, _ = _table.quantizations(graph, operator)
    curve = _sigmoid.function(_sigmoid.logistic, source.scale, 8, -128)
    return _table.lower(graph, operator, curve)
