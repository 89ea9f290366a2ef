"""Requantization for the DSP kernels: the proof that two instructions do, and the exact form.

TensorFlow Lite Micro rounds a sum twice (``requantize`` of ``ir/fixed_point.py``). As a function of
the sum that is a staircase of at most 255 steps. A straight line that passes every step between the
same two sums gives the same bytes: here ``(sum * 2**bits + extra) * multiplier``, rounded down to
units of the output. Below zero TensorFlow Lite Micro rounds halves the other way, so that the line
has a kink there: what is negative is lowered. The twin is ``kernels/dsp/requantize.h``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np

from glyphite.convert.compiler.ir.decision import Decision, Refusal, unmet
from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, INT32_MIN
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.epilogue import Epilogue, Int64, sums_fit

EXTRAS_TRIED = 24
"""How far from the ideal line's offset lines are tried, to either side."""
COMMON_SHIFT = 8
"""What is tried first, so that layers have it in common."""
SHIFTS_TRIED = 2
MOST_UP = 4
"""By how many bits sums are shifted up, for lines that differ by less."""
LARGEST_SHIFT = 22
"""Of the output's unit: 255 of them times 2**32 are within 63 bits."""


NARROW_BITS = 8
"""Fraction bits of sums over narrow weights: halves hold 256 times a weight (dsp/dot.h)."""


@dataclass(frozen=True, eq=False)
class DspRequantizeConstants(Struct):
    """``struct glyphite_dsp_requantize``."""

    C_NAME: ClassVar[str] = "dsp_requantize"
    SELECTS: ClassVar[tuple[str, ...]] = ("proven", "up")
    SIZES: ClassVar[tuple[str, ...]] = ("shift",)

    proven: Int32
    """The form: 1 one line a channel, 0 exact."""
    up: Int32
    kink: Int32
    shift: Int32
    addend: Int32
    """The output's zero point and the half for rounding."""
    fraction_bits: Int32
    activation_minimum: Int32
    activation_maximum: Int32

    @property
    def is_simple(self) -> bool:
        """Whether dsp/image.h and dsp/block.h have the form, at any shift."""
        clamps = (self.activation_minimum, self.activation_maximum) != (-128, 127)
        return bool(self.proven) and not self.up and not self.kink and not clamps


@dataclass(frozen=True)
class Requantize:
    """A form that gives TensorFlow Lite Micro's bytes, and each channel's numbers for it."""

    constants: DspRequantizeConstants
    extra: Int64
    """To be added to each channel's bias, in units of the sum; (channels)."""
    numbers: Int64
    """(numbers, channels), as requantize.h lists them."""
    decisions: tuple[Decision, ...] = ()
    """What was asked to find it."""


def choose(epilogue: Epilogue, fraction_bits: int) -> Requantize | Refusal:
    """The cheapest form that gives TensorFlow Lite Micro's bytes.

    Sums come in units of 1 / 2**fraction_bits.
    """
    conditions = (sums_fit(epilogue, fraction_bits), shifts_fit(epilogue))
    refused = unmet(conditions)
    if refused is not None:
        return refused
    found = _line_of_any_scale(epilogue, fraction_bits) or exact(epilogue, fraction_bits)
    decisions = (*conditions, one_rounding(epilogue, found.constants), no_clamp(epilogue))
    return replace(found, decisions=decisions)


def choose_bits(epilogue: Epilogue) -> tuple[Requantize, int] | Refusal:
    """The form for weights of 16 bits, and their fraction bits: the simple one where there is one.

    Fewer fraction bits leave more to a line's factor, which then can be told more exactly.
    """
    found: tuple[Requantize, int] | None = None
    refused: Refusal | None = None
    for bits in range(NARROW_BITS, 0, -1):
        form = choose(epilogue, bits)
        if isinstance(form, Refusal):
            refused = refused or form
            continue
        if form.constants.is_simple and form.constants.shift == COMMON_SHIFT:
            return form, bits
        found = found or (form, bits)
    return found or refused or Refusal(())


def _line_of_any_scale(epilogue: Epilogue, fraction_bits: int) -> Requantize | None:
    for up in range(MOST_UP + 1):
        if sums_fit(epilogue, fraction_bits + up):
            found = one_line(epilogue, fraction_bits, up)
            if found is not None:
                return found
    return None


def one_line(epilogue: Epilogue, fraction_bits: int, up: int = 0) -> Requantize | None:
    """The form of one line a channel, where every channel has one."""
    stairs = staircase(epilogue)
    bits = fraction_bits + up
    most = min(int((-epilogue.shifts).min()) + bits - 1, LARGEST_SHIFT)
    shifts = range(most, max(most - SHIFTS_TRIED, 0), -1)
    for shift in (*[COMMON_SHIFT] * (most >= COMMON_SHIFT), *shifts):
        lines = _lines(epilogue, bits, shift, stairs)
        if lines is not None:
            extra, multipliers, lowered = lines.T
            kink = int(np.any(lowered))
            constants = _constants(epilogue, fraction_bits, shift, proven=1, up=up, kink=kink)
            numbers = [multipliers, *[extra] * (up > 0), *[lowered] * kink]
            return Requantize(constants, extra * (up == 0), np.stack(numbers))
    return None


def exact(epilogue: Epilogue, fraction_bits: int) -> Requantize:
    """The form that rounds twice; each channel's factor is less than a half."""
    right = -epilogue.shifts
    addends = (epilogue.offset << right) + (np.int64(1) << (right - 1))
    constants = _constants(epilogue, fraction_bits, 1, proven=0, up=0, kink=0)
    numbers = np.stack([epilogue.multipliers, addends, right])
    return Requantize(constants, np.zeros_like(right), numbers)


def shifts_fit(epilogue: Epilogue) -> Decision:
    """Whether every channel is scaled down, and by no more than the kernels can shift."""
    right = -epilogue.shifts
    low, high = int(right.min()), int(right.max())
    return Decision(
        "shifts are served",
        low >= 1 and high <= LARGEST_SHIFT,
        f"shifts to the right are {low} to {high}; 1 to {LARGEST_SHIFT} are served",
    )


def one_rounding(epilogue: Epilogue, form: DspRequantizeConstants) -> Decision:
    """Whether one line a channel gives the bytes of two roundings, as ``form`` has it."""
    name = "one rounding gives the bytes of two"
    if not form.proven:
        return Decision(name, False, "no line was found that passes every step of every channel")
    kink = ", lowered below zero" if form.kink else ""
    up = f", of sums shifted up by {form.up}" if form.up else ""
    return Decision(
        name, True, f"a line for each of {len(epilogue.multipliers)} channels{up}{kink}"
    )


def no_clamp(epilogue: Epilogue) -> Decision:
    """Whether saturation to a byte is all that the activation asks for."""
    return Decision(
        "no clamp beside saturation",
        (epilogue.minimum, epilogue.maximum) == (-128, 127),
        f"outputs are {epilogue.minimum} to {epilogue.maximum}",
    )


def staircase(epilogue: Epilogue) -> Int64:
    """(channels, values) the least sum in reach that gives minimum + 1, minimum + 2, ... maximum.

    A value that the least sum gives, or that the largest does not, has ``highest + 1``: no step.
    """
    values = np.arange(epilogue.minimum + 1, epilogue.maximum + 1)
    lowest, highest = epilogue.lowest[:, None], epilogue.highest[:, None]
    below = np.broadcast_to(lowest, (len(lowest), len(values))).astype(np.int64)
    reached = np.broadcast_to(highest, below.shape).astype(np.int64)
    is_step = (epilogue.byte(below) < values) & (epilogue.byte(reached) >= values)
    while np.any(reached - below > 1):
        middle = (below + reached) // 2
        enough = epilogue.byte(middle) >= values
        below, reached = np.where(enough, below, middle), np.where(enough, middle, reached)
    return np.where(is_step, reached, highest + 1)


def _constants(
    epilogue: Epilogue, fraction_bits: int, shift: int, *, proven: int, up: int, kink: int
) -> DspRequantizeConstants:
    return DspRequantizeConstants(
        proven=proven,
        up=up,
        kink=kink,
        fraction_bits=fraction_bits,
        shift=shift,
        addend=_addend(epilogue, shift),
        activation_minimum=epilogue.minimum,
        activation_maximum=epilogue.maximum,
    )


def _addend(epilogue: Epilogue, shift: int) -> int:
    """The output's zero point, and the half for rounding."""
    return (epilogue.offset << shift) + (1 << (shift - 1))


def _lines(epilogue: Epilogue, bits: int, shift: int, stairs: Int64) -> Int64 | None:
    """(channels, 3) extra, multiplier and kink of lines that give every channel's bytes."""
    lines = np.zeros((len(stairs), 3), np.int64)
    for channel, sums in enumerate(stairs):
        line = _line(epilogue, channel, bits, shift, sums)
        if line is None:
            return None
        lines[channel] = line
    return lines if _same_bytes(epilogue, bits, shift, lines, stairs) else None


def _line(
    epilogue: Epilogue, channel: int, bits: int, shift: int, stairs: Int64
) -> tuple[int, int, int] | None:
    """(extra, multiplier, kink) of a line that passes a channel's steps, or None."""
    is_step = stairs <= epilogue.highest[channel]
    sums = stairs[is_step]
    values = np.arange(epilogue.minimum + 1, epilogue.maximum + 1)[is_step] - epilogue.offset
    bounds = (values << (32 + shift)) - (np.int64(1) << (31 + shift))
    right = -int(epilogue.shifts[channel])
    ideal = float(epilogue.multipliers[channel]) * 2.0 ** (1 + shift - right - bits)
    if ideal < 1:
        return None
    middle = round(2.0 ** (31 + shift - right) / ideal)
    kinks = _near(2 * middle) if np.any(sums - 1 < 0) and np.any(bounds < 0) else [0]
    below_of = cache(partial(_multipliers_below, bounds, sums, bits))  # many differ by as much
    for extra in _near(middle):
        above = _multipliers(bounds, sums, bits, extra)
        for kink in kinks if above[0] <= above[1] else []:
            below = below_of(extra - kink)
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


def _same_bytes(epilogue: Epilogue, bits: int, shift: int, lines: Int64, stairs: Int64) -> bool:
    """Whether the lines give the right bytes at both ends and on both sides of each step and of 0.

    Both functions rise with the sum, so that these sums stand for all between them.
    """
    lowest, highest = epilogue.lowest[:, None], epilogue.highest[:, None]
    zero = np.zeros_like(lowest)
    places = np.concatenate([lowest, highest, stairs, stairs - 1, zero, zero - 1], axis=1)
    sums = np.clip(places, lowest, highest)
    found = np.clip(evaluate(epilogue, bits, shift, lines, sums), -128, 127)
    right = np.clip(found, epilogue.minimum, epilogue.maximum) == epilogue.byte(sums)
    inputs = line_inputs(bits, lines, sums)
    products = (inputs * lines[:, 1:2] >> 32) + _addend(epilogue, shift)
    low, high = np.minimum(inputs, products), np.maximum(inputs, products)
    return bool(np.all(right) and np.all(low >= INT32_MIN) and np.all(high <= INT32_MAX))


def line_inputs(bits: int, lines: Int64, sums: Int64) -> Int64:
    """What a proven form multiplies: sums (channels, n) with extra, lowered below 0."""
    raised = (sums << bits) + lines[:, :1]
    return np.asarray(np.where(raised < 0, raised - lines[:, 2:], raised))


def evaluate(epilogue: Epilogue, bits: int, shift: int, lines: Int64, sums: Int64) -> Int64:
    """What requantize.h makes of ``sums`` (channels, n) by a proven form, before it clamps.

    ``lines`` (channels, 3) are extra, multiplier and kink.
    """
    products = line_inputs(bits, lines, sums) * lines[:, 1:2] >> 32
    return np.asarray((products + _addend(epilogue, shift)) >> shift)
