"""The plan of a program: in which order rows are made, and where each ring of rows lies.

Every tensor is a ring of rows (``rings``). How many rows it holds follows from the schedule
(``schedule``), and the schedule from the tensors at which it is cut: cut nowhere, rows flow
through all layers; cut everywhere, it goes layer by layer. Cuts are sought by trial: from both
ends, each tensor's cut is changed if that makes the arena smaller. Schedules are first judged by
their fullest turn, which is quick to know, and the best of them by packing (``packing``).
TURNS bounds the effort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from glyphite.convert.compiler.ir.program import Program
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.compiler.memory.conflicts import conflicts
from glyphite.convert.compiler.memory.packing import MOST_SEARCHED, NODES, fullest_turn, pack
from glyphite.convert.compiler.memory.rings import Ring, rings
from glyphite.convert.compiler.memory.schedule import Schedule, Task, schedule, tasks, total_rows
from glyphite.convert.errors import GlyphiteError

TURNS = 40_000
"""Turns of all the schedules that the search for cuts tries, together: about a second."""
PACKED = 8
"""The schedules that are packed, of those tried, each with a part of packing.NODES."""
MOST_ROWS = 10_000
"""Rows of all tensors together up to which a program goes by rows; beyond it, layer by layer."""


class PlanError(GlyphiteError):
    """A plan in which buffers could harm each other: a fault of this compiler, not of the model."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The memory plan is wrong: {what}. No C was made. Report this model as a bug."
        )


@dataclass(frozen=True, eq=False)
class Buffer:
    """A ring and its place."""

    ring: Ring
    offset: int

    @property
    def tensor(self) -> int:
        """The tensor; for scratch memory, the output of the step that uses it."""
        return self.ring.tensor

    @property
    def bytes(self) -> int:
        """In all."""
        return self.ring.bytes

    @property
    def end(self) -> int:
        """The offset of the first byte behind it."""
        return self.offset + self.bytes

    @property
    def first(self) -> int:
        """The turn that writes it first; -1 for the model's input."""
        return self.ring.first

    @property
    def last(self) -> int:
        """The last turn that reads it; the number of turns for the model's output."""
        return self.ring.end

    def kept(self, turn: int) -> Iterator[range]:
        """The bytes of the arena, row by row, that still matter when a turn is over."""
        for row in self.ring.kept(turn):
            at = self.offset + int(self.ring.starts[row])
            yield range(at, at + self.ring.row_bytes)


@dataclass(frozen=True, eq=False)
class Plan:
    """The schedule, and all buffers in the order in which they are written."""

    schedule: Schedule
    tasks: tuple[Task, ...]
    """One a step."""
    buffers: tuple[Buffer, ...]
    proven: bool
    """Whether no plan of this schedule takes fewer bytes."""
    fed: bool = False
    """Whether the input comes row by row."""

    @property
    def bytes(self) -> int:
        """The arena's size."""
        return max((buffer.end for buffer in self.buffers), default=0)

    def kept(self, turn: int) -> list[range]:
        """The bytes of the arena that still matter when a turn is over."""
        return [part for buffer in self.buffers for part in buffer.kept(turn)]

    def buffer_of(self, tensor: int, *, scratch: bool = False) -> Buffer:
        """Of a tensor that is not a view; or the scratch memory of the step that makes it."""
        return next(
            buffer
            for buffer in self.buffers
            if (buffer.tensor, buffer.ring.scratch) == (tensor, scratch)
        )


def plan(program: Program, *, fed: bool = False) -> Plan:
    """The least arena that the search finds, verified; ``fed``: the input comes row by row."""
    candidates = [
        (pack(kept, NODES // PACKED).bytes, work, order, kept)
        for work in _ways(program)
        for order, kept in _Cuts(program, work, fed=fed).best()
    ]
    _, work, order, kept = min(candidates, key=lambda candidate: candidate[0])
    found = _planned(work, order, kept, fed=fed)
    verify(found)
    return found


def layer_by_layer(program: Program) -> Plan:
    """The plan in which each layer is over before the next one begins."""
    work = tasks(program)
    order = schedule(program, work, {task.output for task in work})
    found = _planned(work, order, rings(program, work, order))
    verify(found)
    return found


def verify(plan: Plan) -> None:
    """Raise PlanError unless no two buffers that live at once can harm each other."""
    for index, one in enumerate(plan.buffers):
        if one.offset < 0:
            raise PlanError(f"tensor {one.tensor} lies before the arena")
        if one.offset % one.ring.alignment:
            raise PlanError(f"tensor {one.tensor} is not aligned")
        for other in plan.buffers[index + 1 :]:
            distance = other.offset - one.offset
            if any(low < distance < high for low, high in conflicts(one.ring, other.ring)):
                raise PlanError(f"tensors {one.tensor} and {other.tensor} overlap")


def _ways(program: Program) -> list[tuple[Task, ...]]:
    """By rows; where some steps add rows up, also with those taking their inputs whole, which saves
    their sums."""
    steps = program.steps
    if total_rows(program) > MOST_ROWS:
        return [tasks(program, {step.output for step in steps})]
    adding = {step.output for step in steps if step.rows is not None and step.rows.accumulated}
    return [tasks(program), *([tasks(program, adding)] if adding else [])]


def _planned(
    work: tuple[Task, ...], order: Schedule, found: list[Ring], *, fed: bool = False
) -> Plan:
    packing = pack(found)
    buffers = tuple(
        Buffer(ring, offset) for ring, offset in zip(found, packing.offsets, strict=True)
    )
    return Plan(order, work, buffers, packing.proven, fed)


class _Cuts:
    """The search for the tensors at which to cut."""

    def __init__(self, program: Program, work: tuple[Task, ...], *, fed: bool) -> None:
        self.program = program
        self.tasks = work
        self.fed = fed
        self.left = TURNS
        self.tried: dict[frozenset[int], tuple[int, Schedule, list[Ring]]] = {}
        tensors = program.graph.tensors
        self.candidates = [task.output for task in work if geometry(tensors[task.output])[0] > 1]

    def best(self) -> list[tuple[Schedule, list[Ring]]]:
        """The most promising schedules, with their rings; the two ends are always among them."""
        ends = (frozenset(self.candidates), frozenset[int]())
        for cuts in ends:
            self.descend(cuts)
        ranked = sorted(self.tried.values(), key=lambda found: (found[0], len(found[1].runs)))
        few = self._few(PACKED)
        packed = sorted(ranked[: few * few], key=lambda found: pack(found[2], 0).bytes)
        chosen = [*packed[:few], *(self.tried[cuts] for cuts in ends)]
        return [(order, found) for _, order, found in chosen]

    def _few(self, count: int) -> int:
        """Fewer of large networks, whose rings take long to hold each against each."""
        return max(count * MOST_SEARCHED**2 // max(len(self.tasks), MOST_SEARCHED) ** 2, 1)

    def descend(self, cuts: frozenset[int]) -> None:
        """Change one cut at a time for as long as that helps."""
        best = self.judge(cuts)
        better = True
        while better:
            better = False
            for tensor in self.candidates:
                other = cuts ^ {tensor}
                if self.left > 0 and self.judge(other) < best:
                    cuts, best, better = other, self.judge(other), True

    def judge(self, cuts: frozenset[int]) -> int:
        """The fullest turn of a schedule."""
        if cuts not in self.tried:
            order = schedule(self.program, self.tasks, cuts, fed=self.fed)
            found = rings(self.program, self.tasks, order)
            self.tried[cuts] = (fullest_turn(found), order, found)
            self.left -= len(order.turns)
        return self.tried[cuts][0]
