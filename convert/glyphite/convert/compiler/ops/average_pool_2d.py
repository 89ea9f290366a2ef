"""AVERAGE_POOL_2D: int8, SAME or VALID; padding is not counted."""

import dataclasses
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import accumulating
from glyphite.convert.compiler.ops import max_pool_2d
from glyphite.convert.compiler.targets.portable import average_pool_2d as portable

NAME = "AVERAGE_POOL_2D"
OPTIONS = max_pool_2d.OPTIONS
LAST_VERSION = 3


def parse(table: Any) -> max_pool_2d.Pool2D:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return max_pool_2d.parse(table)


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do, which is what that of MAX_POOL_2D cannot."""
    max_pool_2d.check(graph, operator)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/average_pool_2d.h, whose struct has max_pool_2d's fields."""
    step = max_pool_2d.pooling(graph, operator, portable.KERNEL, portable.AveragePool2DConstants)
    source = graph.tensors[operator.inputs[0]]
    window = max_pool_2d.window(graph, operator)
    axes = (window.height, window.width)
    if any((axis.kernel, axis.output) != (axis.input, 1) for axis in axes):
        return step
    rows = accumulating("average_pool_2d_accumulate", source, ("y",), source.shape[3])
    return dataclasses.replace(step, rows=rows or step.rows)
