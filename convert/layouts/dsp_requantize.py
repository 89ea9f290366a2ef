"""Requantization for the DSP kernels: the proof that two instructions do, and the exact form.

TensorFlow Lite Micro rounds a sum twice (:func:`convert.fixed_point.requantize`). As a function of
the sum that is a staircase of at most 255 steps. A straight line that passes every step between the
same two sums gives the same bytes: here ``(sum * 2**fraction_bits + extra) * multiplier``, rounded
down to units of the output. The twin is ``kernels/dsp/requantize.h``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.fixed_point import INT32_MAX, INT32_MIN

Int64 = NDArray[np.int64]

EXTRAS_TRIED = 24
"""How far from the ideal line's offset lines are tried, to either side."""
SHIFTS_TRIED = 4
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
        return np.clip((product >> right) + up + self.offset, self.minimum, self.maximum)


@dataclass(frozen=True)
class Requantize:
    """The fields of ``struct glyphite_dsp_requantize``, and each channel's numbers."""

    fields: dict[str, Any]
    extra: Int64
    """To be added to each channel's bias, in units of 1 / 2**fraction_bits; (channels)."""
    numbers: Int64
    """(numbers, channels): multiplier alone, or multiplier, addend and shift."""


def choose(output: Output, fraction_bits: int) -> Requantize | None:
    """The cheapest form that gives TensorFlow Lite Micro's bytes; None where neither does."""
    limit = 2 ** (31 - fraction_bits) - 2
    if output.lowest.min() <= -limit or output.highest.max() >= limit:
        return None
    right = -output.shifts
    if right.min() < 1 or right.max() > LARGEST_SHIFT:
        return None
    return prove(output, fraction_bits) or exact(output, fraction_bits)


def prove(output: Output, fraction_bits: int) -> Requantize | None:
    """The form of one multiplier a channel, where every channel has such a line."""
    stairs = staircase(output)
    most = min(int((-output.shifts).min()) + fraction_bits - 1, LARGEST_SHIFT)
    for shift in range(most, max(most - SHIFTS_TRIED, 0), -1):
        lines = _lines(output, fraction_bits, shift, stairs)
        if lines is not None:
            addend = _addend(output, shift)
            fields = _fields(output, 1, fraction_bits, shift, addend)
            return Requantize(fields, lines[:, 0], lines[None, :, 1])
    return None


def exact(output: Output, fraction_bits: int) -> Requantize:
    """The form that rounds twice; each channel's factor is less than a half."""
    right = -output.shifts
    addends = (output.offset << right) + (np.int64(1) << (right - 1))
    fields = _fields(output, 0, fraction_bits, 0, 0)
    numbers = np.stack([output.multipliers, addends, right])
    return Requantize(fields, np.zeros_like(right), numbers)


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


def _fields(
    output: Output, proven: int, fraction_bits: int, shift: int, addend: int
) -> dict[str, Any]:
    return {
        "proven": proven,
        "fraction_bits": fraction_bits,
        "shift": shift,
        "addend": addend,
        "activation_minimum": output.minimum,
        "activation_maximum": output.maximum,
    }


def _addend(output: Output, shift: int) -> int:
    """The output's zero point, and the half for rounding."""
    return (output.offset << shift) + (1 << (shift - 1))


def _lines(output: Output, fraction_bits: int, shift: int, stairs: Int64) -> Int64 | None:
    """(channels, 2) extra and multiplier of lines that give every channel's bytes, or None."""
    lines = np.zeros((len(stairs), 2), np.int64)
    for channel, sums in enumerate(stairs):
        line = _line(output, channel, fraction_bits, shift, sums)
        if line is None:
            return None
        lines[channel] = line
    return lines if _same_bytes(output, fraction_bits, shift, lines, stairs) else None


def _line(
    output: Output, channel: int, fraction_bits: int, shift: int, stairs: Int64
) -> tuple[int, int] | None:
    """(extra, multiplier) of a line that passes a channel's steps, or None."""
    is_step = stairs <= output.highest[channel]
    sums = stairs[is_step] << fraction_bits
    values = np.arange(output.minimum + 1, output.maximum + 1)[is_step] - output.offset
    bounds = (values << (32 + shift)) - (np.int64(1) << (31 + shift))
    right = -int(output.shifts[channel])
    ideal = float(output.multipliers[channel]) * 2.0 ** (1 + shift - right - fraction_bits)
    if ideal < 1:
        return None
    middle = round(2.0 ** (31 + shift - right) / ideal)
    for distance in sorted(range(-EXTRAS_TRIED, EXTRAS_TRIED + 1), key=abs):
        multiplier = _multiplier(bounds, sums + middle + distance, 1 << fraction_bits, ideal)
        if multiplier is not None:
            return middle + distance, multiplier
    return None


def _multiplier(bounds: Int64, at: Int64, unit: int, ideal: float) -> int | None:
    """The m nearest to the ideal one with at * m >= bounds > (at - unit) * m, if there is one."""
    if np.any(at <= 0):
        return None
    before = at - unit
    low = int(np.max(-(-bounds // at), initial=0))
    high = int(np.min((bounds[before > 0] - 1) // before[before > 0], initial=INT32_MAX))
    return min(max(round(ideal), low), high) if low <= high else None


def _same_bytes(
    output: Output, fraction_bits: int, shift: int, lines: Int64, stairs: Int64
) -> bool:
    """Whether the lines give the right bytes at both ends and on both sides of each step.

    Both functions rise with the sum, so that these sums stand for all between them.
    """
    ends = np.stack([output.lowest, output.highest], axis=1)
    inside = np.minimum(stairs, output.highest[:, None])
    before = np.maximum(inside - 1, output.lowest[:, None])
    sums = np.concatenate([ends, inside, before], axis=1)
    found = np.clip(evaluate(output, fraction_bits, shift, lines, sums), -128, 127)
    found = np.clip(found, output.minimum, output.maximum)
    extremes = evaluate(output, fraction_bits, 0, lines, ends, _addend(output, shift))
    scaled = (ends << fraction_bits) + lines[:, :1]
    within = (np.minimum(extremes, scaled) >= INT32_MIN) & (np.maximum(extremes, scaled) <= INT32_MAX)
    return bool(np.all(found == output.byte(sums)) and np.all(within))


def evaluate(
    output: Output,
    fraction_bits: int,
    shift: int,
    lines: Int64,
    sums: Int64,
    addend: int | None = None,
) -> Int64:
    """What requantize.h makes of ``sums`` (channels, n) by the proven form, before it clamps."""
    addend = _addend(output, shift) if addend is None else addend
    scaled = (sums << fraction_bits) + lines[:, :1]
    return np.asarray(((scaled * lines[:, 1:] >> 32) + addend) >> shift)
