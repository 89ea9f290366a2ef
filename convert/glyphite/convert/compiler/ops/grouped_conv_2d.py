"""A CONV_2D of several groups: each output channel sees its group's input channels only.

Made by a pass.
"""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import conv_2d
from glyphite.convert.compiler.ops._filter import filter_step
from glyphite.convert.compiler.targets.portable import grouped_conv_2d as portable

NAME = "CONV_2D of groups"


def groups(graph: Graph, operator: Operator) -> int:
    """How many groups a CONV_2D has."""
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    return source.shape[3] // weights.shape[3]


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/grouped_conv_2d.h."""
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
    return filter_step(graph, operator, portable.KERNEL, constants, conv.output_channels)
