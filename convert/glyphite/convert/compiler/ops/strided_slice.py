"""STRIDED_SLICE: int32, of a fixed shape, as a dynamic batch leaves it behind: a constant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops._operands import known, refuse_computed

NAME = "STRIDED_SLICE"
OPTIONS = "StridedSliceOptions"
LAST_VERSION = 8
AXIS = 1
"""The mask of the only axis."""


@dataclass(frozen=True)
class StridedSlice:
    """The options: masks with a bit an axis."""

    begin_mask: int
    end_mask: int
    shrink_mask: int
    others: int


def parse(table: Any) -> StridedSlice:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return StridedSlice(
        begin_mask=table.BeginMask(),
        end_mask=table.EndMask(),
        shrink_mask=table.ShrinkAxisMask(),
        others=table.EllipsisMask() | table.NewAxisMask() | int(table.Offset()),
    )


def fold(graph: Graph, operator: Operator) -> NDArray[np.int32] | None:
    """The constant in the operator's place; None where it cannot be known."""
    options = operator.options_as(StridedSlice)
    operands = [known(graph, operator, position) for position in range(4)]
    source, *bounds = operands
    if options.others or source is None or source.ndim != 1:
        return None
    if any(bound is None or bound.shape != (1,) for bound in bounds):
        return None
    begin, end, stride = (int(bound[0]) for bound in bounds if bound is not None)
    if stride != 1:
        return None
    if options.shrink_mask & AXIS:
        inside = -len(source) <= begin < len(source)
        return np.array(source[begin], np.int32) if inside else None
    first = None if options.begin_mask & AXIS else begin
    return source[first : None if options.end_mask & AXIS else end]


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what was not folded. Raises ModelError."""
    refuse_computed(operator)


def lower(graph: Graph, operator: Operator) -> View:
    """Never: it is folded, or refused. Raises ModelError."""
    refuse_computed(operator)
