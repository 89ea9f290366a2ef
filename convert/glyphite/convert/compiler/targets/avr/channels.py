"""What the AVR's kernels have in common: a layer's channels, and the range of their sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof

Fields = Mapping[str, Any]
Int64 = NDArray[np.int64]

LARGEST_ARRAY = 32_767
"""Bytes of an array that avr-gcc takes."""
LARGEST_BYTE = 255
"""Of a count of 8 bits."""

OUTPUT_CYCLES = 120
"""About what kernels/avr/outputs.h takes for one."""

_ONE_PIXEL = {
    **{f"{what}_height": 1 for what in ("input", "output", "kernel", "stride", "dilation")},
    **{"kernel_width": 1, "stride_width": 1, "dilation_width": 1},
    **{"padding_top": 0, "padding_left": 0},
}
"""The window of a fully connected layer, but for its width: each input vector is a pixel."""


def as_convolution(step: Step) -> Fields:
    """The fields of a convolution, with a pool or not, or of a fully connected layer as 1x1."""
    if step.kernel != "fully_connected":
        fields: Fields = step.fields.get("conv", step.fields)
        return fields
    width = step.fields["rows"]
    return {**step.fields, "window": {**_ONE_PIXEL, "input_width": width, "output_width": width}}


def reach(window: Fields, side: str) -> int:
    """The inputs along ``side`` up to the last one under the last window, padding among them."""
    taps = (window[f"kernel_{side}"] - 1) * window[f"dilation_{side}"] + 1
    return int((window[f"output_{side}"] - 1) * window[f"stride_{side}"] + taps)


def limits(output: Fields) -> dict[str, int]:
    """The fields of ``struct glyphite_limits``."""
    return {
        "offset": output["offset"] + 128,
        "minimum": output["minimum"] + 128,
        "maximum": output["maximum"] + 128,
        "cut": int(output["minimum"] >= output["offset"]),
    }


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
    def of(cls, conv: Fields, inputs: tuple[int, int]) -> Channels:
        """Of a convolution; ``inputs`` is what -128 and 127 are taken as."""
        weights = conv["weights"].astype(np.int64).reshape(conv["output_channels"], -1)
        output = conv["output"]
        from_zero = conv["input_offset"] - 128 - inputs[0]
        return cls(
            weights,
            output["bias"].astype(np.int64) + from_zero * weights.sum(axis=1),
            output["multiplier"].astype(np.int64),
            -output["shift"].astype(np.int64),
            inputs,
        )

    def totals_fit(self, bits: int) -> NDArray[np.bool_]:
        """Whether no inputs can make a channel's sum with its bias leave so many bits, negated too.

        Sums wrap, so that only the last value counts, not the parts on the way.
        """
        return np.asarray(np.abs(self._ends() + self.bias).max(axis=0) < 2 ** (bits - 1))

    def proof(self, bits: int) -> Proof:
        """Whether all sums of the layer fit so many bits, and how many channels' do."""
        fit = self.totals_fit(bits)
        largest = int(np.abs(self._ends() + self.bias).max())
        detail = f"{fit.sum()} of {len(fit)} channels; the largest sum is {largest:,}"
        return Proof(f"sums fit {bits} bits", bool(fit.all()), detail)

    def can_be_outputs(self) -> bool:
        """Whether kernels/avr/outputs.h serves: 24 bits hold the bias, and sums with and without.

        A pool compares sums without their bias.
        """
        sums_fit = np.abs(self._ends()).max() < 2**23
        bias_fits = np.abs(self.bias).max() < 2**23
        shifts_fit = np.all((self.shift >= 1) & (self.shift <= 31))
        return bool(sums_fit and bias_fits and shifts_fit and np.all(self.totals_fit(24)))

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
