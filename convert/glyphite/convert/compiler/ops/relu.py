"""RELU on its own: int8, input and output of any scales."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _table

NAME = "RELU"
OPTIONS = ""
LAST_VERSION = 3
KERNEL = _table.KERNEL


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: it has no options."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold."""
    source, output = _table.check_unary(graph, operator)
    _table.check_factors(operator, source.scale / output.scale)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    source, output = _table.quantizations(graph, operator)
    scaled = _table.times(source.scale / output.scale)
    return _table.lower(graph, operator, lambda x: output.zero_point + max(scaled(x), 0))
