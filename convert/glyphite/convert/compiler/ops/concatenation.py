"""CONCATENATION: int8, along any axis, of up to ten tensors of one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.graph import Graph, Operator, Tensor
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow, geometry
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_same_quantization,
    check_shape,
    result,
)
from glyphite.convert.compiler.targets.portable import concatenation as portable

NAME = "CONCATENATION"
OPTIONS = "ConcatenationOptions"
LAST_VERSION = 7

MOST_INPUTS = 10
"""As many as TensorFlow Lite Micro takes."""


@dataclass(frozen=True)
class Concatenation:
    """The options."""

    axis: int
    """Counted from the end where it is negative."""
    activation: int


def parse(table: Any) -> Concatenation:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Concatenation(axis=table.Axis(), activation=table.FusedActivationFunction())


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do; TensorFlow Lite Micro refuses the same.

    Raises ModelError.
    """
    options = operator.options_as(Concatenation)
    check_counts(operator, 1, MOST_INPUTS)
    if options.activation != 0:
        operator.refuse("it has a fused activation; put the activation before it.")
    output = result(graph, operator)
    rank = len(output.shape)
    if not -rank <= options.axis < rank:
        operator.refuse(f"its axis is {options.axis}, and its output has {rank} axes.")
    axis = options.axis % rank
    sources = [activation(graph, operator, place) for place in range(len(operator.inputs))]
    for place, source in enumerate(sources):
        check_same_quantization(operator, source, output)
        length = source.shape[axis] if len(source.shape) == rank else 0
        shape = (*output.shape[:axis], length, *output.shape[axis + 1 :])
        check_shape(operator, source, f"input {place}", shape)
    total = sum(source.shape[axis] for source in sources)
    check_shape(
        operator, output, "output", (*output.shape[:axis], total, *output.shape[axis + 1 :])
    )


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/concatenation.h.

    Input i may lie under the output, from ``overlaps[i]`` on: the copy then reads each byte before
    anything is written there. With one slice an input it is copied onto itself, for nothing.
    """
    output = graph.output_of(operator)
    sources = [graph.tensors[index] for index in operator.inputs]
    axis = operator.options_as(Concatenation).axis % len(output.shape)
    slices = prod(output.shape[:axis])
    lengths = [source.count // slices for source in sources]
    return Step(
        kernel=portable.KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=_overlaps(slices, lengths, output.count // slices),
        rows=_rows(axis, sources, output),
        constants=portable.ConcatenationConstants(
            slices=slices, inputs=len(sources), lengths=np.array(lengths, np.int32)
        ),
    )


def _rows(axis: int, sources: Sequence[Tensor], output: Tensor) -> Rows | None:
    """Row by row, where each row of the output is made of one of each input."""
    height = geometry(output)[0]
    if axis < 2 or any(geometry(source)[0] != height for source in sources):
        return None
    slices = prod(output.shape[:axis]) // height
    lengths = [source.count // height // slices for source in sources]
    return Rows(
        function="concatenation_slices",
        windows=(RowWindow(height),) * len(sources),
        overlaps=_overlaps(slices, lengths, prod(output.shape[axis:])),
        arguments=(str(slices),),
        pointer_array=True,
    )


def _overlaps(slices: int, lengths: Sequence[int], length: int) -> tuple[int, ...]:
    """How far behind the output's start each input may lie, where slices have ``lengths`` each."""
    starts = np.cumsum([0, *lengths])[:-1].tolist()
    return tuple(
        (slices - 1) * (length - own) + start for own, start in zip(lengths, starts, strict=True)
    )
