"""What the constants of all DSP kernels with weights are made of (``kernels/dsp``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.requantize import (
    COMMON_SHIFT,
    Int64,
    Output,
    Requantize,
    choose,
)

Fields = Mapping[str, Any]

SIDES = ("height", "width")
NARROW_BITS = 8
"""Fraction bits of sums over narrow weights: halves hold 256 times a weight (dsp/dot.h)."""
SIMPLE_FORM = {
    "proven": 1, "up": 0, "kink": 0, "activation_minimum": -128, "activation_maximum": 127,
}  # fmt: skip
"""What dsp/image.h and dsp/block.h make of sums."""


@dataclass(frozen=True, eq=False)
class Variant:
    """A call of ``glyphite_<kernel>(&layer, input, output, scratch)``."""

    kernel: str
    fields: Fields
    scratch_words: int
    """Words of 4 bytes that the kernel writes while it runs, at a multiple of 4."""


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


def is_simple(requantize: Fields) -> bool:
    """Whether the fields of ``struct glyphite_dsp_requantize`` are SIMPLE_FORM's, any shift."""
    return all(requantize[name] == number for name, number in SIMPLE_FORM.items())


def choose_bits(output: Output) -> tuple[Requantize, int] | None:
    """The form for weights of 16 bits, and their fraction bits: the simple one where there is one.

    Fewer fraction bits leave more to a line's factor, which then can be told more exactly.
    """
    found = None
    for bits in range(NARROW_BITS, 0, -1):
        requantize = choose(output, bits)
        if requantize is None:
            continue
        if is_simple(requantize.fields) and requantize.fields["shift"] == COMMON_SHIFT:
            return requantize, bits
        found = found or (requantize, bits)
    return found


def weights_fit_pairs(flat: Int64) -> Proof:
    """Whether two weights of 8 bits fit one half of a word, as 256 * b1 + b0: none is -128."""
    count = int((flat <= -128).sum())
    return Proof("weights stay narrow", count == 0, f"{count:,} of {flat.size:,} weights are -128")


def inputs_of(fields: Fields, *, wide: bool) -> dict[str, Any]:
    """The fields of ``struct glyphite_dsp_inputs``."""
    channels = fields["input_channels"]
    columns = fields["window"]["kernel_width"] if channels % 4 else 1
    return {
        "window": fields["window"],
        "channels": channels,
        "wide": int(wide),
        "padding": np.full(columns * channels, -fields["input_offset"], np.int8),
    }


def in_order(weights: NDArray[np.int8]) -> Int64:
    """(channels, inputs) filters (channels, height, width, depth) in the order of dsp/patch.h."""
    rows = weights.astype(np.int64).reshape(*weights.shape[:2], -1)
    whole = rows.shape[-1] // 4 * 4
    parts = (rows[..., :whole], rows[..., whole:])
    return np.concatenate([part.reshape(len(rows), -1) for part in parts], axis=1)


def gather_words(fields: Fields) -> int:
    """Scratch memory in which dsp/patch.h puts inputs together whose channels are no words."""
    if fields["input_channels"] % 4 == 0:
        return 0
    window = fields["window"]
    words, left = divmod(window["kernel_width"] * fields["input_channels"], 4)
    return int(-(-window["kernel_height"] * left // 4) + words + (left > 0))


def sides_of(fields: Fields, name: str) -> str:
    """A size along height and width, as "2x2"."""
    return "x".join(str(fields[f"{name}_{side}"]) for side in SIDES)


def start_of(fields: Fields, flat: Int64, requantize: Requantize, bits: int) -> Int64:
    """(channels) what sums start from: the bias, less the input's zero point times all weights."""
    bias = fields["output"]["bias"].astype(np.int64) + fields["input_offset"] * flat.sum(axis=1)
    return np.asarray((bias << bits) + requantize.extra)


def pairs_of(halves: Int64) -> Int64:
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
    return words_of(groups)


def words_of(values: Int64) -> NDArray[np.int32]:
    """Any whole numbers as 32-bit words, one after another."""
    return (values.ravel() & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
