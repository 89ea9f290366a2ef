"""SQUEEZE: the same bytes without axes of 1, so it has no kernel."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops import reshape
from glyphite.convert.compiler.ops._operands import check_counts

NAME = "SQUEEZE"
OPTIONS = ""
LAST_VERSION = 2


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the output tensor has its shape."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse an output of another size."""
    check_counts(operator, 1, 1)
    reshape.check(graph, operator)


def lower(graph: Graph, operator: Operator) -> View:
    """No call."""
    return reshape.lower(graph, operator)
