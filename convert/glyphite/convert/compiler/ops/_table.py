"""Operators of one int8 value to one int8 value: their 256 answers, computed here."""

from collections.abc import Callable

import numpy as np

from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier, requantize
from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow, geometry
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_shape,
    result,
    scaled,
)
from glyphite.convert.compiler.targets.portable import table as portable

KERNEL = portable.KERNEL
INPUTS = (*range(128), *range(-128, 0))
"""In the order of their bytes, by which the kernel finds an answer."""

Function = Callable[[int], int]
"""From the difference of an int8 value and its zero point to the answer, any integer: the table
keeps it within int8."""

_LARGEST_SHIFT = 22
"""Differences from a zero point have 9 bits."""


def check_unary(graph: Graph, operator: Operator) -> tuple[Quantization, Quantization]:
    """Refuse unless int8 becomes int8 of the same shape; the quantizations of both."""
    check_counts(operator, 1, 1)
    source = activation(graph, operator)
    output = result(graph, operator)
    check_shape(operator, output, "output", source.shape)
    return quantizations(graph, operator)


def quantizations(graph: Graph, operator: Operator) -> tuple[Quantization, Quantization]:
    """The quantizations of input and output."""
    source = graph.tensors[operator.inputs[0]]
    return (
        scaled(operator, source, "input"),
        scaled(operator, graph.output_of(operator), "output"),
    )


def check_output(operator: Operator, found: Quantization, scale: float, zero_point: int) -> None:
    """Refuse an output of another quantization than the operator's arithmetic always gives.

    Raises ModelError.
    """
    if (found.scale, found.zero_point) != (scale, zero_point):
        operator.refuse(
            f"its output has scale {found.scale:g} and zero point {found.zero_point}; "
            f"1/{1 / scale:g} and {zero_point} are needed."
        )


def check_factors(operator: Operator, *factors: float) -> None:
    """Refuse factors from input to output that leave 32 bits, where TFLM is not defined either.

    Raises ModelError.
    """
    for factor in factors:
        if not 0 <= factor < 2.0**_LARGEST_SHIFT:
            operator.refuse(
                f"from its input's to its output's scale is a factor of {factor:g}; it must be "
                f"0 or more, and below 2**{_LARGEST_SHIFT}."
            )


def times(factor: float) -> Function:
    """Multiplication with a real number as TFLM does it."""
    multiplier, shift = quantize_multiplier(factor)
    return lambda difference: requantize(difference, multiplier, shift)


def elementwise(graph: Graph, operator: Operator, kernel: str, overlap: int) -> Rows:
    """Rows of a kernel that takes any number of values, one tensor to another of its shape."""
    output = graph.output_of(operator)
    height = geometry(output)[0]
    return Rows(
        function=f"{kernel}_row",
        windows=(RowWindow(height),),
        overlaps=(overlap,),
        arguments=(str(output.count // height),),
    )


def lower(graph: Graph, operator: Operator, function: Function) -> Step:
    """One call of kernels/portable/table.h."""
    source, _ = quantizations(graph, operator)
    answers = [function(value - source.zero_point) for value in INPUTS]
    return Step(
        kernel=KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(0,),
        rows=elementwise(graph, operator, KERNEL.name, 0),
        constants=portable.TableConstants(
            count=graph.output_of(operator).count,
            values=np.clip(answers, -128, 127).astype(np.int8),
        ),
    )
