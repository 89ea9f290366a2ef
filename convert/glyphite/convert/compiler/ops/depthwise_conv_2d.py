"""DEPTHWISE_CONV_2D: int8, SAME or VALID, any stride, dilation and depth multiplier."""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._filter import (
    check_channels,
    check_image_and_filter,
    filter_step,
    filter_window,
)
from glyphite.convert.compiler.ops._operands import bias_values, check_shape, scaled, values
from glyphite.convert.compiler.ops._requantize import output_constants
from glyphite.convert.compiler.ops._window import WindowOptions
from glyphite.convert.compiler.targets.portable import conv_2d
from glyphite.convert.compiler.targets.portable import depthwise_conv_2d as portable
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "DEPTHWISE_CONV_2D"
OPTIONS = "DepthwiseConv2DOptions"
LAST_VERSION = 7

CHANNELS = 3
"""The weights' axis of output channels."""


@dataclass(frozen=True)
class DepthwiseConv2D(WindowOptions):
    """The options."""

    depth_multiplier: int


def parse(table: Any) -> DepthwiseConv2D:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return DepthwiseConv2D(
        padding=table.Padding(),
        stride=(table.StrideH(), table.StrideW()),
        dilation=(table.DilationHFactor(), table.DilationWFactor()),
        depth_multiplier=table.DepthMultiplier(),
        activation=table.FusedActivationFunction(),
    )


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    source, weights = check_image_and_filter(graph, operator)
    channels = source.shape[3] * operator.options_as(DepthwiseConv2D).depth_multiplier
    check_shape(operator, weights, "filter", (1, *weights.shape[1:3], channels))
    check_channels(graph, operator, channels, CHANNELS)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/depthwise_conv_2d.h.

    With one input channel that is a convolution, to the last bit: kernels/portable/conv_2d.h.
    """
    constants = _constants(graph, operator)
    if isinstance(constants, conv_2d.Conv2DConstants):
        return filter_step(graph, operator, conv_2d.KERNEL, constants, constants.output_channels)
    return filter_step(graph, operator, portable.KERNEL, constants, _done(constants))


def _constants(
    graph: Graph, operator: Operator
) -> portable.DepthwiseConv2DConstants | conv_2d.Conv2DConstants:
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    channels, filters = weights.shape[CHANNELS], values(weights)
    bias = bias_values(graph, operator, 2, channels)
    fused = operator.options_as(DepthwiseConv2D).activation
    place = WindowConstants.of(filter_window(graph, operator))
    offset = -scaled(operator, source, "input").zero_point
    output = output_constants(graph, operator, bias, fused, CHANNELS)
    if source.shape[3] == 1:
        turned = filters.transpose(CHANNELS, 1, 2, 0).copy()
        return conv_2d.Conv2DConstants(place, 1, channels, offset, turned, output)
    return portable.DepthwiseConv2DConstants(
        place, source.shape[3], channels, offset, filters, output
    )


def _done(constants: portable.DepthwiseConv2DConstants) -> int:
    """Outputs of a pixel beyond the inputs that they no longer need.

    The last output is written after its own reads; with one output an input, so is every other.
    """
    return constants.output_channels - constants.input_channels
