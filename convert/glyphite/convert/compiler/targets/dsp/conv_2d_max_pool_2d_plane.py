"""Convolution of one channel and max pooling (``kernels/dsp/conv_2d_max_pool_2d_plane.h``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.conv_2d import DspConv2DConstants
from glyphite.convert.compiler.targets.dsp.conv_2d_max_pool_2d import PIXELS
from glyphite.convert.compiler.targets.dsp.patch import DspInputsConstants
from glyphite.convert.compiler.targets.dsp.pooling import pools_pairs
from glyphite.convert.compiler.targets.dsp.requantize import NARROW_BITS, Requantize, choose
from glyphite.convert.compiler.targets.dsp.winograd import is_3x3
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES, pairs_of, start_of, words_of
from glyphite.convert.compiler.targets.epilogue import Int64, epilogue_of
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class DspConv2DMaxPool2DPlaneConstants(Struct):
    """``struct glyphite_dsp_conv_2d_max_pool_2d_plane``."""

    C_NAME: ClassVar[str] = "dsp_conv_2d_max_pool_2d_plane"

    conv: DspConv2DConstants
    pool: WindowConstants
    """Over the convolution's output; none of it lies outside."""


KERNEL = Kernel("dsp/conv_2d_max_pool_2d_plane.h", DspConv2DMaxPool2DPlaneConstants)


def match(step: Step, layer: Conv2DMaxPool2DConstants) -> Step | Refusal:
    """The step over whole tensors: 3x3 filters at steps of 1 over one channel, pools of 2x2."""
    conv, pools = layer.conv, pools_pairs(layer.pool, layer.conv.window.output)
    served = is_3x3(conv.window) and conv.input_channels == 1
    height, width = conv.window.kernel
    plane = Decision(
        "the input is one plane under 3x3 filters at steps of 1",
        served,
        f"filters of {height}x{width} over {conv.input_channels} channels",
    )
    if not plane or not pools:
        return Refusal((pools, plane) if pools else (plane, pools))
    form = choose(epilogue_of(conv), NARROW_BITS)
    if isinstance(form, Refusal):
        return Refusal((pools, plane, *form.decisions))
    constants = DspConv2DConstants(
        inputs=DspInputsConstants.of(conv, wide=True),
        requantize=form.constants,
        output_channels=conv.output_channels,
        pixels=PIXELS,
        rest=0,
        simple=None,
        weights=words_of(_rows_of_words(conv, form)),
    )
    return replace(
        step,
        kernel=KERNEL,
        constants=DspConv2DMaxPool2DPlaneConstants(constants, layer.pool),
        rows=None,
        scratch_bytes=WORD_BYTES,
        decisions=(pools, plane, *form.decisions),
    )


def by_rows(step: Step, layer: Conv2DMaxPool2DConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time, from the four rows under a pooled row, each once."""
    made = match(step, layer)
    if isinstance(made, Refusal):
        return made
    window = RowWindow(layer.conv.window.input_height, 4, 2, 1, layer.conv.window.padding_top)
    found = replace(rows, function=f"{KERNEL.name}_row", windows=(window,))
    return iter((replace(made, rows=found, overlaps=(None,), scratch_bytes=0),))


def _rows_of_words(conv: Conv2DConstants, form: Requantize) -> Int64:
    """(channels, words) weights in pairs, the bias, and the numbers of the form."""
    flat = conv.weights.astype(np.int64).reshape(conv.output_channels, 9)
    w = np.moveaxis(flat.reshape(-1, 3, 3) << NARROW_BITS, 0, -1)
    pairs = [(w[0, 0], w[0, 1]), (w[1, 0], w[1, 1]), (w[2, 0], w[2, 1]), (w[0, 2], w[1, 2])]
    words = pairs_of(np.array([*pairs, (w[2, 2], np.zeros_like(w[2, 2]))]).transpose(2, 0, 1))
    bias = start_of(conv, form, NARROW_BITS)
    return np.concatenate([words[:, :3], bias[:, None], words[:, 3:], form.numbers.T], axis=1)
