"""How much of a line a run used, and what bounded its rate."""

from collections import Counter
from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from glyphite.host.measure.truth import Count

BITS_PER_BYTE = 10
"""Bits on the line per byte: start, eight data bits, stop."""

MOST_CARRIED = 1.05
"""More than this share of a baud rate, no line of that rate carries: USB alone, or a network."""

Bound = Literal["wire", "board", "emulator", "host", "delays"]

BOUNDS: dict[Bound, str] = {
    "wire": "the wire",
    "board": "the board",
    "emulator": "the emulated board",
    "host": "this PC",
    "delays": "delays between PC and board",
}
"""For people."""


class Wire(TypedDict):
    """What passed over the line in a run, frames and repeats and all; where the run was resumed,
    since then."""

    images: Count
    """Samples that were answered meanwhile."""
    seconds: Annotated[float, Meta(ge=0, le=1e9)]
    """From the first of them sent to the last answer."""
    sent: Count
    """Bytes to the board; with several boards, to all of them."""
    received: Count
    waited_seconds: Annotated[float, Meta(ge=0, le=1e9)]
    """In which this PC had nothing to do but to wait for the board."""
    delayed_seconds: Annotated[float, Meta(ge=0, le=1e9)]
    """Of those, in which a bad line for tests kept a board idle that had answered all it got."""
    repeats: dict[str, Count]
    """How many requests were sent again, by why."""
    earlier_repeats: dict[str, Count] | None
    """The same of the parts before the run was resumed, up to the last answer of each; None where
    those are not known."""


def all_repeats(wire: Wire) -> dict[str, int]:
    """Requests that were sent again, by why, of all parts of the run that are known."""
    return dict(sorted((Counter(wire["repeats"]) + Counter(wire["earlier_repeats"] or {})).items()))


def retries_of(wire: Wire) -> int:
    """The sum of those."""
    return sum(all_repeats(wire).values())


def carried(wire: Wire, baud: int) -> float:
    """The busier direction's share, 0 to 1, of what ``baud`` carries in the time."""
    return BITS_PER_BYTE * max(wire["sent"], wire["received"]) / (baud * _seconds(wire))


def _seconds(wire: Wire) -> float:
    """Never 0: nothing is asked of a board where all answers were there already."""
    return max(wire["seconds"], 1e-9)


def bound_of(wire: Wire, *, jobs: int, baud: int | None, computing: float | None) -> Bound:
    """What bounded a run on ``jobs`` boards.

    ``baud``: that of the line; None where it has none, as pipes and pseudo-terminals.
    ``computing``: seconds that the board itself says it computed; 0 where it does not tell, None
    where its time is an emulator's. Where this PC waited for less than half of the time, it is this
    PC; where line and board explain less than half, delays on the way and repeats. The same where
    an emulated board was kept idle for more than half.
    """
    seconds = _seconds(wire)
    if wire["waited_seconds"] < seconds * jobs / 2:
        return "host"
    line = carried(wire, baud) if baud else 0.0
    line = line if line <= MOST_CARRIED else 0.0
    board = computing / seconds if computing is not None else 0.0
    if computing and line + board < 0.5:
        return "delays"
    if line > max(board, 0.5):
        return "wire"
    if computing is None and wire["delayed_seconds"] > seconds * jobs / 2:
        return "delays"
    return "emulator" if computing is None else "board"
