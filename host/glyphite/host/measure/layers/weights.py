"""What became of the weights and the bias of a layer in int8."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.host.measure.layers.rewrite import (
    BIAS,
    WEIGHTS,
    real_bias,
    real_weights,
)
from glyphite.host.measure.layers.tally import decibels

FEW_STEPS = 16
"""Of the 127 of one scale: where the largest weight of a channel has no more, the channel's
weights are rounded by 3 % of it and more."""
MOST_BIAS = 2**31 - 1
"""The largest bias: TensorFlow Lite's converter cuts off what is beyond."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one layer."""

    scales: int
    sqnr_db: float | None
    """Of rounding them; None without a float model, or where none is lost."""
    coarse: NDArray[np.intp]
    """Channels that one scale for all leaves few steps; those of zeros are not among them."""
    channel_db: Floats
    """(channels,): of rounding each channel's; NaN where it is not known."""
    bias_error: Floats
    """(channels,): by how much the bias differs from the float model's, in units of the output."""
    bias_at_limit: NDArray[np.intp]
    """Channels whose bias is the largest or least that 32 bits hold."""


def weights_of(
    graph: Graph, operator: Operator, floats: Graph, partner: Operator | None, *, has_float: bool
) -> Weights | None:
    """The weights of an int8 ``operator``, beside its ``partner`` in a float model.

    None where it has none. Raises ModelError where nothing says what its numbers mean.
    """
    given = real_weights(graph, operator)
    tensor = graph.input_of(operator, WEIGHTS) if operator.kind in BIAS else None
    if given is None or tensor is None or tensor.quantization is None or tensor.data is None:
        return None
    axis = 3 if operator.kind == "DEPTHWISE_CONV_2D" else 0
    levels = np.abs(_by_channel(tensor.data.astype(np.int64), axis)).max(axis=1)
    scales = len(tensor.quantization.scales)
    is_coarse = (levels > 0) & (levels <= FEW_STEPS) if scales == 1 and len(levels) > 1 else levels < 0
    real = real_weights(floats, partner) if partner is not None and has_float else None
    sqnr, by_channel = None, np.full(len(levels), np.nan)
    if real is not None and real.shape == given.shape:
        ours, theirs = _by_channel(given, axis), _by_channel(real, axis)
        noise, signal = (np.square(each).sum(axis=1) for each in (ours - theirs, theirs))
        sqnr = decibels(float(signal.sum()), float(noise.sum()))
        by_channel = np.array([decibels(*pair) or np.nan for pair in zip(signal, noise, strict=True)])
        one_scale = scales == 1 and len(levels) > 1
        lost = (levels <= FEW_STEPS) & (signal > 0) if one_scale else levels < 0
        is_coarse |= lost
    return Weights(
        scales,
        sqnr,
        np.flatnonzero(is_coarse),
        by_channel,
        *_bias(graph, operator, floats, partner if has_float else None, len(levels)),
    )


def _by_channel(values: NDArray[np.int64] | Floats, axis: int) -> Floats:
    moved = np.moveaxis(values, axis, 0)
    return moved.reshape(len(moved), -1).astype(np.float64)


def _bias(
    graph: Graph, operator: Operator, floats: Graph, partner: Operator | None, channels: int
) -> tuple[Floats, NDArray[np.intp]]:
    none, nowhere = np.zeros(channels), np.zeros(0, np.intp)
    tensor = graph.input_of(operator, BIAS[operator.kind])
    given = real_bias(graph, operator)
    if tensor is None or tensor.data is None or given is None:
        return none, nowhere
    at_limit = nowhere
    if tensor.dtype == "int32":
        at_limit = np.flatnonzero(np.abs(tensor.data.astype(np.int64)) >= MOST_BIAS)
    real = real_bias(floats, partner) if partner is not None else None
    if real is None or real.shape != given.shape:
        return none, at_limit
    return np.abs(given - real), at_limit
