"""ADD, SUB and MUL: two int8 operands of shapes that broadcast, either of them constant."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier
from glyphite.convert.compiler.ir.graph import (
    ABSENT,
    Graph,
    Operator,
    Quantization,
    Tensor,
    shape_text,
)
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow, geometry
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_shape,
    constant,
    result,
    scaled,
)
from glyphite.convert.compiler.ops._requantize import activation_range, check_activation
from glyphite.convert.compiler.targets.portable import arithmetic as portable

KERNEL = portable.KERNEL
SHIFT = 20
"""ADD and SUB scale their operands times 2**20, so that rounding loses nothing that counts."""
_AXES = ("row", "pixel", "channel")

Quantizations = tuple[Quantization, Quantization, Quantization]
"""Of left, right and output."""
Factors = tuple[float, float, float]
"""Of left, right and output."""


@dataclass(frozen=True)
class Arithmetic:
    """The options."""

    activation: int


def parse(table: Any) -> Arithmetic:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Arithmetic(activation=table.FusedActivationFunction())


def check_operands(graph: Graph, operator: Operator) -> None:
    """Refuse operands that the kernel cannot take. Raises ModelError."""
    check_counts(operator, 2, 2)
    tensors = [_operand(graph, operator, position) for position in (0, 1)]
    if all(tensor.data is not None for tensor in tensors):
        operator.refuse("both inputs are constants, so its output is one too. Fold it away.")
    output = result(graph, operator)
    shapes = [tensor.shape for tensor in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        operator.refuse(f"shapes {' and '.join(map(shape_text, shapes))} do not broadcast.")
    check_shape(operator, output, "output", shape)
    check_activation(operator, operator.options_as(Arithmetic).activation)
    if len(axes(shape, shapes)) > len(_AXES):
        operator.refuse(
            f"shapes {' and '.join(map(shape_text, shapes))} broadcast along axes that make no "
            "rows, pixels and channels. Reshape them to at most 3 axes beside the batch."
        )


def quantizations(graph: Graph, operator: Operator) -> Quantizations:
    """The quantizations of left, right and output."""
    left, right = (graph.tensors[index] for index in operator.inputs)
    return (
        scaled(operator, left, "input 0"),
        scaled(operator, right, "input 1"),
        scaled(operator, graph.output_of(operator), "output"),
    )


def check_factor(operator: Operator, factor: float, limit: float) -> None:
    """Refuse a factor to the output that leaves 32 bits, where TFLM's answer is not defined.

    Raises ModelError.
    """
    if not factor < limit:
        operator.refuse(
            f"from its inputs' to its output's scale is a factor of {factor:g}; it must be below "
            f"{limit:g}."
        )


def axes(shape: tuple[int, ...], shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The loops over the output: (extent, bytes to the left's next value, to the right's next).

    Neighbouring axes become one where both operands run on; the rows of a picture, (1, height,
    width, channels), stay an axis of their own. A step of 0 meets the same value again.
    """
    extents = list(shape)
    steps = [_steps(operand, shape) for operand in shapes]
    height = 1 if _has_rows(shape) else None
    merged: list[tuple[int, ...]] = []
    for axis in reversed(range(len(shape))):
        extent, strides = extents[axis], [step[axis] for step in steps]
        if extent == 1 and axis != height:
            continue
        if merged and axis != height and _runs_on(strides, merged[0]):
            merged[0] = (extent * merged[0][0], *merged[0][1:])
        else:
            merged.insert(0, (extent, *strides))
    return merged


def _has_rows(shape: tuple[int, ...]) -> bool:
    """Whether it is the shape of a picture."""
    return len(shape) == 4 and shape[0] == 1


def _steps(operand: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """For each of the output's axes, the operand's bytes from one value to the next."""
    padded = (1,) * (len(shape) - len(operand)) + operand
    sizes = [int(np.prod(padded[axis + 1 :])) for axis in range(len(padded))]
    return [0 if extent == 1 else size for extent, size in zip(padded, sizes, strict=True)]


def _runs_on(strides: list[int], inner: tuple[int, ...]) -> bool:
    extent, *steps = inner
    return all(outer == extent * step for outer, step in zip(strides, steps, strict=True))


def lower(graph: Graph, operator: Operator, operation: str, factors: Factors) -> Step:
    """One call of kernels/portable/arithmetic.h."""
    left, right = (graph.tensors[index] for index in operator.inputs)
    output = graph.output_of(operator)
    loops = axes(output.shape, [left.shape, right.shape])
    rows = int(_has_rows(output.shape))
    loops[rows:rows] = [(1, 0, 0)] * (len(_AXES) - len(loops))
    target = scaled(operator, output, "output")
    low, high = activation_range(operator.options_as(Arithmetic).activation, target)
    multiplier, shift = quantize_multiplier(factors[2])
    return Step(
        kernel=KERNEL,
        inputs=tuple(
            ABSENT if graph.tensors[index].data is not None else index for index in operator.inputs
        ),
        output=operator.outputs[0],
        overlaps=tuple(_overlap(tensor, output) for tensor in (left, right)),
        rows=_rows(left, right, output),
        constants=portable.ArithmeticConstants(
            operation=operation,
            rows=loops[0][0],
            pixels=loops[1][0],
            channels=loops[2][0],
            left=_constants(operator, left, [loop[1] for loop in loops], factors[0]),
            right=_constants(operator, right, [loop[2] for loop in loops], factors[1]),
            multiplier=multiplier,
            shift=shift,
            offset=target.zero_point,
            minimum=low,
            maximum=high,
        ),
    )


def _operand(graph: Graph, operator: Operator, position: int) -> Tensor:
    tensor = graph.input_of(operator, position)
    if tensor is None or tensor.data is None:
        return activation(graph, operator, position)
    constant(graph, operator, position, "int8")
    found = scaled(operator, tensor, f"input {position}")
    if found.per_channel or not -128 <= found.zero_point <= 127:
        operator.refuse(f"its input {position} needs one scale and one zero point of -128 to 127.")
    return tensor


def _overlap(tensor: Tensor, output: Tensor) -> int | None:
    """In place over an operand that is read once from end to end."""
    return 0 if tensor.data is None and tensor.count == output.count else None


def _rows(left: Tensor, right: Tensor, output: Tensor) -> Rows | None:
    """Row by row, where each computed operand has as many rows as the output."""
    height = geometry(output)[0]
    operands = (left, right)
    if not _has_rows(output.shape) or any(
        tensor.data is None and geometry(tensor)[0] != height for tensor in operands
    ):
        return None
    return Rows(
        function=f"{KERNEL.name}_row",
        windows=tuple(RowWindow(height) if tensor.data is None else None for tensor in operands),
        overlaps=tuple(_overlap(tensor, output) for tensor in operands),
        arguments=("y",),
    )


def _constants(
    operator: Operator, tensor: Tensor, steps: list[int], factor: float
) -> portable.OperandConstants:
    quantization = scaled(operator, tensor, "input")
    multiplier, shift = quantize_multiplier(factor)
    row, pixel, channel = steps
    return portable.OperandConstants(
        offset=-quantization.zero_point,
        multiplier=multiplier,
        shift=shift,
        row=row,
        pixel=pixel,
        channel=channel,
        constant=tensor.data,
    )
