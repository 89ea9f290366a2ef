"""SHAPE: int32, of any tensor, whose shape is fixed: a constant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops._operands import refuse_computed

NAME = "SHAPE"
OPTIONS = "ShapeOptions"
LAST_VERSION = 1


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the output tensor has its type."""


def fold(graph: Graph, operator: Operator) -> NDArray[np.int32] | None:
    """The constant in the operator's place; None where it cannot be known."""
    source = graph.input_of(operator, 0)
    return None if source is None else np.array(source.shape, np.int32)


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what was not folded. Raises ModelError."""
    refuse_computed(operator)


def lower(graph: Graph, operator: Operator) -> View:
    """Never: it is folded, or refused. Raises ModelError."""
    refuse_computed(operator)
