"""The AVR's kernel for layers of many channels (``kernels/avr/conv_2d.h``), eight at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision, Refusal, unmet
from glyphite.convert.compiler.ir.fixed_point import requantize
from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import CType, Int16, Parts, Struct, UInt8, UInt16
from glyphite.convert.compiler.targets.avr.channels import (
    LARGEST_ARRAY,
    LARGEST_BYTE,
    OUTPUT_CYCLES,
    Channels,
    as_convolution,
)
from glyphite.convert.compiler.targets.avr.limits import LimitsConstants
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

INPUTS = (0, 255)
"""An input is taken without a sign, so that a product has nothing to extend."""
MOST_PARTS = 4
"""Arrays of weights a layer: GLYPHITE_PARTS of kernels/avr/conv_2d.h, where flash is large."""

MOST_AT_REST = 32
"""Inputs under a window up to which it is often zero as a whole, as a picture's background is."""


@dataclass(frozen=True, eq=False)
class AvrConv2DConstants(Struct):
    """``struct glyphite_avr_conv_2d``."""

    C_NAME: ClassVar[str] = "avr_conv_2d"

    input_width: UInt16
    output_width: UInt16
    """After the pool."""
    input_channels: UInt16
    output_channels: UInt16
    step: UInt16
    """Bytes from a window to the next one."""
    last_inside: Int16
    """The last column at which a window has no padding behind it."""
    kernel_height: UInt8
    kernel_width: UInt8
    stride_width: UInt8
    padding_left: UInt8
    pool_height: UInt8
    pool_width: UInt8
    part_channels: UInt8
    """In each array of weights but the last."""
    rests: UInt8
    """1 where an array begins with its channels' outputs for a window of zeros."""
    limits: LimitsConstants
    weights: Annotated[Parts, CType("glyphite_far[GLYPHITE_PARTS]")]


KERNEL = Kernel("avr/conv_2d.h", AvrConv2DConstants, sharing=NOT_SHARED, in_flash=True)


def match(step: Step) -> Step | Refusal:
    """The step eight channels at a time; a refusal where the bytes could be others."""
    pooled = step.constants if isinstance(step.constants, Conv2DMaxPool2DConstants) else None
    conv = pooled.conv if pooled else as_convolution(step.constants)
    if conv is None:
        return Refusal(
            (Decision("it is a convolution or dense", False, f"it is {step.kernel.name}"),)
        )
    pool = pooled.pool if pooled else None
    channels = Channels.of(conv, INPUTS)
    refused = unmet(_conditions(conv, pool, channels))
    if refused is not None:
        return refused
    rests = pool is None and channels.weights.shape[1] <= MOST_AT_REST
    parts = _parts(channels, _outputs_at_rest(conv, channels) if rests else b"")
    if parts is None:
        detail = f"{channels.weights.size:,} weights need more than {MOST_PARTS} of them"
        fits = Decision(f"weights fit arrays of {LARGEST_ARRAY:,} bytes", False, detail)
        return Refusal((channels.proof(24), fits))
    return replace(
        step,
        kernel=KERNEL,
        rows=step.rows and replace(step.rows, function=f"{KERNEL.name}_row"),
        constants=_constants(conv, pool, parts, rests=rests),
        decisions=(channels.proof(24),),
    )


def cycles(step: Step, constants: AvrConv2DConstants) -> int:
    """About what an inference takes by this kernel, where no input is zero; a test measures it."""
    taps = constants.kernel_height * constants.kernel_width * constants.input_channels
    pixels = step.macs // (taps * constants.output_channels)
    eights, rest = divmod(constants.output_channels, 8)
    groups = 71 * (eights + (rest > 4)) + 39 * (0 < rest <= 4)
    return int(pixels * (600 + taps * (6 + groups) + constants.output_channels * OUTPUT_CYCLES))


def _constants(
    conv: Conv2DConstants, pool: WindowConstants | None, parts: tuple[int, Parts], *, rests: bool
) -> AvrConv2DConstants:
    window = conv.window
    return AvrConv2DConstants(
        input_width=window.input_width,
        output_width=(pool or window).output_width,
        input_channels=conv.input_channels,
        output_channels=conv.output_channels,
        step=window.stride_width * conv.input_channels,
        last_inside=window.input_width - window.kernel_width,
        kernel_height=window.kernel_height,
        kernel_width=window.kernel_width,
        stride_width=window.stride_width,
        padding_left=window.padding_left,
        pool_height=pool.kernel_height if pool else 1,
        pool_width=pool.kernel_width if pool else 1,
        part_channels=min(parts[0], conv.output_channels),
        rests=int(rests),
        limits=LimitsConstants.of(conv.output),
        weights=parts[1],
    )


def _conditions(
    conv: Conv2DConstants, pool: WindowConstants | None, channels: Channels
) -> Iterator[Decision]:
    reason = _misfit(conv, pool)
    if reason:
        yield Decision("windows are served", False, reason)
    yield from channels.epilogue_serves()


def _misfit(conv: Conv2DConstants, pool: WindowConstants | None) -> str:
    """Why pixels are not visited once, in order, or padding does not count as nothing; or ""."""
    window = conv.window
    counts = (*window.kernel, window.stride_width, window.padding_left)
    if window.dilation_width != 1:
        return f"dilation {window.dilation_width} along the width; 1 is served"
    if pool is not None and not _pool_fits(window, pool):
        return "pools that overlap, leave pixels out, or reach outside"
    if max(*counts, pool.kernel_height * pool.kernel_width if pool else 1) > LARGEST_BYTE:
        return f"a size of {max(counts)}; up to {LARGEST_BYTE} is served"
    if max(window.input_width, conv.output_channels) >= 2**15:
        return "more columns or channels than 16 bits count"
    padded = window.padding_left + window.padding_top > 0 or (
        window.reach[0] > window.input_height or window.reach[1] > window.input_width
    )
    if padded and conv.input_offset != 128:
        return f"padding beside a zero point of {-conv.input_offset}; -128 is served"
    return ""


def _pool_fits(window: WindowConstants, pool: WindowConstants) -> bool:
    inside = pool.output_width * pool.kernel_width <= window.output_width
    apart = pool.stride_width == pool.kernel_width
    return apart and inside and pool.padding_left == pool.padding_top == 0


def _outputs_at_rest(conv: Conv2DConstants, channels: Channels) -> bytes:
    """Each channel's output where all inputs under the window are zero."""
    output = conv.output
    scaling = zip(channels.bias, channels.multiplier, channels.shift, strict=True)
    values = [requantize(int(b), int(m), -int(s)) + output.offset for b, m, s in scaling]
    return bytes(np.clip(values, output.minimum, output.maximum).astype(np.int8))


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
