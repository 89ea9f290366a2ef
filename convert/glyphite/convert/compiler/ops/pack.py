"""PACK: int32, of numbers that are known, as a dynamic batch leaves it behind: a constant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops._operands import known, refuse_computed

NAME = "PACK"
OPTIONS = "PackOptions"
LAST_VERSION = 5


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: scalars have but one axis to be put along."""


def fold(graph: Graph, operator: Operator) -> NDArray[np.int32] | None:
    """The constant in the operator's place; None where it cannot be known."""
    found = [known(graph, operator, position) for position in range(len(operator.inputs))]
    scalars = [value for value in found if value is not None and value.ndim == 0]
    return np.array(scalars, np.int32) if scalars and len(scalars) == len(found) else None


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what was not folded. Raises ModelError."""
    refuse_computed(operator)


def lower(graph: Graph, operator: Operator) -> View:
    """Never: it is folded, or refused. Raises ModelError."""
    refuse_computed(operator)
