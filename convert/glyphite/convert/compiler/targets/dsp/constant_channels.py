"""Channels that give one value whatever comes in, restated in ordinary numbers.

Training leaves such constant channels in many networks: their weights are all 0, or so small beside
the bias that no input is seen in the output. Their scales and biases are then of any size (shifts
of 31, biases of 2**30), which would keep a whole layer from the DSP kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.ir.fixed_point import requantize
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.dsp.requantize import LARGEST_SHIFT
from glyphite.convert.compiler.targets.epilogue import Weighted, flat_weights
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.fully_connected import FullyConnectedConstants
from glyphite.convert.compiler.targets.portable.output import OutputConstants

ORDINARY = (2**30, -8)
"""A factor for a layer all of whose channels are constant."""

Served = Conv2DConstants | DepthwiseConv2DConstants | FullyConnectedConstants
Restatable = TypeVar("Restatable", bound=Served)
Factor = tuple[int, int]
"""(multiplier, shift)."""


def settled(step: Step) -> Step:
    """The same layer, but each constant channel has weights of 0 and another one's factor."""
    layer = step.constants
    if isinstance(layer, Conv2DMaxPool2DConstants):
        conv, decision = _restated(layer.conv)
        constants = layer if decision is None else replace(layer, conv=conv)
        return step if decision is None else replace(step, constants=constants).after(decision)
    if isinstance(layer, Served):
        restated, decision = _restated(layer)
        if decision is not None:
            return replace(step, constants=restated).after(decision)
    return step


def constant_channels(layer: Weighted) -> dict[int, int]:
    """The channels that give one value, and the value.

    The output never falls where its sum rises, so that its ends tell.
    """
    flat, output = flat_weights(layer), layer.output
    low, high = (end + layer.input_offset for end in (-128, 127))
    positive, negative = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
    bias = output.bias.astype(np.int64)
    ends = (bias + positive * low + negative * high, bias + positive * high + negative * low)
    found = {}
    for channel, (lowest, highest) in enumerate(zip(*ends, strict=True)):
        factor = (int(output.multiplier[channel]), int(output.shift[channel]))
        value = _byte(int(lowest), output, factor)
        if value == _byte(int(highest), output, factor):
            found[channel] = value
    return found


def _restated(layer: Restatable) -> tuple[Restatable, Decision | None]:
    """The layer in ordinary numbers, and that this was done; None where no channel is constant."""
    values = constant_channels(layer)
    if not values:
        return layer, None
    output = layer.output
    bias, multiplier, shift = output.bias.copy(), output.multiplier.copy(), output.shift.copy()
    flat, factor = flat_weights(layer).astype(np.int8), _donor(output, values)
    for channel, value in values.items():
        found = _sum_for(value, output, factor)
        if found is not None:
            flat[channel] = 0
            bias[channel], multiplier[channel], shift[channel] = found, *factor
    weights = _unflat(layer, flat)
    made = replace(output, bias=bias, multiplier=multiplier, shift=shift)
    detail = f"{len(values)} of {layer.output_channels} channels, restated without weights"
    decision = Decision("some channels give one value to all inputs", True, detail)
    return replace(layer, weights=weights, output=made), decision


def _unflat(layer: Served, flat: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights (channels, inputs) in the layer's own order."""
    ordered = flat.T if isinstance(layer, DepthwiseConv2DConstants) else flat
    return ordered.reshape(layer.weights.shape)


def _byte(sum_: int, output: OutputConstants, factor: Factor) -> int:
    """TensorFlow Lite Micro's output for a sum."""
    value = requantize(sum_, *factor) + output.offset
    return int(min(max(value, output.minimum), output.maximum))


def _donor(output: OutputConstants, values: Mapping[int, int]) -> Factor:
    """The largest factor of the other channels: sums for it are the smallest."""
    factors = [
        (int(shift), int(multiplier))
        for channel, (multiplier, shift) in enumerate(
            zip(output.multiplier, output.shift, strict=True)
        )
        if channel not in values and -LARGEST_SHIFT <= shift < 0
    ]
    shift, multiplier = max(factors, default=ORDINARY[::-1])
    return multiplier, shift


def _sum_for(value: int, output: OutputConstants, factor: Factor) -> int | None:
    """A sum that gives the value; None where there is none."""
    multiplier, shift = factor
    ideal = round((value - output.offset) * 2.0 ** (31 - shift) / multiplier)
    near = (sum_ for sum_ in range(ideal - 1, ideal + 2))
    return next((sum_ for sum_ in near if _byte(sum_, output, factor) == value), None)
