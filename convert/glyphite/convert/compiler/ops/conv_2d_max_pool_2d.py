"""A CONV_2D whose output only a MAX_POOL_2D takes, as one kernel; made by a pass."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.window import Window, overlap_distance, row_window
from glyphite.convert.compiler.ops import conv_2d, max_pool_2d
from glyphite.convert.compiler.ops._filter import filter_macs, filter_window
from glyphite.convert.compiler.ops._operands import scaled
from glyphite.convert.compiler.ops._requantize import activation_range
from glyphite.convert.compiler.targets.epilogue import epilogue_of, sums_fit
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import (
    KERNEL,
    Conv2DMaxPool2DConstants,
)
from glyphite.convert.compiler.targets.portable.window import WindowConstants

NAME = "CONV_2D+MAX_POOL_2D"


@dataclass(frozen=True)
class Conv2DMaxPool2D:
    """The two operators."""

    conv: Operator
    pool: Operator


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/conv_2d_max_pool_2d.h."""
    parts = operator.options_as(Conv2DMaxPool2D)
    pool = max_pool_2d.window(graph, parts.pool)
    conv = _conv_constants(graph, parts)
    return Step(
        kernel=KERNEL,
        inputs=(operator.inputs[0],),
        output=operator.outputs[0],
        overlaps=(_overlap(graph, parts.conv, pool),),
        rows=_rows(graph, parts.conv, pool),
        window_rows=pool.height.kernel * filter_window(graph, parts.conv).height.kernel,
        constants=Conv2DMaxPool2DConstants(conv=conv, pool=WindowConstants.of(pool)),
        macs=filter_macs(graph, parts.conv),
        decisions=(sums_fit(epilogue_of(conv), 0),),
    )


def _overlap(graph: Graph, conv: Operator, pool: Window) -> int:
    """A pooled pixel's first input is the first one of the first pixel under the pool."""
    row_bytes = prod(graph.tensors[conv.inputs[0]].shape[2:])
    channels = graph.output_of(conv).shape[3]
    rows = filter_window(graph, conv).height.starts[pool.height.starts]
    starts = rows[:, None] * row_bytes + _columns(graph, conv, pool)
    return overlap_distance(starts, channels, channels)


def _rows(graph: Graph, conv: Operator, pool: Window) -> Rows:
    channels = graph.output_of(conv).shape[3]
    under = filter_window(graph, conv)
    return Rows(
        function=f"{KERNEL.name}_row",
        windows=(row_window(under.height, pool.height),),
        overlaps=(overlap_distance(_columns(graph, conv, pool)[None, :], channels, channels),),
        pointer_array=True,
    )


def _columns(graph: Graph, conv: Operator, pool: Window) -> NDArray[np.int64]:
    """Where the first input of each pooled pixel lies in its row."""
    starts = filter_window(graph, conv).width.starts[pool.width.starts]
    return starts * graph.tensors[conv.inputs[0]].shape[3]


def _conv_constants(graph: Graph, parts: Conv2DMaxPool2D) -> Conv2DConstants:
    """The convolution's constants, its outputs kept within what the pool lets through."""
    found = conv_2d.constants(graph, parts.conv)
    quantization = scaled(parts.pool, graph.output_of(parts.pool), "output")
    activation = parts.pool.options_as(max_pool_2d.Pool2D).activation
    low, high = activation_range(activation, quantization)
    minimum, maximum = (min(max(end, low), high) for end in _ends(found))
    return replace(found, output=replace(found.output, minimum=minimum, maximum=maximum))


def _ends(conv: Conv2DConstants) -> tuple[int, int]:
    return conv.output.minimum, conv.output.maximum
