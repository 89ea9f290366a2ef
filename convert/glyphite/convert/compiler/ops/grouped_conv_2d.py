"""A CONV_2D of several groups: each output channel sees its group's input channels only.

Made by a pass.
"""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import conv_2d
from glyphite.convert.compiler.ops._window import by_rows, lead

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
    fields: dict[str, Any] = {
        **conv_2d.fields(graph, operator),
        "groups": groups(graph, operator),
    }
    return Step(
        kernel="grouped_conv_2d",
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        leads=(lead(place, source_channels, channels, channels),),
        window_rows=place.height.kernel,
        rows=by_rows("grouped_conv_2d", place, source_channels, channels, channels),
        fields=fields,
        macs=conv_2d.macs(graph, operator),
    )
