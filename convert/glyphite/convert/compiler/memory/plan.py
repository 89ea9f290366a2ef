"""The plan of a program: in which order rows are made, and where each ring of rows lies.

Every tensor is a ring of rows (``rings``). How many rows it holds follows from the schedule
(``schedule``), and the schedule from its barriers: without any, rows flow through all layers; with
one at every tensor, it goes layer by layer. Barriers are sought by trial: from both ends, each is
set or taken away if that makes the arena smaller. Schedules are first judged by their peak, which
is quick to know, and the best of them by packing (``packing``). SEARCHED_CALLS bounds the effort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from glyphite.convert.compiler.ir.program import Program
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.compiler.memory.conflicts import conflicts
from glyphite.convert.compiler.memory.packing import MOST_SEARCHED, NODES, pack, peak_bytes
from glyphite.convert.compiler.memory.rings import Ring, rings
from glyphite.convert.compiler.memory.schedule import Schedule, Task, schedule, tasks, total_rows
from glyphite.convert.errors import GlyphiteError

SEARCHED_CALLS = 40_000
"""Kernel calls of all the schedules that the search for barriers tries: about a second."""
PACKED = 8
"""The schedules that are packed, of those tried, each with a part of packing.NODES."""
MOST_SCHEDULED_ROWS = 10_000
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
        """The call that writes it first; -1 for the model's input."""
        return self.ring.first

    @property
    def last(self) -> int:
        """The last call that reads it; the number of calls for the model's output."""
        return self.ring.end

    def kept(self, call: int) -> Iterator[range]:
        """The bytes of the arena, row by row, that still matter when a call is over."""
        for row in self.ring.kept(call):
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
    streamed_input: bool = False
    """Whether the input comes row by row."""

    @property
    def bytes(self) -> int:
        """The arena's size."""
        return max((buffer.end for buffer in self.buffers), default=0)

    def kept(self, call: int) -> list[range]:
        """The bytes of the arena that still matter when a call is over."""
        return [part for buffer in self.buffers for part in buffer.kept(call)]

    def buffer_of(self, tensor: int, *, scratch: bool = False) -> Buffer:
        """Of a tensor that is not a view; or the scratch memory of the step that makes it."""
        return next(
            buffer
            for buffer in self.buffers
            if (buffer.tensor, buffer.ring.scratch) == (tensor, scratch)
        )


def plan(program: Program, *, streamed_input: bool = False) -> Plan:
    """The least arena that the search finds, verified.

    ``streamed_input``: the input comes row by row. Raises PlanError where the verification fails.
    """
    candidates = [
        (pack(kept, NODES // PACKED).bytes, work, order, kept)
        for work in _tasks_to_try(program)
        for order, kept in _BarrierSearch(program, work, streamed_input=streamed_input).best()
    ]
    _, work, order, kept = min(candidates, key=lambda candidate: candidate[0])
    found = _planned(work, order, kept, streamed_input=streamed_input)
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
    """No two buffers that are live at once may harm each other. Raises PlanError."""
    for index, one in enumerate(plan.buffers):
        if one.offset < 0:
            raise PlanError(f"tensor {one.tensor} lies before the arena")
        if one.offset % one.ring.alignment:
            raise PlanError(f"tensor {one.tensor} is not aligned")
        for other in plan.buffers[index + 1 :]:
            distance = other.offset - one.offset
            if any(low < distance < high for low, high in conflicts(one.ring, other.ring)):
                raise PlanError(f"tensors {one.tensor} and {other.tensor} overlap")


def _tasks_to_try(program: Program) -> list[tuple[Task, ...]]:
    """By rows; where some steps add rows up, also with those taking their inputs whole, which saves
    their sums."""
    steps = program.steps
    if total_rows(program) > MOST_SCHEDULED_ROWS:
        return [tasks(program, {step.output for step in steps})]
    adding = {step.output for step in steps if step.rows is not None and step.rows.accumulated}
    return [tasks(program), *([tasks(program, adding)] if adding else [])]


def _planned(
    work: tuple[Task, ...], order: Schedule, found: list[Ring], *, streamed_input: bool = False
) -> Plan:
    packing = pack(found)
    buffers = tuple(
        Buffer(ring, offset) for ring, offset in zip(found, packing.offsets, strict=True)
    )
    return Plan(order, work, buffers, packing.proven, streamed_input)


class _BarrierSearch:
    """The search for the tensors at which a barrier makes the arena smaller."""

    def __init__(self, program: Program, work: tuple[Task, ...], *, streamed_input: bool) -> None:
        self.program = program
        self.tasks = work
        self.streamed_input = streamed_input
        self.left = SEARCHED_CALLS
        self.tried: dict[frozenset[int], tuple[int, Schedule, list[Ring]]] = {}
        tensors = program.graph.tensors
        self.candidates = [task.output for task in work if geometry(tensors[task.output])[0] > 1]

    def best(self) -> list[tuple[Schedule, list[Ring]]]:
        """The most promising schedules, with their rings; the two ends are always among them."""
        ends = (frozenset(self.candidates), frozenset[int]())
        for barriers in ends:
            self.descend(barriers)
        ranked = sorted(self.tried.values(), key=lambda found: (found[0], len(found[1].runs)))
        few = self._few(PACKED)
        packed = sorted(ranked[: few * few], key=lambda found: pack(found[2], 0).bytes)
        chosen = [*packed[:few], *(self.tried[barriers] for barriers in ends)]
        return [(order, found) for _, order, found in chosen]

    def _few(self, count: int) -> int:
        """Fewer of large networks, whose rings take long to hold each against each."""
        return max(count * MOST_SEARCHED**2 // max(len(self.tasks), MOST_SEARCHED) ** 2, 1)

    def descend(self, barriers: frozenset[int]) -> None:
        """Change one barrier at a time for as long as that helps."""
        best = self.judge(barriers)
        better = True
        while better:
            better = False
            for tensor in self.candidates:
                other = barriers ^ {tensor}
                if self.left > 0 and self.judge(other) < best:
                    barriers, best, better = other, self.judge(other), True

    def judge(self, barriers: frozenset[int]) -> int:
        """The peak of a schedule."""
        if barriers not in self.tried:
            streamed = self.streamed_input
            order = schedule(self.program, self.tasks, barriers, streamed_input=streamed)
            found = rings(self.program, self.tasks, order)
            self.tried[barriers] = (peak_bytes(found), order, found)
            self.left -= len(order.calls)
        return self.tried[barriers][0]
