"""Winograd's F(2x2, 3x3) in whole numbers (``kernels/dsp/winograd.h``): weights, and conditions.

The transforms of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), with
both factors of 1/2 left to the requantization.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.dsp.block import fewest_instructions
from glyphite.convert.compiler.targets.dsp.dot import wide
from glyphite.convert.compiler.targets.dsp.patch import DspInputsConstants, DspWeights
from glyphite.convert.compiler.targets.dsp.requantize import DspRequantizeConstants, choose
from glyphite.convert.compiler.targets.dsp.words import WORD_BYTES, interleave, start_of
from glyphite.convert.compiler.targets.epilogue import Int64, epilogue_of, sums_fit
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

G_TWICE = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
"""Twice the matrix G of F(2x2, 3x3), in whole numbers."""
TRANSFORM_BITS = 2
"""Fraction bits that the two factors of 2 make."""
WINOGRAD_BITS = 6
"""Those of Winograd's sums: 16 times a transformed weight, which is within 9 * 128, fits."""
WINOGRAD_PAYS = 0.75
"""Winograd's multiplications over a direct convolution's, above which its transforms eat the gain:
where few tiles cover few outputs."""


@dataclass(frozen=True, eq=False)
class DspConv2DWinogradConstants(Struct):
    """``struct glyphite_dsp_conv_2d_winograd``."""

    C_NAME: ClassVar[str] = "dsp_conv_2d_winograd"
    SELECTS: ClassVar[tuple[str, ...]] = ("tiles",)

    inputs: DspInputsConstants
    requantize: DspRequantizeConstants
    output_channels: Int32
    tiles: Int32
    """That are computed at a time."""
    weights: DspWeights


@dataclass(frozen=True)
class WinogradLayer:
    """A convolution in Winograd's form."""

    constants: DspConv2DWinogradConstants
    decisions: tuple[Decision, ...]

    def scratch_bytes(self, input_channels: int) -> int:
        """Transformed inputs and sums of the tiles that are computed at a time."""
        return WORD_BYTES * 16 * self.constants.tiles * (2 + input_channels // 2)


def transformed(conv: Conv2DConstants, tiles: int) -> WinogradLayer | Refusal:
    """The layer in Winograd's form, with rows of so many tiles of 2x2 outputs."""
    is_exact = winograd_exact(conv)
    if not is_exact:
        return Refusal((is_exact,))
    form = choose(epilogue_of(conv), WINOGRAD_BITS)
    if isinstance(form, Refusal):
        return Refusal((is_exact, *form.decisions))
    weights = conv.weights.astype(np.int64)
    places = transform(weights) << (WINOGRAD_BITS - TRANSFORM_BITS)
    words = wide(places.reshape(conv.output_channels, -1), 0)
    constants = DspConv2DWinogradConstants(
        inputs=DspInputsConstants.of(conv, wide=True),
        requantize=form.constants,
        output_channels=conv.output_channels,
        tiles=fewest_instructions(tiles, conv.input_channels // 4, None),
        weights=interleave(start_of(conv, form, WINOGRAD_BITS), words, form, 2),
    )
    return WinogradLayer(constants, (is_exact, *form.decisions))


def transform(weights: Int64) -> Int64:
    """4 * G g G^T: (channels, 3, 3, inputs) filters as (channels, 16, inputs)."""
    channels, _, _, inputs = weights.shape
    turned = np.einsum("ph,chwi,qw->cpqi", G_TWICE, weights, G_TWICE)
    return np.asarray(turned.reshape(channels, 16, inputs))


def is_3x3(window: WindowConstants) -> bool:
    """Whether the filter is 3x3, with stride and dilation 1."""
    return window.kernel == (3, 3) and window.stride == window.dilation == (1, 1)


def winograd_exact(conv: Conv2DConstants) -> Decision:
    """Whether Winograd's sums are a convolution's, to the last bit: nothing is rounded or cut off.

    Transformed inputs are sums of four bytes; transformed weights have to fit 16 bits, and what is
    left of the sums at the end, 32.
    """
    name = "Winograd is exact"
    if not is_3x3(conv.window):
        return Decision(name, False, "filters of 3x3 at steps of 1 are served")
    if conv.output_channels % 2 or conv.input_channels % 4:
        counts = f"{conv.input_channels} to {conv.output_channels} channels"
        return Decision(name, False, f"{counts}; multiples of 4 to multiples of 2 are served")
    weights = conv.weights.astype(np.int64)
    largest = int(np.abs(transform(weights)).max()) << (WINOGRAD_BITS - TRANSFORM_BITS)
    sums = sums_fit(epilogue_of(conv), WINOGRAD_BITS)
    return Decision(
        name,
        largest < 2**15 and sums.holds,
        f"transformed weights reach {largest:,} of {2**15 - 1:,}"
        + ("" if sums else f"; {sums.detail}"),
    )


def winograd_pays(window: WindowConstants) -> Decision:
    """By multiplications: 16 for a tile of 2x2 outputs, against 9 for an output."""
    height, width = window.output
    ratio = 16 * -(-height // 2) * -(-width // 2) / (9 * height * width)
    return Decision(
        "Winograd pays",
        ratio <= WINOGRAD_PAYS,
        f"{ratio:.2f} of the multiplications; its transforms leave a gain up to {WINOGRAD_PAYS}",
        Basis.HEURISTIC,
    )
