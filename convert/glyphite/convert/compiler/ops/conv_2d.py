"""CONV_2D: int8, SAME or VALID, any stride, dilation and groups, weights by tensor or by channel.

Where the filter has fewer channels than the input, the convolution is one of groups, which a pass
hands to ``grouped_conv_2d``.
"""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator, shape_text
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._filter import (
    check_channels,
    check_image_and_filter,
    filter_step,
    filter_window,
)
from glyphite.convert.compiler.ops._operands import bias_values, scaled, values
from glyphite.convert.compiler.ops._requantize import output_constants
from glyphite.convert.compiler.ops._window import WindowOptions
from glyphite.convert.compiler.targets.portable.conv_2d import KERNEL as CONV_2D
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "CONV_2D"
OPTIONS = "Conv2DOptions"
LAST_VERSION = 8


def parse(table: Any) -> WindowOptions:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return WindowOptions(
        padding=table.Padding(),
        stride=(table.StrideH(), table.StrideW()),
        dilation=(table.DilationHFactor(), table.DilationWFactor()),
        activation=table.FusedActivationFunction(),
    )


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    source, weights = check_image_and_filter(graph, operator)
    channels, _, _, depth = weights.shape
    if source.shape[3] % depth or channels % (source.shape[3] // depth):
        operator.refuse(
            f"its filter of {shape_text(weights.shape)} does not divide the input's "
            f"{source.shape[3]} channels into groups of {depth} and its own {channels} alike."
        )
    check_channels(graph, operator, channels)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/conv_2d.h."""
    found = constants(graph, operator)
    return filter_step(graph, operator, CONV_2D, found, found.output_channels)


def constants(graph: Graph, operator: Operator) -> Conv2DConstants:
    """What kernels/portable/conv_2d.h takes."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    channels = weights.shape[0]
    bias = bias_values(graph, operator, 2, channels)
    return Conv2DConstants(
        window=WindowConstants.of(filter_window(graph, operator)),
        input_channels=source.shape[3],
        output_channels=channels,
        input_offset=-scaled(operator, source, "input").zero_point,
        weights=values(weights),
        output=output_constants(
            graph, operator, bias, operator.options_as(WindowOptions).activation
        ),
    )
