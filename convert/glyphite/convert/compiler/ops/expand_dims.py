"""EXPAND_DIMS: the same bytes with one more axis of 1, so it has no kernel."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops import reshape
from glyphite.convert.compiler.ops._operands import check_counts, constant

NAME = "EXPAND_DIMS"
OPTIONS = ""
LAST_VERSION = 1


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the output tensor has its shape."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse an output of another size, or an axis that is computed."""
    check_counts(operator, 2, 2)
    constant(graph, operator, 1, "int32")
    reshape.check(graph, operator)


def lower(graph: Graph, operator: Operator) -> View:
    """No call."""
    return reshape.lower(graph, operator)
