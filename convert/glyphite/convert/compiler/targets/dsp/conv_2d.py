"""Convolution by dual 16-bit multiplications (``kernels/dsp/conv_2d.h``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.dsp.block import BLOCK_CALL, MOST_PIXELS, fewest_instructions
from glyphite.convert.compiler.targets.dsp.dot import Stream, narrow_stream, wide_stream
from glyphite.convert.compiler.targets.dsp.patch import (
    DspInputsConstants,
    DspWeights,
    im2col_words,
    in_order,
)
from glyphite.convert.compiler.targets.dsp.requantize import COMMON_SHIFT, DspRequantizeConstants
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants


@dataclass(frozen=True, eq=False)
class DspConv2DConstants(Struct):
    """``struct glyphite_dsp_conv_2d``."""

    C_NAME: ClassVar[str] = "dsp_conv_2d"
    SELECTS: ClassVar[tuple[str, ...]] = ("pixels", "rest", "simple")

    inputs: DspInputsConstants
    requantize: DspRequantizeConstants
    output_channels: Int32
    pixels: Int32
    """That are computed at a time."""
    rest: Int32
    """Of a row, fewer than that."""
    simple: Int32 | None
    """1 where block.h does it; None in kernels that never ask it."""
    weights: DspWeights


KERNEL = Kernel("dsp/conv_2d.h", DspConv2DConstants)


def match(step: Step, conv: Conv2DConstants) -> Step | Refusal:
    """The step over whole tensors, with weights as large as before where they can be.

    Blocks of three pixels where they leave none over, so that layers of different sizes share code.
    """
    flat = as_one_row(conv)
    thirds = flat.window.output_width % 3 == 0
    return _whole(step, flat, fit(flat, narrow=True), block=3 if thirds else None)


def match_wide(step: Step, conv: Conv2DConstants) -> Step | Refusal:
    """The same with weights of 16 bits, which take no instructions to widen."""
    flat = as_one_row(conv)
    return _whole(step, flat, fit(flat, narrow=False), block=None)


def by_rows(step: Step, conv: Conv2DConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time, with blocks of ever fewer pixels, which take less memory."""
    stream = fit(conv, narrow=True)
    if isinstance(stream, Refusal):
        return stream
    return _by_rows(step, conv, rows, stream)


def fit(conv: Conv2DConstants, *, narrow: bool) -> Stream | Refusal:
    """The layer's weights, narrow where that is wanted and they can be."""
    flat = in_order(conv.weights)
    found = narrow_stream(conv, flat, 2) if narrow else None
    if isinstance(found, Stream):
        return found
    wide = wide_stream(conv, flat, 2)
    if found is None:
        return wide
    if isinstance(wide, Refusal):
        return Refusal((*found.decisions, *wide.decisions))
    return replace(wide, decisions=(*found.decisions, *wide.decisions))


def constants_of(
    conv: Conv2DConstants, stream: Stream, block: int | None = None
) -> DspConv2DConstants:
    """What the kernel takes; ``block``: pixels at a time, else the fewest instructions decide."""
    simple = _is_simple(conv, stream)
    width = conv.window.output_width
    if block is None:
        call = BLOCK_CALL / conv.output_channels if simple else None
        block = fewest_instructions(width, steps_of(conv), call)
    return DspConv2DConstants(
        inputs=DspInputsConstants.of(conv, wide=stream.wide),
        requantize=stream.requantize.constants,
        output_channels=conv.output_channels,
        pixels=block,
        rest=width % block,
        simple=int(simple),
        weights=stream.words,
    )


def steps_of(conv: Conv2DConstants) -> int:
    """Steps of four inputs for an output."""
    return int(-(-conv.weights[0].size // 4))


def scratch_bytes(conv: Conv2DConstants, block: int) -> int:
    """The patch of a block, and what it takes to put it together."""
    return WORD_BYTES * (2 * steps_of(conv) * block + im2col_words(conv))


def as_one_row(conv: Conv2DConstants) -> Conv2DConstants:
    """A 1x1 convolution of all pixels as one of a single row: for tensors that lie whole."""
    window = conv.window
    if window.kernel != (1, 1) or window.stride != (1, 1):
        return conv
    pixels = window.input_height * window.input_width
    row = replace(window, input_height=1, output_height=1, input_width=pixels, output_width=pixels)
    return replace(conv, window=row)


def _whole(
    step: Step, conv: Conv2DConstants, stream: Stream | Refusal, block: int | None
) -> Step | Refusal:
    if isinstance(stream, Refusal):
        return stream
    constants = constants_of(conv, stream, block)
    return replace(
        step,
        kernel=KERNEL,
        constants=constants,
        window_rows=max(step.window_rows, 1),  # also where it was a fully connected layer
        rows=None,
        scratch_bytes=scratch_bytes(conv, constants.pixels),
        decisions=stream.decisions,
    )


def _by_rows(step: Step, conv: Conv2DConstants, rows: Rows, stream: Stream) -> Iterator[Step]:
    width = conv.window.output_width
    for count in range(min(MOST_PIXELS, width), 0, -1):
        yield replace(
            step,
            kernel=KERNEL,
            constants=constants_of(conv, stream, count),
            overlaps=(None,),
            rows=replace(rows, function=f"{KERNEL.name}_row"),
            scratch_bytes=scratch_bytes(conv, count),
            decisions=stream.decisions,
        )


def _is_simple(conv: Conv2DConstants, stream: Stream) -> bool:
    """Whether dsp/block.h has the form."""
    form = stream.requantize.constants
    even = conv.output_channels % 2 == 0
    return stream.wide and even and form.shift == COMMON_SHIFT and form.is_simple
