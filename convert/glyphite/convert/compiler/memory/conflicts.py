"""How far apart two rings must lie, row by row.

A conflict is an open interval of distances (the second ring's offset minus the first's) at which
bytes of rows that live at the same time would meet. Rows die one by one, so even of two rings that
live together one may reach into the other; and where a kernel allows it, an output row may overlap
an input row that is read for the last time by the call that writes it.
"""

from collections.abc import Iterator

import numpy as np

from glyphite.convert.compiler.memory.rings import AllowedOverlap, Ring

Interval = tuple[int, int]
"""(low, high), both outside."""

MOST_PAIRS = 250_000
"""Pairs of rows that are looked at one by one; beyond it two rings are kept apart as wholes."""


def conflicts(one: Ring, other: Ring) -> tuple[Interval, ...]:
    """The distances from ``one`` to ``other`` that harm, as separate intervals in order."""
    if one.first > other.end or other.first > one.end:
        return ()
    if one.height * other.height > MOST_PAIRS:
        return ((-other.bytes, one.bytes),)
    over, under = _allowed(other, one), _allowed(one, other)
    if over is None and under is None:
        one, other = one.as_one_row, other.as_one_row
        if one.height == other.height == 1:
            return ((-other.bytes, one.bytes),)
    written, last = one.written[:, None], one.last[:, None]
    together = (written <= other.last) & (other.written <= last)
    found: list[Interval] = []
    if over is not None:
        touching = last == other.written
        together &= ~touching
        found.extend(_overlapping(one, other, touching, over))
    if under is not None:
        touching = written == other.last
        together &= ~touching
        found.extend((-high, -low) for low, high in _overlapping(other, one, touching.T, under))
    rows, others = np.nonzero(together)
    starts = set((one.starts[rows] - other.starts[others]).tolist())
    found.extend((at - other.row_bytes, at + one.row_bytes) for at in starts)
    return tuple(_merged(found))


def _allowed(output: Ring, source: Ring) -> AllowedOverlap | None:
    if output.scratch or source.scratch:
        return None
    return next((found for found in output.overlaps if found.tensor == source.tensor), None)


def _overlapping(
    source: Ring,
    output: Ring,
    touching: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    allowed: AllowedOverlap,
) -> Iterator[Interval]:
    """Conflicts of output rows (columns) with the input rows that die as they are written."""
    rows, others = np.nonzero(touching)
    if allowed.whole:
        if len(rows):
            yield -min(allowed.distance, output.bytes), source.bytes
        return
    starts = set((source.starts[rows] - output.starts[others]).tolist())
    distance = min(allowed.distance, output.row_bytes)
    for at in starts:
        yield at - distance, at + source.row_bytes


def _merged(intervals: list[Interval]) -> Iterator[Interval]:
    """The union; intervals that only touch stay two, with the distance between them free."""
    current: Interval | None = None
    for low, high in sorted((low, high) for low, high in intervals if low + 1 < high):
        if current is None or low >= current[1]:
            if current is not None:
                yield current
            current = (low, high)
        else:
            current = (current[0], max(current[1], high))
    if current is not None:
        yield current
