"""Whose clock a time is by, which every time is shown with; an emulator's own is none of a board.

- ``MODELLED`` and ``COUNTED``: `glyphite bench` alone has these, from the cycles at the board's
  clock. QEMU gives instructions, whose cycles are modelled; simavr counts the cycles.
- ``BOARD``: a real board's own timer.
- ``PC``: the firmware runs as a program of this PC, as that of the board ``native`` does.
"""

import os
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from glyphite.convert.boards import known_board
from glyphite.host.device.transport import is_emulated

MODELLED, COUNTED, BOARD, PC = "modelled cycles", "counted cycles", "the board", "this PC"
OnBoard = Annotated[str, Meta(pattern=r"^(the board|this PC)\Z")]
InCycles = Annotated[str, Meta(pattern=r"^(modelled|counted) cycles\Z")]

TITLES = {
    MODELLED: "modelled time",
    COUNTED: "time, from counted cycles",
    BOARD: "time measured on the board",
    PC: "time on this PC",
}
"""For people, by whose clock it is."""

PSEUDO_TERMINALS = ("/dev/pts/", "/dev/ttys")
"""Where Linux and macOS have them: behind one there is `glyphite emulate`, and no board."""


def clock_at(port: str, board: str) -> str | None:
    """By whose clock the times are that a board of that name at ``port`` tells; None where they
    are an emulator's own.

    Raises BoardError where the board's file has a mistake.
    """
    known = known_board(board)
    emulator = known.emulator if known else None
    if emulator and emulator.instructions_per_tick:
        return None
    if emulator and emulator.kind == "process":
        return PC
    emulated = is_emulated(port) or os.path.realpath(port).startswith(PSEUDO_TERMINALS)
    return None if emulated else BOARD


def duration(seconds: float, beside: Iterable[float] = ()) -> str:
    """A time for people, of three digits: "84.3 ms"; in the unit of the largest in its column."""
    largest = max(seconds, *beside, 0.0)
    unit, size = next(
        (each for each in (("s", 1.0), ("ms", 1e-3)) if largest >= 0.9995 * each[1]), ("µs", 1e-6)
    )
    return f"{_three_digits(seconds / size)} {unit}"


def _three_digits(number: float) -> str:
    return f"{number:,.{2 if number < 9.995 else 1 if number < 99.95 else 0}f}"
