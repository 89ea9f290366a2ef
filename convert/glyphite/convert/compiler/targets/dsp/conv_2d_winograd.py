"""3x3 convolution by Winograd's tiles (``kernels/dsp/conv_2d_winograd.h``)."""

from dataclasses import replace

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.dsp.winograd import (
    DspConv2DWinogradConstants,
    transformed,
    winograd_pays,
)
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants

KERNEL = Kernel("dsp/conv_2d_winograd.h", DspConv2DWinogradConstants)


def match(step: Step, conv: Conv2DConstants) -> Step | Refusal:
    """The step over whole tensors: 3x3 filters at steps of 1, where tiles cover the output well.

    The weights become 3.6 times as large.
    """
    window = conv.window
    made = transformed(conv, -(-window.output_width // 2))
    if isinstance(made, Refusal):
        return made
    pays = winograd_pays(window)
    if not pays:
        return Refusal((made.decisions[0], pays))
    row_bytes = window.output_width * conv.output_channels
    odd = WORD_BYTES * -(-row_bytes // 4) if window.output_height % 2 else 0
    return replace(
        step,
        kernel=KERNEL,
        constants=made.constants,
        # rows are made in pairs, so that the second is written one row early
        overlaps=tuple(None if known is None else known + row_bytes for known in step.overlaps),
        window_rows=4,
        rows=None,
        scratch_bytes=made.scratch_bytes(conv.input_channels) + odd,
        decisions=(made.decisions[0], pays, *made.decisions[1:]),
    )
