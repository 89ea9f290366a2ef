"""Weights as ``kernels/dsp/dot.h`` multiplies them: narrow, of 8 bits, or wide, of 16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.targets.dsp.patch import LOWERED
from glyphite.convert.compiler.targets.dsp.requantize import (
    NARROW_BITS,
    Requantize,
    choose,
    choose_bits,
)
from glyphite.convert.compiler.targets.dsp.words import interleave, pairs_of, start_of
from glyphite.convert.compiler.targets.epilogue import Int64, Weighted, epilogue_of


@dataclass(frozen=True)
class Stream:
    """A layer's biases, weights and numbers in the order in which a kernel reads them."""

    words: NDArray[np.int32]
    requantize: Requantize
    wide: bool
    decisions: tuple[Decision, ...]
    """What was asked of the weights and sums."""


def weights_fit_pairs(flat: Int64) -> Decision:
    """Whether two weights of 8 bits fit one half of a word, as 256 * b1 + b0: none is -128."""
    count = int((flat <= -128).sum())
    detail = f"{count:,} of {flat.size:,} weights are -128"
    return Decision("weights stay narrow", count == 0, detail)


def narrow_stream(layer: Weighted, flat: Int64, together: int) -> Stream | Refusal:
    """Weights of 8 bits, for so many channels at a time; ``flat`` (channels, inputs) are in the
    kernel's order."""
    fits = weights_fit_pairs(flat)
    if not fits:
        return Refusal((fits,))
    form = choose(epilogue_of(layer), NARROW_BITS)
    if isinstance(form, Refusal):
        return Refusal((fits, *form.decisions))
    padded = _padded(flat)
    lowered = padded.reshape(len(flat), -1, 2, 2)[..., 1].sum(axis=(1, 2)) * LOWERED
    bias = start_of(layer, form, NARROW_BITS) + (lowered << NARROW_BITS)
    words = interleave(bias, _narrow(padded), form, together)
    return Stream(words, form, False, (fits, *form.decisions))


def wide_stream(layer: Weighted, flat: Int64, together: int) -> Stream | Refusal:
    """Weights of 16 bits, which take no instructions to widen."""
    found = choose_bits(epilogue_of(layer))
    if isinstance(found, Refusal):
        return found
    form, bits = found
    words = interleave(start_of(layer, form, bits), wide(_padded(flat), bits), form, together)
    return Stream(words, form, True, form.decisions)


def _padded(flat: Int64) -> Int64:
    """Zeros behind the inputs, to whole steps of four."""
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))


def _narrow(padded: Int64) -> Int64:
    """(channels, steps) words of four bytes whose halves are the numbers 256 * b1 + b0."""
    bytes_ = padded.reshape(len(padded), -1, 2, 2)
    return pairs_of(bytes_[..., 0] + 256 * bytes_[..., 1])


def wide(padded: Int64, bits: int) -> Int64:
    """(channels, pairs) weights 1 and 3, then 0 and 2, of each step as pairs, scaled."""
    bytes_ = (padded << bits).reshape(len(padded), -1, 2, 2)
    return pairs_of(bytes_.transpose(0, 1, 3, 2)[:, :, ::-1]).reshape(len(padded), -1)
