"""FULLY_CONNECTED: int8, weights by tensor or by channel."""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._operands import (
    activation,
    bias_values,
    check_counts,
    check_rank,
    check_shape,
    check_weights,
    constant,
    result,
    scaled,
    values,
)
from glyphite.convert.compiler.ops._requantize import check_activation, output_constants
from glyphite.convert.compiler.targets.epilogue import epilogue_of, sums_fit
from glyphite.convert.compiler.targets.portable import fully_connected as portable

NAME = "FULLY_CONNECTED"
OPTIONS = "FullyConnectedOptions"
LAST_VERSION = 14


@dataclass(frozen=True)
class FullyConnected:
    """The options."""

    activation: int
    weights_format: int


def parse(table: Any) -> FullyConnected:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return FullyConnected(
        activation=table.FusedActivationFunction(), weights_format=table.WeightsFormat()
    )


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    options = operator.options_as(FullyConnected)
    check_counts(operator, 2, 3)
    source = activation(graph, operator)
    weights = constant(graph, operator, 1, "int8")
    output = result(graph, operator)
    check_rank(operator, weights, "weights", 2)
    channels, count = weights.shape
    if source.count % count or output.count != source.count // count * channels:
        operator.refuse(
            f"weights of {channels}x{count} do not turn {source.count} inputs into "
            f"{output.count} outputs."
        )
    check_shape(operator, output, "output", (*output.shape[:-1], channels))
    if options.weights_format != 0:
        operator.refuse("its weights are shuffled; only the default format is supported.")
    check_weights(operator, weights, channels)
    check_activation(operator, options.activation)
    bias_values(graph, operator, 2, channels)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/fully_connected.h."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    channels, count = weights.shape
    bias = bias_values(graph, operator, 2, channels)
    options = operator.options_as(FullyConnected)
    constants = portable.FullyConnectedConstants(
        rows=source.count // count,
        input_channels=count,
        output_channels=channels,
        input_offset=-scaled(operator, source, "input").zero_point,
        weights=values(weights),
        output=output_constants(graph, operator, bias, options.activation),
    )
    return Step(
        kernel=portable.KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(_overlap(source.count // count, count, channels),),
        constants=constants,
        macs=source.count * channels,
        decisions=(sums_fit(epilogue_of(constants), 0),),
    )


def _overlap(rows: int, input_channels: int, output_channels: int) -> int:
    """All of a row's outputs may be written while its inputs are read."""
    return max((row + 1) * output_channels - row * input_channels for row in (0, rows - 1))
