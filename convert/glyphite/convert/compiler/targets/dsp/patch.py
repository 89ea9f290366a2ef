"""The twin of ``kernels/dsp/patch.h``: im2col, the inputs of a block of pixels side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.struct import CType, Int32, Struct
from glyphite.convert.compiler.targets.epilogue import Int64
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

LOWERED = 127
"""What every other input of a narrow step is lowered by."""

DspWeights = Annotated[NDArray[np.int32], CType("const int32_t *")]
"""Biases, weights and numbers of all channels, as each kernel's header lists them."""


@dataclass(frozen=True, eq=False)
class DspWindowConstants(WindowConstants):
    """``struct glyphite_window`` where a DSP kernel's loops count by it."""

    SIZES: ClassVar[tuple[str, ...]] = tuple(field.name for field in fields(WindowConstants))


@dataclass(frozen=True, eq=False)
class DspInputsConstants(Struct):
    """``struct glyphite_dsp_inputs``."""

    C_NAME: ClassVar[str] = "dsp_inputs"
    SELECTS: ClassVar[tuple[str, ...]] = ("wide",)
    SIZES: ClassVar[tuple[str, ...]] = ("channels",)

    window: WindowConstants
    channels: Int32
    wide: Int32
    """1 where weights have 16 bits: see dot.h."""
    padding: Annotated[NDArray[np.int8], CType("const int8_t *")]
    """Zero points: (channels), or a kernel row of them where channels are no multiple of four."""

    @classmethod
    def of(
        cls, layer: Conv2DConstants | DepthwiseConv2DConstants, *, wide: bool
    ) -> DspInputsConstants:
        """Of a layer's inputs."""
        channels, window = layer.input_channels, layer.window
        columns = window.kernel_width if channels % 4 else 1
        padding = np.full(columns * channels, -layer.input_offset, np.int8)
        return cls(DspWindowConstants(**vars(window)), channels, int(wide), padding)


def in_order(weights: NDArray[np.int8]) -> Int64:
    """(channels, inputs) filters (channels, height, width, depth) in the order of the patch."""
    rows = weights.astype(np.int64).reshape(*weights.shape[:2], -1)
    whole = rows.shape[-1] // 4 * 4
    parts = (rows[..., :whole], rows[..., whole:])
    return np.concatenate([part.reshape(len(rows), -1) for part in parts], axis=1)


def im2col_words(layer: Conv2DConstants) -> int:
    """Scratch words in which inputs are put together whose channels fill no words."""
    if layer.input_channels % 4 == 0:
        return 0
    window = layer.window
    words, left = divmod(window.kernel_width * layer.input_channels, 4)
    return int(-(-window.kernel_height * left // 4) + words + (left > 0))
