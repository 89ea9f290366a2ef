"""3x3 depthwise convolution by single rows (``kernels/dsp/depthwise_conv_2d.h``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.kernel import Kernel, Sharing
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.patch import DspInputsConstants, DspWeights
from glyphite.convert.compiler.targets.dsp.requantize import DspRequantizeConstants, choose_bits
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES, interleave, pairs_of, start_of
from glyphite.convert.compiler.targets.epilogue import Int64, epilogue_of, flat_weights
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class DspDepthwiseConv2DConstants(Struct):
    """``struct glyphite_dsp_depthwise_conv_2d``."""

    C_NAME: ClassVar[str] = "dsp_depthwise_conv_2d"

    inputs: DspInputsConstants
    requantize: DspRequantizeConstants
    weights: DspWeights


SHARING = Sharing(most_equal_copies=4)
KERNEL = Kernel("dsp/depthwise_conv_2d.h", DspDepthwiseConv2DConstants, sharing=SHARING)


@dataclass(frozen=True)
class DepthwiseLayer:
    """A depthwise convolution with its weights laid out."""

    constants: DspDepthwiseConv2DConstants
    decisions: tuple[Decision, ...]


def match(step: Step, layer: DepthwiseConv2DConstants) -> Step | Refusal:
    """The step over whole tensors, a row of outputs at a time."""
    made = laid_out(layer, by_pairs=False)
    if isinstance(made, Refusal):
        return made
    return replace(
        step,
        kernel=KERNEL,
        constants=made.constants,
        overlaps=row_overlaps(step, layer),
        rows=None,
        scratch_bytes=scratch_bytes(layer.window),
        decisions=made.decisions,
    )


def by_rows(step: Step, layer: DepthwiseConv2DConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time."""
    made = match(step, layer)
    if isinstance(made, Refusal):
        return made
    found = replace(rows, function=f"{KERNEL.name}_row", overlaps=(None,))
    return iter((replace(made, rows=found, overlaps=(None,)),))


def laid_out(layer: DepthwiseConv2DConstants, *, by_pairs: bool) -> DepthwiseLayer | Refusal:
    """The weights in the order of a kernel that makes rows singly, or in pairs."""
    served = depthwise_3x3(layer)
    if not served:
        return Refusal((served,))
    found = choose_bits(epilogue_of(layer))
    if isinstance(found, Refusal):
        return Refusal((served, *found.decisions))
    form, bits = found
    filters = flat_weights(layer).reshape(layer.input_channels, 3, 3) << bits
    words = _words(filters, by_pairs=by_pairs)
    constants = DspDepthwiseConv2DConstants(
        inputs=DspInputsConstants.of(layer, wide=True),
        requantize=form.constants,
        weights=interleave(start_of(layer, form, bits), words, form, 1),
    )
    return DepthwiseLayer(constants, (served, *form.decisions))


def depthwise_3x3(layer: DepthwiseConv2DConstants) -> Decision:
    """Whether each channel has one filter of 3x3, and channels come in fours."""
    channels, outputs = layer.input_channels, layer.output_channels
    kernel, dilation = layer.window.kernel, layer.window.dilation
    fours = channels % 4 == 0 and outputs == channels
    return Decision(
        "depthwise filters are 3x3",
        kernel == (3, 3) and dilation == (1, 1) and fours,
        f"filters of {kernel[0]}x{kernel[1]}, dilation {dilation[0]}x{dilation[1]}, "
        f"{channels} channels to {outputs}",
    )


def row_overlaps(step: Step, layer: DepthwiseConv2DConstants) -> tuple[int | None, ...]:
    """Each row is written four channels at a time, so that all its inputs must outlive it; and
    rows that are made in pairs are written one row early."""
    row_bytes = layer.window.output_width * layer.output_channels
    return tuple(None if known is None else known + 2 * row_bytes for known in step.overlaps)


def scratch_bytes(window: WindowConstants) -> int:
    """Columns of inputs of four channels, each as two words."""
    return WORD_BYTES * 8 * ((window.output_width - 1) * window.stride_width + 3)


def _words(filters: Int64, *, by_pairs: bool) -> Int64:
    """(channels, words) filters (channels, 3, 3) in the order of the two kernels."""
    upper = pairs_of(filters[:, :2].transpose(0, 2, 1))
    if by_pairs:
        lower = pairs_of(filters[:, 1:].transpose(0, 2, 1))
        return np.stack([upper, lower], axis=2).reshape(len(filters), -1)
    last = np.pad(filters[:, 2], ((0, 0), (0, 1))).reshape(len(filters), 2, 2)
    return np.concatenate([upper, pairs_of(last)], axis=1)
