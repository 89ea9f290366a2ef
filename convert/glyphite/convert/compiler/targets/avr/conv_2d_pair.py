"""The AVR's kernel for layers of few channels (``kernels/avr/conv_2d_pair.h``), in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision, Refusal, unmet
from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import CType, Struct, UInt8, UInt16
from glyphite.convert.compiler.ir.window import overlap_distance
from glyphite.convert.compiler.targets.avr.channels import (
    LARGEST_ARRAY,
    LARGEST_BYTE,
    OUTPUT_CYCLES,
    Channels,
    as_convolution,
)
from glyphite.convert.compiler.targets.avr.limits import LimitsConstants
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

INPUTS = (-128, 127)
"""An input is taken as it is: there is no padding, which would have to count as nothing."""


@dataclass(frozen=True, eq=False)
class AvrConv2DPairConstants(Struct):
    """``struct glyphite_avr_conv_2d_pair``."""

    C_NAME: ClassVar[str] = "avr_conv_2d_pair"

    output_width: UInt16
    step: UInt16
    """Bytes from a window to the next one."""
    output_channels: UInt8
    kernel_height: UInt8
    run: UInt8
    """Inputs of a window in one row."""
    limits: LimitsConstants
    weights: Annotated[NDArray[np.uint8], CType("glyphite_far")]


KERNEL = Kernel("avr/conv_2d_pair.h", AvrConv2DPairConstants, sharing=NOT_SHARED, in_flash=True)


def match(step: Step) -> Step | Refusal:
    """The step two pixels at a time; a refusal where the bytes could be others."""
    conv = as_convolution(step.constants)
    if conv is None:
        return Refusal(
            (Decision("it is a convolution or dense", False, f"it is {step.kernel.name}"),)
        )
    channels = Channels.of(conv, INPUTS)
    refused = unmet(_conditions(conv, channels))
    if refused is not None:
        return refused
    weights = np.frombuffer(b"".join(_stream(channels)), np.uint8)
    if len(weights) > LARGEST_ARRAY:
        fits = f"weights fit an array of {LARGEST_ARRAY:,} bytes"
        return Refusal((channels.proof(24), Decision(fits, False, f"they take {len(weights):,}")))
    constants = AvrConv2DPairConstants(
        output_width=conv.window.output_width,
        step=conv.window.stride_width * conv.input_channels,
        output_channels=conv.output_channels,
        kernel_height=conv.window.kernel_height,
        run=conv.window.kernel_width * conv.input_channels,
        limits=LimitsConstants.of(conv.output),
        weights=weights,
    )
    overlaps = (_overlap(constants),)
    rows = step.rows and replace(step.rows, function=f"{KERNEL.name}_row", overlaps=overlaps)
    proofs = (channels.proof(24), channels.proof(16))
    return replace(
        step, kernel=KERNEL, rows=rows, overlaps=overlaps, constants=constants, decisions=proofs
    )


def cycles(step: Step, constants: AvrConv2DPairConstants) -> int:
    """About what an inference takes by this kernel, where all outputs are within their limits.

    A test measures it.
    """
    taps = constants.kernel_height * constants.run
    height = step.macs // (constants.output_width * constants.output_channels * taps)
    pairs = height * ((constants.output_width + 1) // 2)
    sums = constants.kernel_height * (16 + 23 * constants.run)
    return int(pairs * (60 + constants.output_channels * (100 + sums + 2 * OUTPUT_CYCLES)))


def _conditions(conv: Conv2DConstants, channels: Channels) -> Iterator[Decision]:
    reason = _misfit(conv.window)
    if reason:
        yield Decision("windows are served", False, reason)
    run = conv.window.kernel_width * conv.input_channels
    largest = max(conv.window.kernel_height, run, conv.output_channels)
    if largest > LARGEST_BYTE:
        detail = f"a count of {largest:,}; up to {LARGEST_BYTE} is served"
        yield Decision("counts fit a byte", False, detail)
    yield from channels.epilogue_serves()


def _misfit(window: WindowConstants) -> str:
    """Why a window reaches over an edge, or leaves inputs out along its rows; or ""."""
    if window.dilation_width != 1:
        return f"dilation {window.dilation_width} along the width; 1 is served"
    height, width = window.reach
    outside = height > window.input_height or width > window.input_width
    if outside or window.padding_left or window.padding_top:
        return "padding; windows inside the input are served"
    return ""


def _overlap(constants: AvrConv2DPairConstants) -> int:
    """How far before its input an output row must start.

    Both pixels of a pair are written while the first one's inputs are still read.
    """
    starts = np.arange(0, constants.output_width, 2, dtype=np.int64) * constants.step
    pair = 2 * constants.output_channels
    return overlap_distance(starts[None, :], pair, pair)


def _stream(channels: Channels) -> Iterator[bytes]:
    """For each channel: whether 16 bits suffice for its sums, its bias, weights and scaling."""
    for index, narrow in enumerate(channels.totals_fit(16)):
        yield bytes([int(narrow)])
        yield channels.negated_bias(index)
        yield channels.weights[index].astype(np.int8).tobytes()
        yield channels.scaling(index)
