"""TRANSPOSE: int8, up to four axes in another order, which is constant."""

from math import prod
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step, View
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_rank,
    check_same_quantization,
    check_shape,
    constant,
    result,
    values,
)
from glyphite.convert.compiler.targets.portable import transpose as portable

NAME = "TRANSPOSE"
OPTIONS = ""
LAST_VERSION = 9

MOST_AXES = 4


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the order of the axes is an input."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    check_counts(operator, 2, 2)
    source, output = activation(graph, operator), result(graph, operator)
    check_same_quantization(operator, source, output)
    rank = len(source.shape)
    check_rank(operator, source, "input", *range(1, MOST_AXES + 1))
    order = constant(graph, operator, 1, "int32")
    check_shape(operator, order, "order of axes", (rank,))
    axes = _axes(graph, operator)
    if sorted(axes) != list(range(rank)):
        operator.refuse(f"its order of axes is {axes}; each of {rank} axes has to come once.")
    check_shape(operator, output, "output", tuple(source.shape[axis] for axis in axes))


def lower(graph: Graph, operator: Operator) -> Step | View:
    """One call of kernels/portable/transpose.h; no call where no byte moves."""
    shape, axes = graph.tensors[operator.inputs[0]].shape, _axes(graph, operator)
    moved = [axis for axis in axes if shape[axis] > 1]
    if moved == sorted(moved):
        return View(operator.inputs[0], operator.outputs[0])
    sizes, steps = (
        [1] * (MOST_AXES - len(axes)) + list(each)
        for each in (
            (shape[axis] for axis in axes),
            (prod(shape[axis + 1 :]) for axis in axes),
        )
    )
    return Step(
        kernel=portable.KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(None,),
        constants=portable.TransposeConstants(*sizes, *steps),
    )


def _axes(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """For each axis of the output, the input's; TFLM counts no axis from the end."""
    return tuple(int(axis) for axis in values(graph.tensors[operator.inputs[1]]).flat)
