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
    sum_scales,
)
from glyphite.host.measure.layers.tally import decibels

FEW_STEPS = 16
"""Of the 127 of one scale: where the largest weight of a channel has no more, the channel's
weights are rounded by 3 % of it and more."""
LARGE = 8
"""Times the usual: so large weights leave the others at most 16 of 127 steps."""
MOST_BIAS = 2**31 - 1
"""The largest bias: quantizers cut off what is beyond."""
HALF = 0.51
"""Of a step: how far rounding moves a bias at the most, with what float32 adds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one layer."""

    scales: int
    levels: NDArray[np.int64]
    """(channels,): the largest weight of each channel, in steps of its scale."""
    sqnr_db: float | None
    """Of rounding them; None without a float model, or where none is lost."""
    felt_db: float | None
    """The same, each weight counted by the square of the inputs that it meets: what the sums feel
    of it."""
    large_inputs: NDArray[np.intp]
    """Channels of the input whose weights are far larger than the others'; of a flattened input,
    those that it had before."""
    bias_error: Floats
    """(channels,): by how much the bias differs from the float model's, beyond what rounding it to
    32 bits at the scale of the sums explains; in units of the output."""
    bias_at_limit: NDArray[np.bool_]
    """(channels,): whether the bias is the largest or least that 32 bits hold."""

    @property
    def coarse(self) -> NDArray[np.intp]:
        """Channels that one scale for all leaves few steps."""
        is_coarse = (self.levels > 0) & (self.levels <= FEW_STEPS)
        return np.flatnonzero(is_coarse & (self.scales == 1) & (len(self.levels) > 1))


def weights_of(
    graph: Graph,
    operator: Operator,
    floats: Graph,
    partner: Operator | None,
    squares: Floats | None,
    *,
    channels: int | None,
    has_float: bool,
) -> Weights | None:
    """The weights of an int8 ``operator``, beside its ``partner`` in a float model.

    ``squares`` (channels,) are the sums of the squares of its input, where these are known, and
    ``channels`` as many as that had before it was flattened. None where it has no weights. Raises
    ModelError where nothing says what its numbers mean.
    """
    given = real_weights(graph, operator)
    tensor = graph.input_of(operator, WEIGHTS) if operator.kind in BIAS else None
    if given is None or tensor is None or tensor.quantization is None or tensor.data is None:
        return None
    axis = 3 if operator.kind == "DEPTHWISE_CONV_2D" else 0
    levels = np.abs(_by_channel(tensor.data.astype(np.int64), axis)).max(axis=1).astype(np.int64)
    real = real_weights(floats, partner) if partner is not None and has_float else None
    sqnr, felt, large = None, None, np.zeros(0, np.intp)
    if real is not None and real.shape == given.shape:
        noise = np.square(given - real)
        sqnr = decibels(float(np.square(real).sum()), float(noise.sum()))
        if axis == 0 and squares is not None and len(squares) == real.shape[-1]:
            met = np.square(real) * squares
            felt = decibels(float(met.sum()), float((noise * squares).sum()))
            inputs = real.shape[-1]
            is_repeated = channels is not None and not inputs % channels
            large = _large_inputs(real, channels if channels and is_repeated else inputs)
    partner = partner if has_float else None
    biases = _bias(graph, operator, floats, partner, len(levels))
    return Weights(len(tensor.quantization.scales), levels, sqnr, felt, large, *biases)


def _large_inputs(real: Floats, channels: int) -> NDArray[np.intp]:
    """Channels of the input whose weights are far larger than those of most."""
    largest = np.abs(real).reshape(-1, channels).max(axis=0)
    return np.flatnonzero(largest > LARGE * np.median(largest))


def _by_channel(values: NDArray[np.int64] | Floats, axis: int) -> Floats:
    moved = np.moveaxis(values, axis, 0)
    return moved.reshape(len(moved), -1).astype(np.float64)


def _bias(
    graph: Graph, operator: Operator, floats: Graph, partner: Operator | None, channels: int
) -> tuple[Floats, NDArray[np.bool_]]:
    none, nowhere = np.zeros(channels), np.zeros(channels, np.bool_)
    tensor = graph.input_of(operator, BIAS[operator.kind])
    given = real_bias(graph, operator)
    if tensor is None or tensor.data is None or given is None:
        return none, nowhere
    at_limit = nowhere
    if tensor.dtype == "int32":
        at_limit = np.abs(tensor.data.astype(np.int64)) >= MOST_BIAS
    real = real_bias(floats, partner) if partner is not None else None
    if real is None or real.shape != given.shape:
        return none, at_limit
    known = tensor.quantization
    steps = sum_scales(graph, operator) if known is None else np.array(known.scales)
    return np.maximum(np.abs(given - real) - HALF * steps, 0.0), at_limit
