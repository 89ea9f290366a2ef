"""DEPTHWISE_CONV_2D: int8, SAME or VALID, any stride, dilation and depth multiplier."""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
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
from glyphite.convert.compiler.targets.portable import conv_2d
from glyphite.convert.compiler.targets.portable import depthwise_conv_2d as portable
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "DEPTHWISE_CONV_2D"
OPTIONS = "DepthwiseConv2DOptions"
LAST_VERSION = 7

CHANNELS = 3
"""The weights' axis of output channels."""


@dataclass(frozen=True)
class DepthwiseConv2D:
    """The options."""

    padding: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    depth_multiplier: int
    activation: int


def parse(table: Any) -> DepthwiseConv2D:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return DepthwiseConv2D(
        padding=table.Padding(),
        stride=(table.StrideH(), table.StrideW()),
        dilation=(table.DilationHFactor(), table.DilationWFactor()),
        depth_multiplier=table.DepthMultiplier(),
        activation=table.FusedActivationFunction(),
    )


def window(graph: Graph, operator: Operator) -> Window:
    """Where the filter lies over the input (1, height, width, channels)."""
    options = operator.options_as(DepthwiseConv2D)
    height, width = graph.tensors[operator.inputs[0]].shape[1:3]
    rows, columns = graph.tensors[operator.inputs[1]].shape[1:3]
    padding = Padding(options.padding)
    return Window(
        Axis(height, rows, options.stride[0], options.dilation[0], padding),
        Axis(width, columns, options.stride[1], options.dilation[1], padding),
    )


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    options = operator.options_as(DepthwiseConv2D)
    check_counts(operator, 2, 3)
    source = activation(graph, operator)
    weights = constant(graph, operator, 1, "int8")
    output = result(graph, operator)
    check_image(operator, source)
    check_rank(operator, weights, "filter", 4)
    channels = source.shape[3] * options.depth_multiplier
    check_shape(operator, weights, "filter", (1, *weights.shape[1:3], channels))
    check_weights(operator, weights, channels, CHANNELS)
    check_activation(operator, options.activation)
    check_padding(operator, options.padding)
    bias_values(graph, operator, 2, channels)
    place = window(graph, operator)
    check_window(operator, place)
    check_shape(operator, output, "output", (1, place.height.output, place.width.output, channels))


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/depthwise_conv_2d.h.

    With one input channel that is a convolution, to the last bit: kernels/portable/conv_2d.h.
    """
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    place = window(graph, operator)
    channels = weights.shape[CHANNELS]
    constants = _constants(graph, operator)
    is_conv = isinstance(constants, conv_2d.Conv2DConstants)
    kernel = conv_2d.KERNEL if is_conv else portable.KERNEL
    done = channels if is_conv else _done(source.shape[3], channels)
    return Step(
        kernel=kernel,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(window_overlap(place, source.shape[3], channels, done),),
        window_rows=place.height.kernel,
        rows=by_rows(kernel.name, place, source.shape[3], channels, done),
        constants=constants,
        macs=place.height.output * place.width.output * weights.count,
        decisions=(sums_fit(epilogue_of(constants), 0),),
    )


def _constants(
    graph: Graph, operator: Operator
) -> portable.DepthwiseConv2DConstants | conv_2d.Conv2DConstants:
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    channels, filters = weights.shape[CHANNELS], values(weights)
    bias = bias_values(graph, operator, 2, channels)
    fused = operator.options_as(DepthwiseConv2D).activation
    place = WindowConstants.of(window(graph, operator))
    offset = -scaled(operator, source, "input").zero_point
    output = output_constants(graph, operator, bias, fused, CHANNELS)
    if source.shape[3] == 1:
        turned = filters.transpose(CHANNELS, 1, 2, 0).copy()
        return conv_2d.Conv2DConstants(place, 1, channels, offset, turned, output)
    return portable.DepthwiseConv2DConstants(
        place, source.shape[3], channels, offset, filters, output
    )


def _done(source_channels: int, channels: int) -> int:
    """Outputs of a pixel beyond the inputs that they no longer need.

    The last output is written after its own reads; with one output an input, so is every other.
    """
    return channels - source_channels
