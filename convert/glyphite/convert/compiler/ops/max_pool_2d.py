"""MAX_POOL_2D: int8, SAME or VALID."""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.window import Window, by_rows, window_overlap
from glyphite.convert.compiler.ops._operands import (
    activation,
    check_counts,
    check_image,
    check_same_quantization,
    check_shape,
    result,
    scaled,
)
from glyphite.convert.compiler.ops._requantize import activation_range
from glyphite.convert.compiler.ops._window import WindowOptions, check_window
from glyphite.convert.compiler.targets.portable.average_pool_2d import AveragePool2DConstants
from glyphite.convert.compiler.targets.portable.max_pool_2d import KERNEL as MAX_POOL_2D
from glyphite.convert.compiler.targets.portable.max_pool_2d import MaxPool2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "MAX_POOL_2D"
OPTIONS = "Pool2DOptions"
LAST_VERSION = 3


@dataclass(frozen=True)
class Pool2D(WindowOptions):
    """The options."""

    kernel: tuple[int, int]


def parse(table: Any) -> Pool2D:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return Pool2D(
        padding=table.Padding(),
        stride=(table.StrideH(), table.StrideW()),
        dilation=(1, 1),
        kernel=(table.FilterHeight(), table.FilterWidth()),
        activation=table.FusedActivationFunction(),
    )


def window(graph: Graph, operator: Operator) -> Window:
    """Where the pool lies over the input (1, height, width, channels)."""
    options = operator.options_as(Pool2D)
    return options.over(graph.tensors[operator.inputs[0]], options.kernel)


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    options = operator.options_as(Pool2D)
    check_counts(operator, 1, 1)
    source = activation(graph, operator)
    output = result(graph, operator)
    check_image(operator, source)
    check_same_quantization(operator, source, output)
    place = check_window(operator, options, source, options.kernel)
    shape = (1, place.height.output, place.width.output, source.shape[3])
    check_shape(operator, output, "output", shape)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/max_pool_2d.h."""
    return pooling(graph, operator, MAX_POOL_2D, MaxPool2DConstants)


def pooling(
    graph: Graph,
    operator: Operator,
    kernel: Kernel,
    constants: type[MaxPool2DConstants] | type[AveragePool2DConstants],
) -> Step:
    """One call of a pooling kernel, which writes each value after its reads."""
    source = graph.tensors[operator.inputs[0]]
    channels = source.shape[3]
    place = window(graph, operator)
    fused = operator.options_as(Pool2D).activation
    minimum, maximum = activation_range(fused, scaled(operator, source, "input"))
    return Step(
        kernel=kernel,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(window_overlap(place, channels, channels, 0),),
        window_rows=place.height.kernel,
        rows=by_rows(kernel.name, place, channels, channels, 0),
        constants=constants(
            window=WindowConstants.of(place),
            channels=channels,
            output_minimum=minimum,
            output_maximum=maximum,
        ),
    )
