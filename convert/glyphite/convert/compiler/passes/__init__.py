"""Rewrites of a graph, one file each: ``run(graph)`` gives a graph that answers the same bytes."""

from collections.abc import Callable

from glyphite.convert.compiler.ir.graph import Graph
from glyphite.convert.compiler.passes import fuse_conv_max_pool, split_groups

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (split_groups.run, fuse_conv_max_pool.run)
"""In the order in which they run."""


def optimize(graph: Graph) -> Graph:
    """The graph after all passes."""
    for rewrite in PASSES:
        graph = rewrite(graph)
    return graph
