"""Channels so small that the weights of a layer behind make up for them, at all others' cost.

Their values are few steps of the scale that all channels share, and the large weights that bring
them back to size take the scales of the layer behind. What that costs is seen there; the cause is
the layer that makes such channels.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.host.measure.layers.causes import Seen, coarse_channels, is_coarse, steps_of
from glyphite.host.measure.layers.rewrite import BIAS

MADE_UP_STEPS = 16
"""Of the 256: channels that vary by no more lose a twentieth of what is theirs and more."""
KEEPING = (
    *("MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "RESHAPE", "PAD", "RELU", "RELU6", "HARD_SWISH"),
    *("LEAKY_RELU", "PRELU", "GELU"),
)
"""Operators that give out the channels that they take, or repeat them in their order."""


def maker_of(graph: Graph, operator: Operator) -> int:
    """The tensor in which the channels of an operator's input were made: what the last operator
    before it with weights has written, or else the input itself."""
    tensor = operator.inputs[0]
    makers = {output: each for each in graph.operators for output in each.outputs}
    while tensor in makers and makers[tensor].kind in KEEPING:
        tensor = makers[tensor].inputs[0]
    is_made = tensor in makers and makers[tensor].kind in BIAS
    return tensor if is_made else operator.inputs[0]


def reads_samples(graph: Graph, operator: Operator) -> bool:
    """Whether an operator's input is the model's, or nothing but it in another form."""
    tensor = operator.inputs[0]
    makers = {output: each for each in graph.operators for output in each.outputs}
    while tensor in makers and makers[tensor].kind in (*KEEPING, "QUANTIZE"):
        tensor = makers[tensor].inputs[0]
    return tensor in graph.inputs


def with_made_up(graph: Graph, layers: Sequence[Seen]) -> list[Seen]:
    """The same layers; those with channels that one behind makes up for know of it."""
    places = {each.pair.quantized: place for place, each in enumerate(layers)}
    found = list(layers)
    for at, reader in enumerate(layers):
        if reader.pair.number is None or not is_coarse(reader):
            continue
        place = places.get(maker_of(graph, graph.operators[reader.pair.number]))
        if place is None:
            continue
        maker, is_carried = found[place], _carries(found[place], reader)
        channels = _made_up(maker, reader)
        if len(channels) or is_carried:
            cost = max(maker.made_up_cost, reader.cost)
            found[place] = dataclasses.replace(maker, made_up=channels, made_up_cost=cost)
            found[at] = dataclasses.replace(found[at], is_carried=is_carried)
    return found


def _carries(maker: Seen, reader: Seen) -> bool:
    """Whether the reader's large weights are those for coarse channels of the maker."""
    weights = reader.weights
    if weights is None or weights.scales != 1 or not len(weights.large_inputs):
        return False
    return bool(np.isin(weights.large_inputs, coarse_channels(maker)).all())


def _made_up(maker: Seen, reader: Seen) -> NDArray[np.intp]:
    steps = steps_of(maker)
    is_small = (steps > 0) & (steps <= MADE_UP_STEPS)
    large = np.zeros(len(steps), np.bool_)
    if reader.weights is not None:
        large[reader.weights.large_inputs[reader.weights.large_inputs < len(steps)]] = True
    return np.flatnonzero(is_small & large)
