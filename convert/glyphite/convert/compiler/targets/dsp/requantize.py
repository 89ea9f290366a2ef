"""Requantization for the DSP kernels: the proof that two instructions do, and the exact form.

TensorFlow Lite Micro rounds a sum twice (``requantize`` of ``ir/fixed_point.py``). As a function of
the sum that is a staircase of at most 255 steps. A straight line that passes every step between the
same two sums gives the same bytes: here ``(sum * 2**bits + extra) * multiplier``, rounded down to
units of the output. Below zero TensorFlow Lite Micro rounds halves the other way, so that the line
has a kink there: what is negative is lowered. The twin is ``kernels/dsp/requantize.h``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, INT32_MIN
from glyphite.convert.compiler.ir.proof import Proof

Int64 = NDArray[np.int64]

EXTRAS_TRIED = 24
"""How far from the ideal line's offset lines are tried, to either side."""
COMMON_SHIFT = 8
"""What is tried first, so that layers have it in common."""
SHIFTS_TRIED = 2
MOST_UP = 4
"""By how many bits sums are shifted up, for lines that differ by less."""
LARGEST_SHIFT = 22
"""Of the output's unit: 255 of them times 2**32 are within 63 bits."""


@dataclass(frozen=True)
class Output:
    """What a layer does with the sums of its channels; arrays are (channels)."""

    offset: int
    minimum: int
    maximum: int
    multipliers: Int64
    shifts: Int64
    lowest: Int64
    """The least sum that a channel can have, in whole units, bias included."""
    highest: Int64

    def byte(self, sums: Int64) -> Int64:
        """TensorFlow Lite Micro's output (channels, n) for ``sums`` (channels, n).

        Every shift is to the right here, that is, none is positive.
        """
        right = -self.shifts[:, None]
        product = (sums * self.multipliers[:, None] + 2**30) >> 31
        mask = (np.int64(1) << right) - 1
        up = (product & mask) > (mask >> 1) + (product < 0)
        rounded = (product >> right) + up + self.offset
        return np.asarray(np.clip(rounded, self.minimum, self.maximum))


@dataclass(frozen=True)
class Requantize:
    """The fields of ``struct glyphite_dsp_requantize``, and each channel's numbers."""

    fields: dict[str, Any]
    extra: Int64
    """To be added to each channel's bias, in units of the sum; (channels)."""
    numbers: Int64
    """(numbers, channels), as requantize.h lists them."""


def choose(output: Output, fraction_bits: int) -> Requantize | None:
    """The cheapest form that gives TensorFlow Lite Micro's bytes; None where none does.

    Sums come in units of 1 / 2**fraction_bits.
    """
    if not shifts_fit(output) or not sums_fit(output, fraction_bits):
        return None
    for up in range(MOST_UP + 1):
        found = prove(output, fraction_bits, up) if sums_fit(output, fraction_bits + up) else None
        if found is not None:
            return found
    return exact(output, fraction_bits)


def prove(output: Output, fraction_bits: int, up: int = 0) -> Requantize | None:
    """The form of one line a channel, where every channel has one."""
    stairs = staircase(output)
    bits = fraction_bits + up
    most = min(int((-output.shifts).min()) + bits - 1, LARGEST_SHIFT)
    shifts = range(most, max(most - SHIFTS_TRIED, 0), -1)
    for shift in (*[COMMON_SHIFT] * (most >= COMMON_SHIFT), *shifts):
        lines = _lines(output, bits, shift, stairs)
        if lines is not None:
            extra, multipliers, lowered = lines.T
            kink = int(np.any(lowered))
            fields = _fields(output, fraction_bits, proven=1, shift=shift, up=up, kink=kink)
            numbers = [multipliers, *[extra] * (up > 0), *[lowered] * kink]
            return Requantize(fields, extra * (up == 0), np.stack(numbers))
    return None


def exact(output: Output, fraction_bits: int) -> Requantize:
    """The form that rounds twice; each channel's factor is less than a half."""
    right = -output.shifts
    addends = (output.offset << right) + (np.int64(1) << (right - 1))
    fields = _fields(output, fraction_bits, proven=0, shift=1, up=0, kink=0)
    numbers = np.stack([output.multipliers, addends, right])
    return Requantize(fields, np.zeros_like(right), numbers)


def sums_fit(output: Output, bits: int) -> Proof:
    """Whether all sums fit 32 bits in units of 1 / 2**bits, with four units to spare."""
    limit = 2 ** (31 - bits) - 4
    low, high = int(output.lowest.min()), int(output.highest.max())
    return Proof(
        f"sums fit 32 bits in units of 1/{1 << bits}" if bits else "sums fit 32 bits",
        -limit < low and high < limit,
        f"{low:,} to {high:,}, within ±{limit - 1:,}",
    )


def shifts_fit(output: Output) -> Proof:
    """Whether every channel is scaled down, and by no more than the kernels can shift."""
    right = -output.shifts
    low, high = int(right.min()), int(right.max())
    return Proof(
        "shifts are served",
        low >= 1 and high <= LARGEST_SHIFT,
        f"shifts to the right are {low} to {high}; 1 to {LARGEST_SHIFT} are served",
    )


def one_rounding(output: Output, form: Mapping[str, Any] | None) -> Proof:
    """Whether one line a channel gives the bytes of two roundings, as ``form`` has it.

    ``form``: the fields of ``struct glyphite_dsp_requantize`` that :func:`choose` made, if any.
    """
    name = "one rounding gives the bytes of two"
    if form is None or not form["proven"]:
        return Proof(name, False, "no line was found that passes every step of every channel")
    kink = ", lowered below zero" if form["kink"] else ""
    up = f", of sums shifted up by {form['up']}" if form["up"] else ""
    return Proof(name, True, f"a line for each of {len(output.multipliers)} channels{up}{kink}")


def no_clamp(minimum: int, maximum: int) -> Proof:
    """Whether saturation to a byte is all that the activation asks for."""
    return Proof(
        "no clamp beside saturation",
        (minimum, maximum) == (-128, 127),
        f"outputs are {minimum} to {maximum}",
    )


def staircase(output: Output) -> Int64:
    """(channels, values) the least sum in reach that gives minimum + 1, minimum + 2, ... maximum.

    A value that the least sum gives, or that the largest does not, has ``highest + 1``: no step.
    """
    values = np.arange(output.minimum + 1, output.maximum + 1)
    lowest, highest = output.lowest[:, None], output.highest[:, None]
    below = np.broadcast_to(lowest, (len(lowest), len(values))).astype(np.int64)
    reached = np.broadcast_to(highest, below.shape).astype(np.int64)
    is_step = (output.byte(below) < values) & (output.byte(reached) >= values)
    while np.any(reached - below > 1):
        middle = (below + reached) // 2
        enough = output.byte(middle) >= values
        below, reached = np.where(enough, below, middle), np.where(enough, middle, reached)
    return np.where(is_step, reached, highest + 1)


def _fields(output: Output, fraction_bits: int, *, shift: int, **form: int) -> dict[str, Any]:
    return {
        **form,
        "fraction_bits": fraction_bits,
        "shift": shift,
        "addend": _addend(output, shift),
        "activation_minimum": output.minimum,
        "activation_maximum": output.maximum,
    }


def _addend(output: Output, shift: int) -> int:
    """The output's zero point, and the half for rounding."""
    return (output.offset << shift) + (1 << (shift - 1))


def _lines(output: Output, bits: int, shift: int, stairs: Int64) -> Int64 | None:
    """(channels, 3) extra, multiplier and kink of lines that give every channel's bytes."""
    lines = np.zeros((len(stairs), 3), np.int64)
    for channel, sums in enumerate(stairs):
        line = _line(output, channel, bits, shift, sums)
        if line is None:
            return None
        lines[channel] = line
    return lines if _same_bytes(output, bits, shift, lines, stairs) else None


def _line(
    output: Output, channel: int, bits: int, shift: int, stairs: Int64
) -> tuple[int, int, int] | None:
    """(extra, multiplier, kink) of a line that passes a channel's steps, or None."""
    is_step = stairs <= output.highest[channel]
    sums = stairs[is_step]
    values = np.arange(output.minimum + 1, output.maximum + 1)[is_step] - output.offset
    bounds = (values << (32 + shift)) - (np.int64(1) << (31 + shift))
    right = -int(output.shifts[channel])
    ideal = float(output.multipliers[channel]) * 2.0 ** (1 + shift - right - bits)
    if ideal < 1:
        return None
    middle = round(2.0 ** (31 + shift - right) / ideal)
    kinks = _near(2 * middle) if np.any(sums - 1 < 0) and np.any(bounds < 0) else [0]
    for extra in _near(middle):
        above = _multipliers(bounds, sums, bits, extra)
        for kink in kinks if above[0] <= above[1] else []:
            below = _multipliers_below(bounds, sums, bits, extra - kink)
            low, high = max(above[0], below[0]), min(above[1], below[1])
            if low <= high:
                return extra, min(max(round(ideal), low), high), kink
    return None


def _near(middle: int) -> list[int]:
    """Whole numbers about one, the nearest first."""
    return [middle + d for d in sorted(range(-EXTRAS_TRIED, EXTRAS_TRIED + 1), key=abs)]


def _multipliers(bounds: Int64, sums: Int64, bits: int, extra: int) -> tuple[int, int]:
    """The least and the largest m that fit the steps at sums of 0 and more.

    At a step's sum, x * m must reach its bound, x = sum * 2**bits + extra; at the sum before, not.
    """
    at = (sums << bits) + extra
    before = at - (1 << bits)
    low = -(-bounds[sums >= 0] // at[sums >= 0])
    under = (before > 0) & (sums > 0)
    high = (bounds[under] - 1) // before[under]
    return int(np.max(low, initial=0)), int(np.min(high, initial=INT32_MAX))


def _multipliers_below(bounds: Int64, sums: Int64, bits: int, extra: int) -> tuple[int, int]:
    """The same for sums below 0, where both sides are negative."""
    at = -((sums << bits) + extra)
    before = at + (1 << bits)
    high = -bounds[sums < 0] // at[sums < 0]
    low = -bounds[sums <= 0] // before[sums <= 0] + 1
    return int(np.max(low, initial=0)), int(np.min(high, initial=INT32_MAX))


def _same_bytes(output: Output, bits: int, shift: int, lines: Int64, stairs: Int64) -> bool:
    """Whether the lines give the right bytes at both ends and on both sides of each step and of 0.

    Both functions rise with the sum, so that these sums stand for all between them.
    """
    lowest, highest = output.lowest[:, None], output.highest[:, None]
    zero = np.zeros_like(lowest)
    places = np.concatenate([lowest, highest, stairs, stairs - 1, zero, zero - 1], axis=1)
    sums = np.clip(places, lowest, highest)
    found = np.clip(evaluate(output, bits, shift, lines, sums), -128, 127)
    right = np.clip(found, output.minimum, output.maximum) == output.byte(sums)
    inputs = line_inputs(bits, lines, sums)
    products = (inputs * lines[:, 1:2] >> 32) + _addend(output, shift)
    low, high = np.minimum(inputs, products), np.maximum(inputs, products)
    return bool(np.all(right) and np.all(low >= INT32_MIN) and np.all(high <= INT32_MAX))


def line_inputs(bits: int, lines: Int64, sums: Int64) -> Int64:
    """What a proven form multiplies: sums (channels, n) with extra, lowered below 0."""
    raised = (sums << bits) + lines[:, :1]
    return np.asarray(np.where(raised < 0, raised - lines[:, 2:], raised))


def evaluate(output: Output, bits: int, shift: int, lines: Int64, sums: Int64) -> Int64:
    """What requantize.h makes of ``sums`` (channels, n) by a proven form, before it clamps.

    ``lines`` (channels, 3) are extra, multiplier and kink.
    """
    products = line_inputs(bits, lines, sums) * lines[:, 1:2] >> 32
    return np.asarray((products + _addend(output, shift)) >> shift)
