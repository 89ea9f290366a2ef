"""CONV_2D: int8, SAME or VALID, any stride, dilation and groups, weights by tensor or by channel.

Where the filter has fewer channels than the input, the convolution is one of groups, which a pass
hands to ``grouped_conv_2d``.
"""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator, shape_text
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.window import Axis, Padding, Window, by_rows, window_overlap
from glyphite.convert.compiler.ops._operands import (
    activation,
    bias_values,
    check_counts,
    check_image,
    check_rank,
    check_shape,
    check_weights,
    constant,
    result,
    scaled,
    values,
)
from glyphite.convert.compiler.ops._requantize import check_activation, output_constants
from glyphite.convert.compiler.ops._window import check_padding, check_window
from glyphite.convert.compiler.targets.epilogue import epilogue_of, sums_fit
from glyphite.convert.compiler.targets.portable.conv_2d import KERNEL as CONV_2D
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "CONV_2D"
OPTIONS = "Conv2DOptions"
LAST_VERSION = 8


@dataclass(frozen=True)
class Conv2D:
    """The options."""

    padding: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: int


def parse(table: Any) -> Conv2D:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Conv2D(
        padding=table.Padding(),
        stride=(table.StrideH(), table.StrideW()),
        dilation=(table.DilationHFactor(), table.DilationWFactor()),
        activation=table.FusedActivationFunction(),
    )


def window(graph: Graph, operator: Operator) -> Window:
    """Where the filter lies over the input (1, height, width, channels)."""
    options = operator.options_as(Conv2D)
    height, width = graph.tensors[operator.inputs[0]].shape[1:3]
    rows, columns = graph.tensors[operator.inputs[1]].shape[1:3]
    padding = Padding(options.padding)
    return Window(
        Axis(height, rows, options.stride[0], options.dilation[0], padding),
        Axis(width, columns, options.stride[1], options.dilation[1], padding),
    )


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    options = operator.options_as(Conv2D)
    check_counts(operator, 2, 3)
    source = activation(graph, operator)
    weights = constant(graph, operator, 1, "int8")
    output = result(graph, operator)
    check_image(operator, source)
    check_rank(operator, weights, "filter", 4)
    channels, _, _, depth = weights.shape
    if source.shape[3] % depth or channels % (source.shape[3] // depth):
        operator.refuse(
            f"its filter of {shape_text(weights.shape)} does not divide the input's "
            f"{source.shape[3]} channels into groups of {depth} and its own {channels} alike."
        )
    check_weights(operator, weights, channels)
    check_activation(operator, options.activation)
    check_padding(operator, options.padding)
    bias_values(graph, operator, 2, channels)
    place = window(graph, operator)
    check_window(operator, place)
    check_shape(operator, output, "output", (1, place.height.output, place.width.output, channels))


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/conv_2d.h."""
    place = window(graph, operator)
    output = graph.output_of(operator)
    channels = output.shape[3]
    found = constants(graph, operator)
    return Step(
        kernel=CONV_2D,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(
            window_overlap(place, graph.tensors[operator.inputs[0]].shape[3], channels, channels),
        ),
        window_rows=place.height.kernel,
        rows=by_rows(
            CONV_2D.name, place, graph.tensors[operator.inputs[0]].shape[3], channels, channels
        ),
        constants=found,
        macs=macs(graph, operator),
        decisions=(sums_fit(epilogue_of(found), 0),),
    )


def macs(graph: Graph, operator: Operator) -> int:
    """Each output takes every weight of its channel."""
    weights = graph.tensors[operator.inputs[1]]
    place = window(graph, operator)
    return place.height.output * place.width.output * weights.count


def constants(graph: Graph, operator: Operator) -> Conv2DConstants:
    """What kernels/portable/conv_2d.h takes."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    channels = weights.shape[0]
    bias = bias_values(graph, operator, 2, channels)
    return Conv2DConstants(
        window=WindowConstants.of(window(graph, operator)),
        input_channels=source.shape[3],
        output_channels=channels,
        input_offset=-scaled(operator, source, "input").zero_point,
        weights=values(weights),
        output=output_constants(graph, operator, bias, operator.options_as(Conv2D).activation),
    )
