"""A dense layer by dual 16-bit multiplications (``kernels/dsp/fully_connected.h``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.dsp import conv_2d
from glyphite.convert.compiler.targets.dsp.dot import narrow_stream
from glyphite.convert.compiler.targets.dsp.patch import DspWeights
from glyphite.convert.compiler.targets.dsp.requantize import DspRequantizeConstants
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.fully_connected import FullyConnectedConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

MOST_WIDE_INPUTS = 1024
"""Of a fully connected layer with weights of 16 bits."""


@dataclass(frozen=True, eq=False)
class DspFullyConnectedConstants(Struct):
    """``struct glyphite_dsp_fully_connected``."""

    C_NAME: ClassVar[str] = "dsp_fully_connected"

    rows: Int32
    """Input vectors, each multiplied with the same weights."""
    input_channels: Int32
    output_channels: Int32
    requantize: DspRequantizeConstants
    weights: DspWeights


KERNEL = Kernel("dsp/fully_connected.h", DspFullyConnectedConstants)


def match(step: Step, layer: FullyConnectedConstants) -> Step | Refusal:
    """The step with weights as they are; refused where they must be wide."""
    stream = narrow_stream(layer, layer.weights.astype(np.int64), 4)
    if isinstance(stream, Refusal):
        return stream
    constants = DspFullyConnectedConstants(
        rows=layer.rows,
        input_channels=layer.input_channels,
        output_channels=layer.output_channels,
        requantize=stream.requantize.constants,
        weights=stream.words,
    )
    # one vector is read whole before anything is written
    overlaps = (-layer.input_channels,) if layer.rows == 1 else step.overlaps
    return replace(
        step,
        kernel=KERNEL,
        constants=constants,
        overlaps=overlaps,
        rows=None,
        scratch_bytes=WORD_BYTES * 2 * -(-layer.input_channels // 4),
        decisions=stream.decisions,
    )


def match_wide(step: Step, layer: FullyConnectedConstants) -> Step | Refusal:
    """As a convolution with weights of 16 bits; not worth a copy of many inputs in memory."""
    if layer.input_channels > MOST_WIDE_INPUTS:
        name, detail = "a copy of the inputs pays", f"{layer.input_channels:,} inputs of 16 bits"
        return Refusal((Decision(name, False, detail, Basis.HEURISTIC),))
    conv = Conv2DConstants(
        window=WindowConstants.of_row(layer.rows),
        input_channels=layer.input_channels,
        output_channels=layer.output_channels,
        input_offset=layer.input_offset,
        weights=layer.weights,
        output=layer.output,
    )
    return conv_2d.match_wide(step, conv)
