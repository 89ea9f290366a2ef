"""Fuses each convolution with the max pooling that alone takes its output.

Exact, because requantization and clamping never fall where their argument rises: the largest sum
under the pool gives the largest output. It saves the convolution's output, the largest tensor of
most networks, all requantizations but one a pool, and the pixels that the pool drops.
"""

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ops import conv_2d, conv_2d_max_pool_2d, max_pool_2d
from glyphite.convert.compiler.ops._filter import filter_window
from glyphite.convert.compiler.ops._window import MOST_WINDOW_ROWS


def run(graph: Graph) -> Graph:
    """The graph with fused operators in the places of the convolutions."""
    pools = {
        conv.index: pool
        for conv in graph.operators
        if conv.kind == conv_2d.NAME and (pool := _pool_of(graph, conv)) is not None
    }
    gone = {pool.index for pool in pools.values()}
    return graph.with_operators(
        tuple(
            _fused(operator, pools[operator.index]) if operator.index in pools else operator
            for operator in graph.operators
            if operator.index not in gone
        )
    )


def _fused(conv: Operator, pool: Operator) -> Operator:
    return Operator(
        index=conv.index,
        kind=conv_2d_max_pool_2d.NAME,
        options=conv_2d_max_pool_2d.Conv2DMaxPool2D(conv, pool),
        inputs=conv.inputs,
        outputs=pool.outputs,
    )


def _pool_of(graph: Graph, conv: Operator) -> Operator | None:
    """The pooling to fuse a convolution with, if there is one."""
    consumers = graph.consumers(conv.outputs[0])
    if len(consumers) != 1 or consumers[0].kind != max_pool_2d.NAME:
        return None
    if conv.outputs[0] in graph.outputs:
        return None
    pool = max_pool_2d.window(graph, consumers[0])
    for axis in (pool.height, pool.width):
        if axis.stride < axis.kernel:
            return None  # pools share pixels, which would be computed anew for each
    rows = pool.height.kernel * filter_window(graph, conv).height.kernel
    return consumers[0] if rows <= MOST_WINDOW_ROWS else None
