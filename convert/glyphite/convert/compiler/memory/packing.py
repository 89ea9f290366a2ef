"""Where rings lie so that the arena ends as early as can be.

In some best plan of tensors that live as wholes, taken by rising offset each lies at the lowest
place that those before it leave. So all such orders are tried, depth first, and branches that
cannot be better are left out. It ends early where the result equals a lower bound (the peak).
After NODES branches the best so far is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glyphite.convert.compiler.memory.conflicts import Interval, conflicts
from glyphite.convert.compiler.memory.rings import AllowedOverlap, Ring, Times

NODES = 20_000
"""Branches of the search: about a second."""
MOST_SEARCHED = 100
"""Rings of the largest network that is searched; beyond it the greedy plans are all there is."""


@dataclass(frozen=True, eq=False)
class Packing:
    """An offset for each ring, in their order."""

    offsets: tuple[int, ...]
    bytes: int
    """The arena's size."""
    proven: bool
    """Whether no other offsets take fewer bytes."""


def pack(rings: Sequence[Ring], nodes: int = NODES) -> Packing:
    """The least that the search finds with so many branches; with 0, a quick greedy packing."""
    search = _Search(rings, nodes)
    offsets = tuple(search.best[index] for index in range(len(rings)))
    return Packing(offsets, search.bytes, search.proven)


def peak_bytes(rings: Sequence[Ring]) -> int:
    """The most bytes that live at once, every allowed overlap made: no packing takes fewer."""
    ends = max((ring.end for ring in rings), default=0) + 3
    change = np.zeros(ends, np.int64)
    by_tensor = {ring.tensor: ring for ring in rings if not ring.scratch}
    for ring in rings:
        np.add.at(change, ring.written + 1, ring.row_bytes)
        np.add.at(change, ring.last + 2, -ring.row_bytes)
    live = np.cumsum(change)
    for ring in rings:
        if not ring.overlaps:
            continue
        calls, counts = _counted(ring.written)
        output = counts * ring.row_bytes
        saved = np.zeros_like(output)
        for allowed in ring.overlaps:
            saved += _saved(output, by_tensor[allowed.tensor], allowed, calls)
        live[calls + 1] -= np.minimum(output, saved)
    return int(live.max(initial=0))


def _counted(written: Times) -> tuple[Times, Times]:
    """The calls that write a tensor, and how many rows each writes; most have but one."""
    if (written == written[0]).all():
        return written[:1], np.array([len(written)])
    return np.unique(written, return_counts=True)


def _saved(output: Times, source: Ring, allowed: AllowedOverlap, calls: Times) -> Times:
    """Bytes that each call's output can share with the rows of an input that die as it is
    written."""
    dying: Times = np.array([np.count_nonzero(source.last == calls[0])])
    if len(calls) > 1:
        last = np.sort(source.last)
        dying = np.searchsorted(last, calls, "right") - np.searchsorted(last, calls)
    size = source.bytes if allowed.whole else source.row_bytes
    count = np.minimum(dying, 1) if allowed.whole else dying
    return count * np.maximum(output + size - np.maximum(output, allowed.distance + size), 0)


class _Search:
    """Branch and bound over the orders of placing; ``best`` is its result."""

    def __init__(self, rings: Sequence[Ring], nodes: int) -> None:
        self.rings = rings
        self.apart = _apart(rings)
        self.bound = peak_bytes(rings)
        self.left = nodes if len(rings) <= MOST_SEARCHED else 0
        self.best: Mapping[int, int] = {}
        self.bytes = 0
        by_size = sorted(range(len(rings)), key=lambda i: (-rings[i].bytes, rings[i].first))
        for order in (by_size, range(len(rings))):
            self.offer(self.greedy(order))
        if self.left > 0:
            self.extend({}, dict.fromkeys(by_size, 0), 0)
        finished = self.left > 0 and all(map(_is_whole, self.apart))
        self.proven = finished or self.bytes == self.bound

    def greedy(self, order: Sequence[int]) -> Mapping[int, int]:
        """Each ring in turn at its lowest place."""
        placed: dict[int, int] = {}
        for index in order:
            placed[index] = self.lowest(index, placed)
        return placed

    def offer(self, placed: Mapping[int, int]) -> None:
        """Keep whole packings if they are the best."""
        size = max((at + self.rings[index].bytes for index, at in placed.items()), default=0)
        if not self.best or size < self.bytes:
            self.best, self.bytes = dict(placed), size

    def extend(self, placed: dict[int, int], rest: Mapping[int, int], floor: int) -> None:
        """Try each of the rest as the next, at or behind the last one placed.

        ``rest`` has, for each ring that is not placed, the lowest place that those placed leave.
        """
        if not rest:
            self.offer(placed)
        for index, at in rest.items():
            if self.bytes == self.bound or self.left <= 0:
                return
            self.left -= 1
            if at >= floor and at + self.rings[index].bytes < self.bytes:
                more = {**placed, index: at}
                self.extend(more, self.moved(index, more, rest), at)

    def moved(
        self, index: int, placed: Mapping[int, int], rest: Mapping[int, int]
    ) -> Mapping[int, int]:
        """The lowest places of the rest now that ``index`` is placed, too: most are as before."""
        at, left = placed[index], dict(rest)
        del left[index]
        for other, between in self.apart[index].items():
            if other not in left:
                continue
            distance = at - left[other]
            if any(low < distance < high for low, high in between):
                left[other] = self.lowest(other, placed, left[other])
        return left

    def lowest(self, index: int, placed: Mapping[int, int], place: int = 0) -> int:
        """The lowest place of a ring, from ``place`` on, that harms none of those placed."""
        taken = []
        for other, between in self.apart[index].items():
            if other in placed:
                at = placed[other]
                taken.extend([(at + low, at + high) for low, high in between])
        alignment = self.rings[index].alignment
        for low, high in sorted(taken):
            if low < place < high:
                place = -(-high // alignment) * alignment
        return place


def _is_whole(near: Mapping[int, tuple[Interval, ...]]) -> bool:
    """Whether, to each of these, any distance will do that is large enough, up or down."""
    return all(len(found) == 1 and found[0][0] <= 0 <= found[0][1] for found in near.values())


def _apart(rings: Sequence[Ring]) -> list[dict[int, tuple[Interval, ...]]]:
    """For each ring, by other ring: the distances from the other to it that harm."""
    found: list[dict[int, tuple[Interval, ...]]] = [{} for _ in rings]
    for i, j in _living_together(rings):
        between = conflicts(rings[i], rings[j])
        if between:
            found[j][i] = between
            found[i][j] = tuple((-high, -low) for low, high in reversed(between))
    return found


def _living_together(rings: Sequence[Ring]) -> list[tuple[int, int]]:
    """The pairs of different rings of whose lives a call is in both: few, of many layers."""
    firsts = np.array([ring.first for ring in rings])
    ends = np.array([ring.end for ring in rings])
    meet = np.triu((firsts[:, None] <= ends) & (firsts <= ends[:, None]), 1)
    return [(int(i), int(j)) for i, j in np.argwhere(meet)]
