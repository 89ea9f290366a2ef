"""TANH: int8 to int8 of scale 1/128 and zero point 0."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _sigmoid, _table

NAME = "TANH"
OPTIONS = ""
LAST_VERSION = 3
KERNEL = _table.KERNEL


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: it has no options."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold."""
    source, output = _table.check_unary(graph, operator)
    _table.check_output(operator, output, 1 / 128, 0)
    _sigmoid.check_scale(operator, source.scale)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    source, _ = _table.quantizations(graph, operator)
    return _table.lower(graph, operator, _sigmoid.function(_sigmoid.tanh, source.scale, 7, 0))
