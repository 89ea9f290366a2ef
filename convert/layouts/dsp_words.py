"""Weights of the DSP kernels as streams of words, in the order in which the kernels read them.

Biases come first, in which the input's zero point is folded, and the numbers of the requantization
last (``kernels/dsp/dot.h``, ``kernels/dsp/requantize.h``).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.layouts.dsp_requantize import COMMON_SHIFT, Int64, Output, Requantize, choose
from convert.proof import Proof

Fields = Mapping[str, Any]

NARROW_BITS = 8
"""Fraction bits of sums over narrow weights: halves hold 256 times a weight (dsp/dot.h)."""
SIMPLE_FORM = {
    "proven": 1, "up": 0, "kink": 0, "activation_minimum": -128, "activation_maximum": 127,
}  # fmt: skip
"""What dsp/image.h and dsp/block.h make of sums."""
LOWERED = 127
"""What every other input of a narrow step is lowered by (dsp/patch.h)."""


def output_of(fields: Fields, weights: Int64) -> Output:
    """What follows the sums of a layer with ``weights`` (channels, inputs)."""
    input_zero_point = -fields["input_offset"]
    output = fields["output"]
    bias = output["bias"].astype(np.int64)
    low, high = -128 - input_zero_point, 127 - input_zero_point
    positive = np.maximum(weights, 0).sum(axis=1)
    negative = np.minimum(weights, 0).sum(axis=1)
    return Output(
        offset=output["offset"],
        minimum=output["minimum"],
        maximum=output["maximum"],
        multipliers=output["multiplier"].astype(np.int64),
        shifts=output["shift"].astype(np.int64),
        lowest=bias + positive * low + negative * high,
        highest=bias + positive * high + negative * low,
    )


def weights_fit_pairs(flat: Int64) -> Proof:
    """Whether two weights of 8 bits fit one half of a word, as 256 * b1 + b0: none is -128."""
    count = int((flat <= -128).sum())
    return Proof("weights stay narrow", count == 0, f"{count:,} of {flat.size:,} weights are -128")


def has_simple_form(requantize: Requantize) -> bool:
    """Whether dsp/image.h and dsp/block.h have the form, but for its shift."""
    return all(requantize.fields[name] == number for name, number in SIMPLE_FORM.items())


def choose_bits(output: Output) -> tuple[Requantize, int] | None:
    """The form for weights of 16 bits, and their fraction bits: the simple one where there is one.

    Fewer fraction bits leave more to a line's factor, which then can be told more exactly.
    """
    found = None
    for bits in range(NARROW_BITS, 0, -1):
        requantize = choose(output, bits)
        if requantize is None:
            continue
        if has_simple_form(requantize) and requantize.fields["shift"] == COMMON_SHIFT:
            return requantize, bits
        found = found or (requantize, bits)
    return found


def narrow_stream(
    fields: Fields, flat: Int64, together: int
) -> tuple[NDArray[np.int32], Requantize] | None:
    """Biases, narrow weights and numbers; None where sums or weights do not fit."""
    requantize = choose(output_of(fields, flat), NARROW_BITS)
    if requantize is None or not weights_fit_pairs(flat):
        return None
    padded = to_whole_steps(flat)
    lowered = padded.reshape(len(flat), -1, 2, 2)[..., 1].sum(axis=(1, 2)) * LOWERED
    bias = biases(fields, flat, requantize, NARROW_BITS) + (lowered << NARROW_BITS)
    return interleave(bias, narrow_words(padded), requantize, together), requantize


def wide_stream(
    fields: Fields, flat: Int64, together: int
) -> tuple[NDArray[np.int32], Requantize] | None:
    """Biases, wide weights and numbers; None where sums do not fit."""
    found = choose_bits(output_of(fields, flat))
    if found is None:
        return None
    requantize, bits = found
    bias = biases(fields, flat, requantize, bits)
    return interleave(
        bias, wide_words(to_whole_steps(flat), bits), requantize, together
    ), requantize


def to_whole_steps(flat: Int64) -> Int64:
    """Zeros behind the inputs, to whole steps of four."""
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))


def biases(fields: Fields, flat: Int64, requantize: Requantize, bits: int) -> Int64:
    """(channels) what sums start from: the bias, less the input's zero point times all weights."""
    bias = fields["output"]["bias"].astype(np.int64) + fields["input_offset"] * flat.sum(axis=1)
    return np.asarray((bias << bits) + requantize.extra)


def narrow_words(padded: Int64) -> Int64:
    """(channels, steps) words of four bytes whose halves are the numbers 256 * b1 + b0."""
    bytes_ = padded.reshape(len(padded), -1, 2, 2)
    return paired(bytes_[..., 0] + 256 * bytes_[..., 1])


def wide_words(padded: Int64, bits: int) -> Int64:
    """(channels, pairs) weights 1 and 3, then 0 and 2, of each step as pairs, scaled."""
    bytes_ = (padded << bits).reshape(len(padded), -1, 2, 2)
    return paired(bytes_.transpose(0, 1, 3, 2)[:, :, ::-1]).reshape(len(padded), -1)


def paired(halves: Int64) -> Int64:
    """Words from (..., 2) halves, the lower first."""
    return np.asarray((halves[..., 0] & 0xFFFF) | (halves[..., 1] & 0xFFFF) << 16)


def interleave(
    bias: Int64, words: Int64, requantize: Requantize, together: int
) -> NDArray[np.int32]:
    """For each ``together`` channels: biases, weights, numbers, their words side by side."""
    rows = np.concatenate([bias[:, None], words, requantize.numbers.T], axis=1)
    missing = -len(rows) % together
    rows = np.concatenate([rows, np.zeros((missing, rows.shape[1]), np.int64)])
    groups = rows.reshape(-1, together, rows.shape[1]).transpose(0, 2, 1)
    return as_int32(groups)


def as_int32(values: Int64) -> NDArray[np.int32]:
    """Any whole numbers as 32-bit words, one after another."""
    return (values.ravel() & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
