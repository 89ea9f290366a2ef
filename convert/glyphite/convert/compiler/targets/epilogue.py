"""The range of a layer's sums, and what is proven of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.fully_connected import FullyConnectedConstants
from glyphite.convert.compiler.targets.portable.grouped_conv_2d import GroupedConv2DConstants

Int64 = NDArray[np.int64]

Weighted = (
    Conv2DConstants | DepthwiseConv2DConstants | FullyConnectedConstants | GroupedConv2DConstants
)
"""What multiplies by weights."""


@dataclass(frozen=True)
class Epilogue:
    """What a layer does with the sums of its channels; arrays are (channels)."""

    offset: int
    minimum: int
    maximum: int
    multipliers: Int64
    shifts: Int64
    lowest: Int64
    """The least sum that a channel can have, in whole units, bias included."""
    highest: Int64

    def byte(self, sums: Int64) -> Int64:
        """TensorFlow Lite Micro's output (channels, n) for ``sums`` (channels, n).

        Every shift is to the right here, that is, none is positive.
        """
        right = -self.shifts[:, None]
        product = (sums * self.multipliers[:, None] + 2**30) >> 31
        mask = (np.int64(1) << right) - 1
        up = (product & mask) > (mask >> 1) + (product < 0)
        rounded = (product >> right) + up + self.offset
        return np.asarray(np.clip(rounded, self.minimum, self.maximum))


def flat_weights(layer: Weighted) -> Int64:
    """A layer's weights as (channels, inputs)."""
    weights = layer.weights.astype(np.int64)
    if isinstance(layer, DepthwiseConv2DConstants):
        return weights.reshape(-1, layer.output_channels).T
    return weights.reshape(layer.output_channels, -1)


def epilogue_of(layer: Weighted) -> Epilogue:
    """What follows the sums of a layer, and the range of these sums."""
    weights, output = flat_weights(layer), layer.output
    bias = output.bias.astype(np.int64)
    low, high = -128 + layer.input_offset, 127 + layer.input_offset
    positive = np.maximum(weights, 0).sum(axis=1)
    negative = np.minimum(weights, 0).sum(axis=1)
    return Epilogue(
        offset=output.offset,
        minimum=output.minimum,
        maximum=output.maximum,
        multipliers=output.multiplier.astype(np.int64),
        shifts=output.shift.astype(np.int64),
        lowest=bias + positive * low + negative * high,
        highest=bias + positive * high + negative * low,
    )


def sums_fit(epilogue: Epilogue, bits: int) -> Decision:
    """Whether all sums fit 32 bits in units of 1 / 2**bits, with four units to spare."""
    limit = 2 ** (31 - bits) - 4
    low, high = int(epilogue.lowest.min()), int(epilogue.highest.max())
    return Decision(
        f"sums fit 32 bits in units of 1/{1 << bits}" if bits else "sums fit 32 bits",
        -limit < low and high < limit,
        f"{low:,} to {high:,}, within {limit - 1:,} either way",
    )
