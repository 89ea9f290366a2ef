"""Hands each convolution of several groups to a kernel of its own, so that the plain one is free
of groups."""

import dataclasses

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ops import conv_2d, grouped_conv_2d


def run(graph: Graph) -> Graph:
    """The graph with the grouped convolutions' kind changed."""
    return graph.with_operators(tuple(_by_groups(graph, operator) for operator in graph.operators))


def _by_groups(graph: Graph, operator: Operator) -> Operator:
    if operator.kind != conv_2d.NAME or grouped_conv_2d.groups(graph, operator) == 1:
        return operator
    return dataclasses.replace(operator, kind=grouped_conv_2d.NAME)
