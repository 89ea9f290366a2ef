"""Constants of the AVR's kernel for convolutions of many channels (``kernels/avr/conv_2d.h``)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.fixed_point import requantize
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.avr.channels import (
    LARGEST_ARRAY,
    LARGEST_BYTE,
    OUTPUT_CYCLES,
    Channels,
    Fields,
    as_convolution,
    limits,
    reach,
)

KERNEL = "avr_conv_2d"
KERNELS = ("conv_2d", "fully_connected", "conv_2d_max_pool_2d")
"""The portable ones that it can take the place of."""
INPUTS = (0, 255)
"""An input is taken without a sign, so that a product has nothing to extend."""
MOST_PARTS = 4
"""Arrays of weights a layer: GLYPHITE_PARTS of kernels/avr/conv_2d.h, where flash is large."""

MOST_AT_REST = 32
"""Inputs under a window up to which it is often zero as a whole, as a picture's background is."""

_NO_POOL = {"kernel_height": 1, "kernel_width": 1, "stride_width": 1, "padding_left": 0}


def variant(step: Step) -> Step | None:
    """The step eight channels at a time; None where the kernel cannot give the same bytes."""
    if step.kernel not in KERNELS:
        return None
    fields = _fields(as_convolution(step), step.fields.get("pool", _NO_POOL))
    if fields is None:
        return None
    rows = step.rows and replace(step.rows, function=f"{KERNEL}_row")
    return replace(step, kernel=KERNEL, rows=rows, fields=fields)


def cycles(step: Step) -> int:
    """About what an inference takes by this kernel, where no input is zero."""
    fields = step.fields
    taps = fields["kernel_height"] * fields["kernel_width"] * fields["input_channels"]
    pixels = step.macs // (taps * fields["output_channels"])
    eights, rest = divmod(fields["output_channels"], 8)
    groups = 71 * (eights + (rest > 4)) + 39 * (0 < rest <= 4)
    return int(pixels * (600 + taps * (6 + groups) + fields["output_channels"] * OUTPUT_CYCLES))


def _fields(conv: Fields, pool: Fields) -> dict[str, Any] | None:
    """The fields of ``struct glyphite_avr_conv_2d``; None where the kernel cannot serve."""
    window = conv["window"]
    channels = Channels.of(conv, INPUTS)
    if not (_geometry_fits(conv, pool) and channels.can_be_outputs()):
        return None
    rests = pool is _NO_POOL and channels.weights.shape[1] <= MOST_AT_REST
    weights = _parts(channels, _outputs_at_rest(conv, channels) if rests else b"")
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
        "rests": int(rests),
        "limits": limits(conv["output"]),
        "weights": weights[1],
    }


def _geometry_fits(conv: Fields, pool: Fields) -> bool:
    """Whether pixels are visited once, in order, and padding counts as nothing."""
    window = conv["window"]
    padded = window["padding_left"] + window["padding_top"] > 0 or any(
        reach(window, side) > window[f"input_{side}"] for side in ("height", "width")
    )
    pooled = pool["stride_width"] == pool["kernel_width"] and pool["padding_left"] == 0
    if pool is not _NO_POOL:
        inside = pool["output_width"] * pool["kernel_width"] <= window["output_width"]
        pooled = pooled and inside and pool["padding_top"] == 0
    counts = (
        *(window[name] for name in ("kernel_height", "kernel_width", "stride_width")),
        *(window["padding_left"], pool["kernel_height"] * pool["kernel_width"]),
    )
    return (
        window["dilation_width"] == 1
        and pooled
        and max(counts) <= LARGEST_BYTE
        and max(window["input_width"], conv["output_channels"]) < 2**15
        and (not padded or conv["input_offset"] == 128)
    )


def _outputs_at_rest(conv: Fields, channels: Channels) -> bytes:
    """Each channel's output where all inputs under the window are zero."""
    output = conv["output"]
    scaling = zip(channels.bias, channels.multiplier, channels.shift, strict=True)
    values = [requantize(int(b), int(m), -int(s)) + output["offset"] for b, m, s in scaling]
    return bytes(np.clip(values, output["minimum"], output["maximum"]).astype(np.int8))


def _parts(channels: Channels, rest: bytes) -> tuple[int, tuple[NDArray[np.uint8], ...]] | None:
    """How many channels an array has, and the arrays, each with its channels' part of ``rest``
    before its groups; None where they would be too large."""
    groups = list(_groups(channels))
    largest = max(len(group) for group in groups) + (8 if rest else 0)
    count = min(LARGEST_ARRAY // largest, LARGEST_BYTE // 8)
    if count == 0 or -(-len(groups) // count) > MOST_PARTS:
        return None
    parts = (
        rest[8 * start : 8 * (start + count)] + b"".join(groups[start : start + count])
        for start in range(0, len(groups), count)
    )
    return 8 * count, tuple(np.frombuffer(part, np.uint8) for part in parts)


def _groups(channels: Channels) -> Iterator[bytes]:
    """Groups of eight channels, of four for the last four or fewer, weights before constants."""
    total, taps = channels.weights.shape
    first = 0
    while first < total:
        wide = 8 if total - first > 4 else 4
        end = min(first + wide, total)
        weights = np.zeros((taps, wide), np.uint8)
        weights[:, : end - first] = (channels.weights[first:end] + 128).T
        yield weights.tobytes() + b"".join(
            channels.negated_bias(i) + channels.scaling(i) for i in range(first, end)
        )
        first = end
