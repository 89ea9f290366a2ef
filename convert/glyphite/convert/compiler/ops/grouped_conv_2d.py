"""A CONV_2D of several groups: each output channel sees its group's input channels only.

Made by a pass.
"""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.window import by_rows, window_overlap
from glyphite.convert.compiler.ops import conv_2d
from glyphite.convert.compiler.targets.epilogue import epilogue_of, sums_fit
from glyphite.convert.compiler.targets.portable import grouped_conv_2d as portable

NAME = "CONV_2D of groups"


def groups(graph: Graph, operator: Operator) -> int:
    """How many groups a CONV_2D has."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    return source.shape[3] // weights.shape[3]


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/grouped_conv_2d.h."""
    place = conv_2d.window(graph, operator)
    source_channels = graph.tensors[operator.inputs[0]].shape[3]
    channels = graph.output_of(operator).shape[3]
    conv = conv_2d.constants(graph, operator)
    constants = portable.GroupedConv2DConstants(
        window=conv.window,
        input_channels=conv.input_channels,
        output_channels=conv.output_channels,
        input_offset=conv.input_offset,
        weights=conv.weights,
        output=conv.output,
        groups=groups(graph, operator),
    )
    return Step(
        kernel=portable.KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(window_overlap(place, source_channels, channels, channels),),
        window_rows=place.height.kernel,
        rows=by_rows(portable.KERNEL.name, place, source_channels, channels, channels),
        constants=constants,
        macs=conv_2d.macs(graph, operator),
        decisions=(sums_fit(epilogue_of(constants), 0),),
    )
