"""Constants of the AVR kernels, from the fields of the portable ones (``kernels/avr``).

:func:`variant` takes a step of portable kernels and gives the AVR kernel's, or None where that
kernel cannot give the same bytes: the portable one then stays.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.fixed_point import exp_negative, requantize
from convert.goal import Goal
from convert.program import Step
from convert.proof import Proof

Fields = Mapping[str, Any]
Int64 = NDArray[np.int64]

PREFIX = "avr_"
LARGEST_ARRAY = 32_767
"""Bytes of an array that avr-gcc takes."""
MOST_PARTS = 4
"""Arrays of weights a layer: GLYPHITE_PARTS of kernels/avr/conv_2d.h, where flash is large."""
LARGEST_SUM = 2**23 - 1
"""Sums have 24 bits and a sign, and are negated."""
MOST_GROUPS = 255
"""Of one array: a count of 8 bits."""

LEAST_EXPONENTIAL = 2**11
"""Of a softmax's that count, as Q0.31: less rounds to 0 in Q12.19, and in the output."""

_ONE_PIXEL = {
    **{f"{what}_height": 1 for what in ("input", "output", "kernel", "stride", "dilation")},
    **{"kernel_width": 1, "stride_width": 1, "dilation_width": 1},
    **{"padding_top": 0, "padding_left": 0},
}
"""The window of a fully connected layer, but for its width: each input vector is a pixel."""
_NO_POOL = {"kernel_height": 1, "kernel_width": 1, "stride_width": 1, "padding_left": 0}


@dataclass(frozen=True, eq=False)
class Channels:
    """What each output channel needs; arrays have (channels) values or (channels, taps)."""

    weights: Int64
    bias: Int64
    """For inputs counted from -128."""
    multiplier: Int64
    shift: Int64
    """To the right."""

    def sums_fit(self) -> bool:
        """Whether no window of inputs can give a sum of more than 24 bits, with or without bias.

        Sums wrap, so that only the last value counts, not the parts on the way.
        """
        lowest = np.minimum(self.weights, 0).sum(axis=1) * 255
        highest = np.maximum(self.weights, 0).sum(axis=1) * 255
        ends = np.stack([lowest, highest, lowest + self.bias, highest + self.bias])
        return bool(np.all(np.abs(ends) <= LARGEST_SUM) and np.all(np.abs(self.bias) < 2**23))

    def constants(self, channel: int) -> bytes:
        """What kernels/avr/outputs.h reads for a channel."""
        return b"".join(
            [
                int(-self.bias[channel]).to_bytes(3, "little", signed=True),
                int(2 * self.multiplier[channel]).to_bytes(4, "little"),
                int(self.shift[channel]).to_bytes(1, "little"),
            ]
        )


def variant(step: Step) -> Step | None:
    """The step by AVR kernels that does what a portable one does; it runs row by row."""
    if step.kernel == "conv_2d":
        return _by_rows(step, _fields(step.fields, _NO_POOL))
    if step.kernel == "conv_2d_max_pool_2d":
        return _by_rows(step, _fields(step.fields["conv"], step.fields["pool"]))
    if step.kernel == "fully_connected":
        width = step.fields["rows"]
        window = {**_ONE_PIXEL, "input_width": width, "output_width": width}
        fields = _fields({**step.fields, "window": window}, _NO_POOL)
        return None if fields is None else replace(step, kernel=f"{PREFIX}conv_2d", fields=fields)
    if step.kernel == "softmax":
        return replace(step, kernel=f"{PREFIX}softmax", fields=_softmax_fields(step.fields))
    return None


def proofs(step: Step, taken: Step, goal: Goal) -> Iterator[Proof]:
    """What decided that the portable ``step`` became ``taken``."""
    del taken, goal  # one kernel serves all goals, where the sums let it
    conv = step.fields.get("conv", step.fields)
    if step.kernel in ("conv_2d", "conv_2d_max_pool_2d", "fully_connected"):
        channels = _channels(conv)
        largest = int(np.abs(channels.weights).sum(axis=1).max()) * 255
        detail = f"without bias within ±{largest:,} of ±{LARGEST_SUM:,}"
        yield Proof("sums fit 24 bits", channels.sums_fit(), detail)


def _softmax_fields(fields: Fields) -> dict[str, Any]:
    """The fields of ``struct glyphite_avr_softmax``."""
    differences = range(min(255, -fields["smallest_difference"]) + 1)
    scaled = (requantize(-d, fields["multiplier"], fields["shift"]) for d in differences)
    found = [exp_negative(value) for value in scaled]
    table = np.array([value for value in found if value >= LEAST_EXPONENTIAL], np.int32)
    return {
        "rows": fields["rows"],
        "channels": fields["channels"],
        "count": len(table),
        "exponentials": table,
    }


def _by_rows(step: Step, fields: Fields | None) -> Step | None:
    if fields is None or step.rows is None:
        return None
    rows = replace(step.rows, function=f"{PREFIX}conv_2d_row")
    return replace(step, kernel=f"{PREFIX}conv_2d", rows=rows, fields=fields)


def _fields(conv: Fields, pool: Fields) -> dict[str, Any] | None:
    """The fields of ``struct glyphite_avr_conv_2d``; None where the kernel cannot serve."""
    window, output = conv["window"], conv["output"]
    if not _geometry_fits(conv, pool):
        return None
    channels = _channels(conv)
    if not channels.sums_fit() or not np.all((channels.shift >= 1) & (channels.shift <= 31)):
        return None
    weights = _parts(channels)
    if weights is None:
        return None
    whole = window if pool is _NO_POOL else pool
    return {
        "input_width": window["input_width"],
        "output_width": whole["output_width"],
        "input_channels": conv["input_channels"],
        "output_channels": conv["output_channels"],
        "step": window["stride_width"] * conv["input_channels"],
        "last_inside": window["input_width"] - window["kernel_width"],
        "kernel_height": window["kernel_height"],
        "kernel_width": window["kernel_width"],
        "stride_width": window["stride_width"],
        "padding_left": window["padding_left"],
        "pool_height": pool["kernel_height"],
        "pool_width": pool["kernel_width"],
        "part_channels": min(weights[0], conv["output_channels"]),
        "limits": {
            "offset": output["offset"] + 128,
            "minimum": output["minimum"] + 128,
            "maximum": output["maximum"] + 128,
            "cut": int(output["minimum"] >= output["offset"]),
        },
        "weights": weights[1],
    }


def _geometry_fits(conv: Fields, pool: Fields) -> bool:
    """Whether pixels are visited once, in order, and padding counts as nothing."""
    window = conv["window"]
    sizes = [window[f"{what}_{side}"] for what in ("kernel", "stride") for side in ("width",)]
    padded = (
        window["padding_left"] + window["padding_top"] > 0
        or _reach(window, "height") > window["input_height"]
        or _reach(window, "width") > window["input_width"]
    )
    pooled = pool["stride_width"] == pool["kernel_width"] and pool["padding_left"] == 0
    if pool is not _NO_POOL:
        inside = pool["output_width"] * pool["kernel_width"] <= window["output_width"]
        pooled = pooled and inside and pool["padding_top"] == 0
    return (
        window["dilation_width"] == 1
        and pooled
        and max(*sizes, window["kernel_height"], window["padding_left"]) <= MOST_GROUPS
        and pool["kernel_height"] * pool["kernel_width"] <= MOST_GROUPS
        and max(window["input_width"], conv["output_channels"]) < 2**15
        and (not padded or conv["input_offset"] == 128)
    )


def _reach(window: Fields, side: str) -> int:
    """The inputs up to the last one under the last window."""
    steps = (window[f"output_{side}"] - 1) * window[f"stride_{side}"]
    taps = (window[f"kernel_{side}"] - 1) * window[f"dilation_{side}"] + 1
    return int(steps + taps - window[f"padding_{'top' if side == 'height' else 'left'}"])


def _channels(conv: Fields) -> Channels:
    weights = conv["weights"].astype(np.int64).reshape(conv["output_channels"], -1)
    from_lowest = 128 - conv["input_offset"]
    output = conv["output"]
    return Channels(
        weights,
        output["bias"].astype(np.int64) - from_lowest * weights.sum(axis=1),
        output["multiplier"].astype(np.int64),
        -output["shift"].astype(np.int64),
    )


def _parts(channels: Channels) -> tuple[int, tuple[NDArray[np.uint8], ...]] | None:
    """How many channels an array has, and the arrays; None where they would be too large."""
    groups = [np.frombuffer(group, np.uint8) for group in _groups(channels)]
    count = min(LARGEST_ARRAY // max(len(group) for group in groups), MOST_GROUPS // 8)
    if count == 0 or -(-len(groups) // count) > MOST_PARTS:
        return None
    starts = range(0, len(groups), count)
    return 8 * count, tuple(np.concatenate(groups[start : start + count]) for start in starts)


def _groups(channels: Channels) -> Iterator[bytes]:
    """Groups of eight channels, of four for the last four or fewer, weights before constants."""
    total, taps = channels.weights.shape
    first = 0
    while first < total:
        wide = 8 if total - first > 4 else 4
        end = min(first + wide, total)
        weights = np.zeros((taps, wide), np.uint8)
        weights[:, : end - first] = (channels.weights[first:end] + 128).T
        yield weights.tobytes() + b"".join(channels.constants(i) for i in range(first, end))
        first = end
