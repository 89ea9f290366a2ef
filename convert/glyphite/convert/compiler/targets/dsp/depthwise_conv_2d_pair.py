"""3x3 depthwise convolution two rows at a time (``kernels/dsp/depthwise_conv_2d_pair.h``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.depthwise_conv_2d import (
    SHARING,
    DspDepthwiseConv2DConstants,
    laid_out,
    row_overlaps,
    scratch_bytes,
)
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants


@dataclass(frozen=True, eq=False)
class DspDepthwiseConv2DPairConstants(Struct):
    """``struct glyphite_dsp_depthwise_conv_2d_pair``."""

    C_NAME: ClassVar[str] = "dsp_depthwise_conv_2d_pair"

    conv: DspDepthwiseConv2DConstants


KERNEL = Kernel("dsp/depthwise_conv_2d_pair.h", DspDepthwiseConv2DPairConstants, sharing=SHARING)


def match(step: Step, layer: DepthwiseConv2DConstants) -> Step | Refusal:
    """The step over whole tensors, where rows overlap as far as pairs of them need."""
    window = layer.window
    if window.stride_height != 1:
        detail = f"a stride of {window.stride_height} along the height; 1 is served"
        return Refusal((Decision("rows are made in pairs", False, detail),))
    made = laid_out(layer, by_pairs=True)
    if isinstance(made, Refusal):
        return made
    row_bytes = window.output_width * layer.output_channels
    odd = WORD_BYTES * -(-row_bytes // 4) if window.output_height % 2 else 0
    return replace(
        step,
        kernel=KERNEL,
        constants=DspDepthwiseConv2DPairConstants(made.constants),
        overlaps=row_overlaps(step, layer),
        window_rows=4,
        rows=None,
        scratch_bytes=scratch_bytes(window) + odd,
        decisions=made.decisions,
    )
