"""PAD: int8, zeros (that is, zero points) around an image."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator, Tensor
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_rank,
    check_same_quantization,
    check_shape,
    constant,
    result,
    scaled,
    values,
)
from glyphite.convert.compiler.targets.portable import pad as portable

NAME = "PAD"
OPTIONS = ""
LAST_VERSION = 6

AXES = ("height", "width", "channels")
"""What the kernel can pad: the last three axes."""


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the paddings are an input."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    check_counts(operator, 2, 2)
    check_paddings(graph, operator)


def check_paddings(graph: Graph, operator: Operator) -> None:
    """Refuse paddings that are no constant, or not of this input and output. Raises ModelError."""
    source = activation(graph, operator)
    output = result(graph, operator)
    check_same_quantization(operator, source, output)
    check_rank(operator, source, "input", 1, 2, 3, 4)
    paddings = constant(graph, operator, 1, "int32")
    rank = len(source.shape)
    check_shape(operator, paddings, "table of paddings", (rank, 2))
    table = values(paddings).astype(np.int64)
    if table.min() < 0:
        operator.refuse("a padding is negative; it cannot cut.")
    shape = tuple(int(size) for size in np.array(source.shape) + table.sum(axis=1))
    check_shape(operator, output, "output", shape)
    if output.shape[: -len(AXES)] != (1,) * (rank - len(AXES)):
        operator.refuse("its batch is not 1 or is padded; only the other axes can be.")


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/pad.h, padding with the zero point."""
    return padding(
        graph, operator, scaled(operator, graph.output_of(operator), "output").zero_point
    )


def padding(graph: Graph, operator: Operator, value: int) -> Step:
    """One call of kernels/portable/pad.h.

    The input may lie at the output's end: each byte is then read before it is written over.
    """
    source, paddings = (graph.tensors[index] for index in operator.inputs[:2])
    output = graph.output_of(operator)
    missing = len(AXES) - len(source.shape)
    inner = (*[1] * missing, *source.shape)[-len(AXES) :]
    table = np.pad(values(paddings), ((max(missing, 0), 0), (0, 0)))[-len(AXES) :]
    top, bottom, left, right, before, behind = (int(size) for size in table.ravel())
    return Step(
        kernel=portable.KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(_last_place(inner, table) - (source.count - 1),),
        rows=_rows(source, inner, table),
        constants=portable.PadConstants(
            input_height=inner[0],
            input_width=inner[1],
            input_channels=inner[2],
            output_height=output.count // _row_bytes(inner, table),
            top=top,
            bottom=bottom,
            left=left,
            right=right,
            before=before,
            behind=behind,
            value=value,
        ),
    )


def _rows(source: Tensor, inner: tuple[int, ...], table: NDArray[np.int32]) -> Rows | None:
    """Row by row, where rows of the tensors are rows of the kernel."""
    if len(source.shape) != len(AXES) + 1:
        return None
    window = RowWindow(inner[0], before=int(table[0, 0]))
    row = (1, *inner[1:])
    padded = np.array([(0, 0), *table[1:]])
    return Rows(
        function=f"{portable.KERNEL.name}_row",
        windows=(window,),
        overlaps=(_last_place(row, padded) - (prod(row) - 1),),
    )


def _row_bytes(inner: tuple[int, ...], table: NDArray[np.int32]) -> int:
    width, channels = (int(size) for size in (np.array(inner) + table.sum(axis=1))[1:])
    return width * channels


def _last_place(inner: tuple[int, ...], table: NDArray[np.int32]) -> int:
    """The output's byte that the input's last one becomes."""
    places = np.array(inner) - 1 + table[:, 0]
    extents = np.array(inner) + table.sum(axis=1)
    return int(np.ravel_multi_index(tuple(places.tolist()), tuple(extents.tolist())))
