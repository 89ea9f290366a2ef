"""Where each tensor lies in the arena.

A buffer lives from the step that writes it to the last one that reads it. Two buffers that live at
the same time must not share a byte, with one exception: a step's output may lie over an input that
dies in that step, as far ahead as the step's lead asks for.

The search: in some best plan, buffers taken by rising offset each lie at the lowest place that
those before them leave. So all such orders are tried, depth first, and branches that cannot be
better are cut. It ends early where the result equals a lower bound (the fullest step). After NODES
branches the best so far is kept, which for large graphs may be more than the least;
``Plan.proven`` tells.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from convert.graph import ABSENT, ITEM_BYTES
from convert.program import Program, Step

NODES = 20_000
"""Branches of the search: about a second."""
MOST_SEARCHED = 200
"""Buffers of the largest graph that is searched; beyond it the greedy plans are all there is."""


@dataclass(frozen=True)
class Buffer:
    """A tensor's memory, and that of the views of it."""

    tensor: int
    bytes: int
    first: int
    """The step that writes it; -1 for the model's input."""
    last: int
    """The last step that reads it; the number of steps for the model's output."""
    over: tuple[tuple[int, int], ...] = ()
    """(tensor, lead): an input that dies in step ``first``, which this may lie over."""
    alignment: int = 1
    """What the offset is a multiple of."""
    offset: int = 0

    @property
    def end(self) -> int:
        """The offset of the first byte behind it."""
        return self.offset + self.bytes

    def meets(self, other: Buffer) -> bool:
        """Whether both live in some step."""
        return self.first <= other.last and other.first <= self.last

    def below(self, other: Buffer) -> int:
        """How far behind this one's offset ``other``'s must lie, if it lies not before it."""
        return min(dict(self.over).get(other.tensor, self.bytes), self.bytes)

    def apart(self, other: Buffer) -> bool:
        """Whether neither can harm the other."""
        if not self.meets(other):
            return True
        low, high = sorted((self, other), key=lambda buffer: buffer.offset)
        if high.offset >= low.offset + low.below(high):
            return True
        return low.offset == high.offset and low.offset >= high.offset + high.below(low)


@dataclass(frozen=True)
class Plan:
    """All buffers with their offsets, in the order in which they are written."""

    buffers: tuple[Buffer, ...]
    proven: bool
    """Whether no plan with these lifetimes and leads takes fewer bytes."""

    @property
    def bytes(self) -> int:
        """The arena's size."""
        return max((buffer.end for buffer in self.buffers), default=0)

    def kept(self, step: int) -> list[Buffer]:
        """The buffers whose bytes still matter when a step is over."""
        return [buffer for buffer in self.buffers if buffer.first <= step < buffer.last]

    def offset_of(self, tensor: int) -> int:
        """Where a tensor that is not a view lies."""
        return next(buffer.offset for buffer in self.buffers if buffer.tensor == tensor)


def plan(program: Program) -> Plan:
    """The arena of a program: the least that the search finds, verified."""
    wanted = buffers(program)
    bound = lower_bound(wanted)
    search = _Search(wanted, bound)
    found = Plan(tuple(search.best), proven=search.finished)
    verify(found)
    return found


def verify(plan: Plan) -> None:
    """Raise AssertionError unless no two buffers that live at once can harm each other."""
    for index, one in enumerate(plan.buffers):
        assert one.offset >= 0, f"tensor {one.tensor} lies before the arena"
        assert one.offset % one.alignment == 0, f"tensor {one.tensor} is not aligned"
        for other in plan.buffers[index + 1 :]:
            assert one.apart(other), f"tensors {one.tensor} and {other.tensor} overlap: {plan}"


def buffers(program: Program) -> list[Buffer]:
    """The buffers that a program needs, not yet placed."""
    steps = program.steps
    first: dict[int, int] = dict.fromkeys(program.graph.inputs, -1)
    last: dict[int, int] = dict(first)
    for index, step in enumerate(steps):
        first[step.output] = last[step.output] = index
        for tensor in step.inputs:
            if tensor != ABSENT:
                last[program.base(tensor)] = index
    for tensor in program.graph.outputs:
        last[program.base(tensor)] = len(steps)
    return [
        Buffer(
            tensor=tensor,
            bytes=program.graph.tensors[tensor].bytes,
            first=written,
            last=last[tensor],
            over=() if written < 0 else _over(program, steps[written], written, last),
            alignment=ITEM_BYTES[program.graph.tensors[tensor].dtype],
        )
        for tensor, written in first.items()
    ]


def _over(
    program: Program, step: Step, index: int, last: dict[int, int]
) -> tuple[tuple[int, int], ...]:
    """The inputs that a step's output may lie over: each once, with the longest lead asked for."""
    leads: dict[int, int | None] = {}
    for tensor, lead in zip(step.inputs, step.leads, strict=True):
        base = program.base(tensor)
        before = leads.get(base, 0)
        leads[base] = None if lead is None or before is None else max(lead, before)
    return tuple(
        (tensor, lead)
        for tensor, lead in leads.items()
        if lead is not None and last[tensor] == index
    )


def lower_bound(wanted: Sequence[Buffer]) -> int:
    """What the fullest step takes, every overlap granted."""
    steps = range(-1, max((buffer.last for buffer in wanted), default=-1) + 1)
    return max(_live_bytes(wanted, step) for step in steps)


def _live_bytes(wanted: Sequence[Buffer], step: int) -> int:
    live = {buffer.tensor: buffer for buffer in wanted if buffer.first <= step <= buffer.last}
    total = sum(buffer.bytes for buffer in live.values())
    for output in live.values():
        if output.first == step:
            sizes = [(live[tensor].bytes, lead) for tensor, lead in output.over]
            saved = sum(
                output.bytes + size - max(output.bytes, lead + size) for size, lead in sizes
            )
            total -= min(max(saved, 0), output.bytes)
    return total


class _Search:
    """Branch and bound over the orders of placing; ``best`` is its result."""

    def __init__(self, wanted: Sequence[Buffer], bound: int) -> None:
        self.bound = bound
        self.nodes = 0
        self.order = {buffer.tensor: index for index, buffer in enumerate(wanted)}
        self.best: list[Buffer] = []
        self.bytes = 0
        for key in (_by_size, _by_first):
            self.offer(_greedy(sorted(wanted, key=key)))
        if len(wanted) <= MOST_SEARCHED:
            self.extend([], sorted(wanted, key=_by_size))
        else:
            self.nodes = NODES

    @property
    def finished(self) -> bool:
        """Whether the result is proven to be the least."""
        return self.bytes == self.bound or self.nodes < NODES

    def offer(self, placed: list[Buffer]) -> None:
        """Keep a whole plan if it is the best."""
        size = max((buffer.end for buffer in placed), default=0)
        if not self.best or size < self.bytes:
            self.best = sorted(placed, key=lambda buffer: self.order[buffer.tensor])
            self.bytes = size

    def extend(self, placed: list[Buffer], rest: list[Buffer]) -> None:
        """Try each of the rest as the next, at or behind the last one placed."""
        if not rest:
            self.offer(placed)
        floor = placed[-1].offset if placed else 0
        for buffer in rest:
            if self.bytes == self.bound or self.nodes >= NODES:
                return
            self.nodes += 1
            at = _placed(buffer, placed)
            if at.offset >= floor and at.end < self.bytes:
                self.extend([*placed, at], [other for other in rest if other is not buffer])


def _by_size(buffer: Buffer) -> tuple[int, int]:
    return -buffer.bytes, buffer.first


def _by_first(buffer: Buffer) -> tuple[int, int]:
    return buffer.first, buffer.tensor


def _greedy(wanted: Sequence[Buffer]) -> list[Buffer]:
    placed: list[Buffer] = []
    for buffer in wanted:
        placed.append(_placed(buffer, placed))
    return placed


def _placed(buffer: Buffer, placed: Sequence[Buffer]) -> Buffer:
    """The buffer at its lowest place: at 0, or right behind one of those it must keep clear of."""
    near = [other for other in placed if buffer.meets(other)]
    places = sorted({0, *(other.offset + other.below(buffer) for other in near)})
    aligned = (-(-place // buffer.alignment) * buffer.alignment for place in places)
    candidates = (dataclasses.replace(buffer, offset=place) for place in aligned)
    return next(at for at in candidates if all(at.apart(other) for other in near))
