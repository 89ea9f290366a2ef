"""What all convolutions share: a filter, with its bias, that is laid over an image."""

from glyphite.convert.compiler.ir.graph import Graph, Operator, Tensor
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.window import Window, by_rows, window_overlap
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
)
from glyphite.convert.compiler.ops._window import WindowOptions, check_window
from glyphite.convert.compiler.targets.epilogue import Weighted, epilogue_of, sums_fit


def filter_window(graph: Graph, operator: Operator) -> Window:
    """Where the filter lies over the input (1, height, width, channels)."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    return operator.options_as(WindowOptions).over(source, weights.shape[1:3])


def check_image_and_filter(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    """Refuse tensors of other types or ranks; the image, and the filter, both of four axes."""
    check_counts(operator, 2, 3)
    source = activation(graph, operator)
    weights = constant(graph, operator, 1, "int8")
    result(graph, operator)
    check_image(operator, source)
    check_rank(operator, weights, "filter", 4)
    return source, weights


def check_channels(graph: Graph, operator: Operator, channels: int, axis: int = 0) -> None:
    """Refuse unless scales, bias, window and output fit a filter of so many output channels.

    ``axis``: that of the filter along which its output channels lie.
    """
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    check_weights(operator, weights, channels, axis)
    bias_values(graph, operator, 2, channels)
    place = check_window(operator, operator.options_as(WindowOptions), source, weights.shape[1:3])
    shape = (1, place.height.output, place.width.output, channels)
    check_shape(operator, graph.output_of(operator), "output", shape)


def filter_macs(graph: Graph, operator: Operator) -> int:
    """Every pixel of the output takes every weight once."""
    place = filter_window(graph, operator)
    return place.height.output * place.width.output * graph.tensors[operator.inputs[1]].count


def filter_step(
    graph: Graph, operator: Operator, kernel: Kernel, constants: Weighted, done: int
) -> Step:
    """One call of a convolution's portable kernel.

    ``done``: outputs of a pixel that may be written while its own window is still to be read.
    """
    place = filter_window(graph, operator)
    source_channels = graph.tensors[operator.inputs[0]].shape[3]
    channels = graph.output_of(operator).shape[3]
    return Step(
        kernel=kernel,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(window_overlap(place, source_channels, channels, done),),
        window_rows=place.height.kernel,
        rows=by_rows(kernel.name, place, source_channels, channels, done),
        constants=constants,
        macs=filter_macs(graph, operator),
        decisions=(sums_fit(epilogue_of(constants), 0),),
    )
