"""Channels that give one value whatever comes in, restated in ordinary numbers.

Training leaves such channels in many networks: their weights are all 0, or so small beside the bias
that no input is seen in the output. Their scales and biases are then of any size (shifts of 31,
biases of 2**30), which would keep a whole layer from the DSP kernels.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.fixed_point import requantize
from glyphite.convert.compiler.targets.dsp.requantize import LARGEST_SHIFT

Fields = Mapping[str, Any]
Int8 = NDArray[np.int8]

ORDINARY = (2**30, -8)
"""A factor for a layer all of whose channels are still."""


def settled(kernel: str, fields: Fields) -> Fields:
    """The same layer, with weights of 0 and a living channel's factor where a channel is still."""
    if kernel == "conv_2d_max_pool_2d":
        return {**fields, "conv": settled("conv_2d", fields["conv"])}
    if kernel not in FLAT:
        return fields
    flat = FLAT[kernel](fields["weights"], fields["output_channels"])
    values = still(fields, flat)
    if not values:
        return fields
    output = {**fields["output"]}
    names = ("bias", "multiplier", "shift")
    output.update({name: output[name].copy() for name in names})
    flat, factor = flat.copy(), _donor(output, values)
    for channel, value in values.items():
        found = _sum_for(value, output, factor)
        if found is not None:
            flat[channel] = 0
            for name, number in zip(names, (found, *factor), strict=True):
                output[name][channel] = number
    weights = flat.T if kernel == "depthwise_conv_2d" else flat
    return {**fields, "weights": weights.reshape(fields["weights"].shape), "output": output}


FLAT: Mapping[str, Callable[[Int8, int], Int8]] = {
    "conv_2d": lambda weights, channels: weights.reshape(channels, -1),
    "depthwise_conv_2d": lambda weights, channels: weights.reshape(-1, channels).T,
    "fully_connected": lambda weights, channels: weights.reshape(channels, -1),
}
"""Weights as (channels, inputs)."""


def still(fields: Fields, weights: Int8) -> dict[int, int]:
    """The channels that give one value, and the value; ``weights`` are (channels, inputs).

    The output never falls where its sum rises, so that its ends tell.
    """
    flat, output = weights.astype(np.int64), fields["output"]
    low, high = (end + fields["input_offset"] for end in (-128, 127))
    positive, negative = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
    bias = output["bias"].astype(np.int64)
    ends = (bias + positive * low + negative * high, bias + positive * high + negative * low)
    found = {}
    for channel, (lowest, highest) in enumerate(zip(*ends, strict=True)):
        factor = (int(output["multiplier"][channel]), int(output["shift"][channel]))
        value = _byte(int(lowest), output, factor)
        if value == _byte(int(highest), output, factor):
            found[channel] = value
    return found


def _byte(sum_: int, output: Fields, factor: tuple[int, int]) -> int:
    """TensorFlow Lite Micro's output for a sum."""
    value = requantize(sum_, *factor) + output["offset"]
    return int(min(max(value, output["minimum"]), output["maximum"]))


def _donor(output: Fields, values: Mapping[int, int]) -> tuple[int, int]:
    """The largest factor of the living channels: sums for it are the smallest."""
    factors = [
        (int(shift), int(multiplier))
        for channel, (multiplier, shift) in enumerate(
            zip(output["multiplier"], output["shift"], strict=True)
        )
        if channel not in values and -LARGEST_SHIFT <= shift < 0
    ]
    shift, multiplier = max(factors, default=ORDINARY[::-1])
    return multiplier, shift


def _sum_for(value: int, output: Fields, factor: tuple[int, int]) -> int | None:
    """A sum that gives the value; None where there is none."""
    multiplier, shift = factor
    ideal = round((value - output["offset"]) * 2.0 ** (31 - shift) / multiplier)
    near = (sum_ for sum_ in range(ideal - 1, ideal + 2))
    return next((sum_ for sum_ in near if _byte(sum_, output, factor) == value), None)
