"""SOFTMAX: int8 to int8, over the last axis."""

import math
from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_shape,
    result,
    scaled,
)
from glyphite.convert.compiler.targets.portable import softmax as portable

NAME = "SOFTMAX"
OPTIONS = "SoftmaxOptions"
LAST_VERSION = 4

MOST_CHANNELS = 4095
"""More could sum up to 2**31 in Q12.19."""
_LARGEST_INPUT = 31 * 2**26
"""The largest difference that exp() is taken of, in Q5.26."""


@dataclass(frozen=True)
class Softmax:
    """The options."""

    beta: float


def parse(table: Any) -> Softmax:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Softmax(beta=table.Beta())


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    check_counts(operator, 1, 1)
    source = activation(graph, operator)
    output = result(graph, operator)
    check_shape(operator, output, "output", source.shape)
    target = scaled(operator, output, "output")
    if (target.scale, target.zero_point) != (1 / 256, -128):
        operator.refuse(
            f"its output has scale {target.scale:g} and zero point {target.zero_point}; "
            "1/256 and -128 are needed."
        )
    if not source.shape:
        operator.refuse("its input is a scalar; 1 axis or more are needed.")
    if not 1 <= source.shape[-1] <= MOST_CHANNELS:
        operator.refuse(f"it has {source.shape[-1]} classes; 1 to {MOST_CHANNELS} are allowed.")
    if not 1 < _scale(graph, operator) < 2**30:
        operator.refuse(
            f"its beta is {operator.options_as(Softmax).beta:g} and its input's scale "
            f"{scaled(operator, source, 'input').scale:g}; their product must lie between 2**-26 "
            "and 16."
        )


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/softmax.h, as PreprocessSoftmaxScaling prepares it."""
    source = graph.tensors[operator.inputs[0]]
    multiplier, shift = quantize_multiplier(_scale(graph, operator))
    return Step(
        kernel=portable.KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(0,),
        constants=portable.SoftmaxConstants(
            rows=source.count // source.shape[-1],
            channels=source.shape[-1],
            multiplier=multiplier,
            shift=shift,
            smallest_difference=-math.floor(_LARGEST_INPUT / 2**shift),
        ),
    )


def _scale(graph: Graph, operator: Operator) -> float:
    """Beta times the input's scale, in Q5.26."""
    source = graph.tensors[operator.inputs[0]]
    return operator.options_as(Softmax).beta * scaled(operator, source, "input").scale * 2.0**26
