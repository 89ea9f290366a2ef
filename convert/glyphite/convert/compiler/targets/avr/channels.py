"""What the AVR's convolutions have in common: a layer's channels, and the range of their sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.fully_connected import FullyConnectedConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

Int64 = NDArray[np.int64]

LARGEST_ARRAY = 32_767
"""Bytes of an array that avr-gcc takes."""
LARGEST_BYTE = 255
"""Of a count of 8 bits."""

OUTPUT_CYCLES = 120
"""About what kernels/avr/outputs.h takes for one; a test measures it."""


def as_convolution(constants: Struct) -> Conv2DConstants | None:
    """A convolution, or a fully connected layer as one of 1x1: each input vector is a pixel."""
    if isinstance(constants, Conv2DConstants):
        return constants
    if not isinstance(constants, FullyConnectedConstants):
        return None
    return Conv2DConstants(
        window=WindowConstants.of_row(constants.rows),
        input_channels=constants.input_channels,
        output_channels=constants.output_channels,
        input_offset=constants.input_offset,
        weights=constants.weights,
        output=constants.output,
    )


def not_a_convolution(step: Step) -> Decision:
    """Why a layer is none of those that :func:`as_convolution` takes."""
    return Decision("it is a convolution or dense", False, f"it is {step.kernel.name}")


@dataclass(frozen=True, eq=False)
class Channels:
    """What each output channel needs; arrays have (channels) values or (channels, taps)."""

    weights: Int64
    bias: Int64
    multiplier: Int64
    shift: Int64
    """To the right."""
    inputs: tuple[int, int]
    """The least and the largest number that an input is taken as."""

    @classmethod
    def of(cls, conv: Conv2DConstants, inputs: tuple[int, int]) -> Channels:
        """Of a convolution; ``inputs`` is what -128 and 127 are taken as."""
        weights = conv.weights.astype(np.int64).reshape(conv.output_channels, -1)
        output = conv.output
        from_zero = conv.input_offset - 128 - inputs[0]
        return cls(
            weights,
            output.bias.astype(np.int64) + from_zero * weights.sum(axis=1),
            output.multiplier.astype(np.int64),
            -output.shift.astype(np.int64),
            inputs,
        )

    def totals_fit(self, bits: int) -> NDArray[np.bool_]:
        """(channels) whether no inputs make a sum with its bias leave so many bits, negated too.

        Sums wrap, so that only the last value counts, not the parts on the way.
        """
        return np.asarray(np.abs(self._ends() + self.bias).max(axis=0) < 2 ** (bits - 1))

    def proof(self, bits: int) -> Decision:
        """Whether all sums of the layer fit so many bits, and how many channels' do."""
        fit = self.totals_fit(bits)
        largest = int(np.abs(self._ends() + self.bias).max())
        detail = f"{fit.sum()} of {len(fit)} channels; the largest sum is {largest:,}"
        return Decision(f"sums fit {bits} bits", bool(fit.all()), detail)

    def epilogue_serves(self) -> Iterator[Decision]:
        """Whether kernels/avr/outputs.h serves: 24 bits hold the bias, and sums with and without.

        A pool compares sums without their bias.
        """
        yield self.proof(24)
        bare, bias = int(np.abs(self._ends()).max()), int(np.abs(self.bias).max())
        if max(bare, bias) >= 2**23:
            detail = f"sums reach {bare:,} without their bias, biases {bias:,}"
            yield Decision("sums and biases fit 24 bits each", False, detail)
        low, high = int(self.shift.min()), int(self.shift.max())
        if not 1 <= low <= high <= 31:
            detail = f"shifts to the right are {low} to {high}; 1 to 31 are served"
            yield Decision("shifts are served", False, detail)

    def _ends(self) -> Int64:
        """The least and the largest sum of each channel, without its bias: (2, channels)."""
        ends = np.stack([self.weights * value for value in self.inputs])
        return np.stack([ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)])

    def negated_bias(self, channel: int) -> bytes:
        """A channel's bias as kernels read it: 3 bytes."""
        return int(-self.bias[channel]).to_bytes(3, "little", signed=True)

    def scaling(self, channel: int) -> bytes:
        """Twice a channel's multiplier (4 bytes), and its shift."""
        multiplier, shift = int(self.multiplier[channel]), int(self.shift[channel])
        return (2 * multiplier).to_bytes(4, "little") + shift.to_bytes(1, "little")
