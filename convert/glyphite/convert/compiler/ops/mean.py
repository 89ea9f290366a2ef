"""MEAN: int8, over one axis or neighbouring ones, such as height and width."""

from dataclasses import dataclass
from math import prod
from typing import Any

from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, quantize_multiplier
from glyphite.convert.compiler.ir.graph import Graph, Operator, Tensor
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, accumulating, geometry
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_rank,
    check_shape,
    constant,
    result,
    scaled,
    values,
)
from glyphite.convert.compiler.targets.portable import mean as portable

NAME = "MEAN"
OPTIONS = "ReducerOptions"
LAST_VERSION = 3

MOST_AXES = 2
"""TensorFlow Lite Micro has room for no more."""


@dataclass(frozen=True)
class Mean:
    """The options."""

    keep_dims: bool


def parse(table: Any) -> Mean:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Mean(keep_dims=bool(table.KeepDims()))


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    check_counts(operator, 2, 2)
    source = activation(graph, operator)
    output = result(graph, operator)
    constant(graph, operator, 1, "int32")
    check_rank(operator, source, "input", 2, 3, 4)
    axes = _axes(graph, operator)
    kept = operator.options_as(Mean).keep_dims
    shape = tuple(
        1 if axis in axes else size
        for axis, size in enumerate(source.shape)
        if kept or axis not in axes
    )
    check_shape(operator, output, "output", shape)
    multiplier, shift = _scaling(graph, operator)
    if 255 * _count(graph, operator) << (max(shift, 0) if multiplier else 0) > INT32_MAX:
        operator.refuse("its sums can leave 32 bits; check the scales.")


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/mean.h: (slices, count, channels) to (slices, channels)."""
    source = graph.tensors[operator.inputs[0]]
    axes = _axes(graph, operator)
    count = _count(graph, operator)
    multiplier, shift = _scaling(graph, operator)
    return Step(
        kernel=portable.KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(0,),
        rows=_rows(source, axes),
        constants=portable.MeanConstants(
            slices=prod(source.shape[: axes[0]]),
            count=count,
            channels=prod(source.shape[axes[-1] + 1 :]),
            sum_offset=-count * scaled(operator, source, "input").zero_point,
            multiplier=multiplier,
            shift=shift,
            output_offset=scaled(operator, graph.output_of(operator), "output").zero_point,
        ),
    )


def _rows(source: Tensor, axes: list[int]) -> Rows | None:
    """Row by row, where all pixels of an image are taken."""
    if axes != [1, 2] or len(source.shape) != 4:
        return None
    height = geometry(source)[0]
    return accumulating(f"{portable.KERNEL.name}_row", source, ("y", str(height)), source.shape[-1])


def _axes(graph: Graph, operator: Operator) -> list[int]:
    """The axes, ascending and each once; refused where they are not one or two neighbours."""
    rank = len(graph.tensors[operator.inputs[0]].shape)
    given = [int(axis) for axis in values(graph.tensors[operator.inputs[1]]).ravel()]
    axes = sorted({axis % rank for axis in given if -rank <= axis < rank})
    neighbours = bool(axes) and axes == list(range(axes[0], axes[0] + len(axes)))
    if len(given) > MOST_AXES or any(not -rank <= axis < rank for axis in given) or not neighbours:
        operator.refuse(
            f"it takes the mean over axes {given} of {rank}; 1 axis, or 2 that are neighbours, "
            "such as height and width, are allowed."
        )
    return axes


def _count(graph: Graph, operator: Operator) -> int:
    """How many inputs make one output."""
    return prod(graph.tensors[operator.inputs[0]].shape[axis] for axis in _axes(graph, operator))


def _scaling(graph: Graph, operator: Operator) -> tuple[int, int]:
    """(multiplier, shift) from sum to mean.

    The quotient of the scales is quantized first, then divided by the count in whole numbers, with
    as many bits as the count has kept: QuantizedMeanOrSum of TensorFlow Lite's ``reduce.h``.
    """
    source = scaled(operator, graph.tensors[operator.inputs[0]], "input")
    output = scaled(operator, graph.output_of(operator), "output")
    multiplier, shift = quantize_multiplier(source.scale / output.scale)
    count = _count(graph, operator)
    bits = min(count.bit_length() - 1, 31 + shift)
    return (multiplier << bits) // count, shift - bits
