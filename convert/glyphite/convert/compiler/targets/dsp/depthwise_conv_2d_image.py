"""3x3 depthwise convolution, an image at a time (``kernels/dsp/depthwise_conv_2d_image.h``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Decision, Refusal, unmet
from glyphite.convert.compiler.ir.kernel import Kernel, Sharing
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.depthwise_conv_2d import (
    DepthwiseLayer,
    DspDepthwiseConv2DConstants,
    laid_out,
)
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

IMAGE_BELOW = 1020
"""GLYPHITE_IMAGE_BELOW of dsp/image.h."""


@dataclass(frozen=True, eq=False)
class DspDepthwiseConv2DImageConstants(Struct):
    """``struct glyphite_dsp_depthwise_conv_2d_image``."""

    C_NAME: ClassVar[str] = "dsp_depthwise_conv_2d_image"

    conv: DspDepthwiseConv2DConstants


KERNEL = Kernel(
    "dsp/depthwise_conv_2d_image.h",
    DspDepthwiseConv2DImageConstants,
    sharing=Sharing(most_equal_copies=1),
)


def match(step: Step, layer: DepthwiseConv2DConstants) -> Step | Refusal:
    """The step over whole tensors: stride 1 or 2, and an epilogue of the simplest form."""
    window = layer.window
    if window.stride not in ((1, 1), (2, 2)):
        detail = f"strides of {window.stride_height}x{window.stride_width}; 1x1 and 2x2 are served"
        return Refusal((Decision("images go by steps of 1 or 2", False, detail),))
    made = laid_out(layer, by_pairs=True)
    if isinstance(made, Refusal):
        return made
    refused = unmet(_conditions(window, made))
    if refused is not None:
        return Refusal((*made.decisions, *refused.decisions))
    height = window.output_height
    pairs = height + 1 if window.stride_height == 2 else (height + 3) // 2
    return replace(
        step,
        kernel=KERNEL,
        constants=DspDepthwiseConv2DImageConstants(made.constants),
        overlaps=tuple(None for _ in step.overlaps),
        rows=None,
        scratch_bytes=WORD_BYTES * 4 * _columns(window) * pairs,
        decisions=made.decisions,
    )


def _conditions(window: WindowConstants, made: DepthwiseLayer) -> Iterator[Decision]:
    if not made.constants.requantize.is_simple:
        yield Decision("the epilogue is simple", False, "its line has a kink, a shift or a clamp")
    reach = 16 * _columns(window)
    if reach > IMAGE_BELOW:
        detail = f"{reach:,} bytes from a row to the one below; up to {IMAGE_BELOW:,} are served"
        yield Decision("rows of an image are near", False, detail)


def _columns(window: WindowConstants) -> int:
    return (window.output_width - 1) * window.stride_height + 3
