"""The order in which rows are made, found by asking for the output's rows in turn.

Each demand first asks for the input rows that it needs, so that every row is made as late as it
can be. A tensor that is a **barrier** is made whole at its first demand: what comes before it is
then over before anything after it begins. With barriers everywhere it goes layer by layer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from glyphite.convert.compiler.ir.graph import ABSENT
from glyphite.convert.compiler.ir.program import Program, Step
from glyphite.convert.compiler.ir.rows import Rows, geometry

INPUT = -1
"""In the place of a step: the caller gives the input's next row."""


@dataclass(frozen=True)
class Read:
    """Rows that a call reads of a tensor with memory of its own."""

    tensor: int
    first: int
    end: int


@dataclass(frozen=True)
class Task:
    """A step as its kernel calls: each reads rows and writes one, or a single one writes all."""

    output: int
    height: int
    """Rows of the output that are made: those that somebody reads."""
    reads: tuple[tuple[Read, ...], ...]
    """By call."""
    by_rows: bool
    """Whether a call takes or makes a row or some; otherwise there is one call."""
    rows_per_call: int = 1
    """Rows that a call makes; 0 where the last one makes all."""

    def made(self, calls: int) -> int:
        """Rows that are there after so many calls."""
        if self.rows_per_call == 0:
            return self.height if calls == len(self.reads) else 0
        return min(calls * self.rows_per_call, self.height)


@dataclass(frozen=True)
class KernelCall:
    """The ``number``-th call of a step: it makes a row, or takes one, or does all at once."""

    step: int
    number: int


@dataclass(frozen=True, eq=False)
class Schedule:
    """Kernel calls in order."""

    calls: tuple[KernelCall, ...]

    @cached_property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """(step, calls): calls of one step after another, counted."""
        found: list[tuple[int, int]] = []
        for call in self.calls:
            step, count = found[-1] if found else (None, 0)
            if step == call.step:
                found[-1] = (call.step, count + 1)
            else:
                found.append((call.step, 1))
        return tuple(found)

    @property
    def regular(self) -> bool:
        """Whether each step has all its calls at once."""
        return len(self.runs) == len({step for step, _ in self.runs})


def tasks(program: Program, whole: Collection[int] = ()) -> tuple[Task, ...]:
    """The program's steps as calls; those that make one of ``whole`` have a single one.

    Rows that nobody reads are not made, but the first row of each tensor is.
    """
    found: list[Task] = []
    needed: dict[int, int] = {}
    for tensor in (program.base(tensor) for tensor in program.graph.outputs):
        needed[tensor] = geometry(program.graph.tensors[tensor])[0]
    for step in reversed(program.steps):
        rows = None if step.output in whole else step.rows
        task = _task(program, step, rows, needed.get(step.output, 1))
        found.append(task)
        for read in (read for reads in task.reads for read in reads):
            needed[read.tensor] = max(needed.get(read.tensor, 0), read.end)
    return tuple(reversed(found))


def total_rows(program: Program) -> int:
    """Rows of all tensors that are made."""
    return sum(geometry(program.graph.tensors[step.output])[0] for step in program.steps)


def schedule(
    program: Program,
    work: tuple[Task, ...],
    barriers: Collection[int] = (),
    *,
    streamed_input: bool = False,
) -> Schedule:
    """The calls, with barriers at some tensors; ``streamed_input``: the input comes row by row."""
    demands = _Demands(program, work, barriers, streamed_input=streamed_input)
    for tensor in _ends(program, work):
        demands.ask(tensor)
    return Schedule(tuple(demands.calls))


def has_rows_of_its_own(program: Program, tensor: int) -> bool:
    """Whether a tensor is a view that divides its memory into other rows."""
    tensors = program.graph.tensors
    return geometry(tensors[tensor]) != geometry(tensors[program.base(tensor)])


def _task(program: Program, step: Step, rows: Rows | None, needed: int) -> Task:
    height = geometry(program.graph.tensors[step.output])[0]
    calls, made = 1, 0
    if rows is not None:
        made = 0 if rows.accumulated else rows.made
        calls = rows.accumulated or -(-needed // made)
        height = min(calls * made, height) if made else height
    reads = tuple(tuple(_reads(program, step, rows, call)) for call in range(calls))
    return Task(step.output, height, reads, by_rows=rows is not None, rows_per_call=made)


def _reads(program: Program, step: Step, rows: Rows | None, call: int) -> Iterator[Read]:
    windows = rows.windows if rows else (None,) * len(step.inputs)
    for tensor, window in zip(step.inputs, windows, strict=True):
        if tensor == ABSENT:
            continue
        base = program.base(tensor)
        first, end = 0, geometry(program.graph.tensors[base])[0]
        if window is not None and not has_rows_of_its_own(program, tensor):
            under = [row for row in window.under(call) if row is not None]
            first, end = (min(under), max(under) + 1) if under else (0, 0)
        if first < end:
            yield Read(base, first, end)


def _ends(program: Program, work: tuple[Task, ...]) -> list[int]:
    """What is asked for: tensors that no step reads, the output, and what is left of the input."""
    read = {read.tensor for task in work for reads in task.reads for read in reads}
    unread = [task.output for task in work if task.output not in read]
    outputs = [program.base(tensor) for tensor in program.graph.outputs]
    return [*unread, *outputs, *program.graph.inputs]


class _Demands:
    """Rows made so far, and the calls that made them."""

    def __init__(
        self,
        program: Program,
        work: tuple[Task, ...],
        barriers: Collection[int],
        *,
        streamed_input: bool,
    ) -> None:
        self.tasks = work
        self.barriers = barriers
        self.producers = {task.output: index for index, task in enumerate(work)}
        self.heights = {task.output: task.height for task in work}
        self.made = dict.fromkeys(self.producers, 0)
        for tensor in program.graph.inputs:
            self.heights[tensor] = geometry(program.graph.tensors[tensor])[0]
            self.made[tensor] = 0 if streamed_input else self.heights[tensor]
        self.taken = [0] * len(work)
        self.calls: list[KernelCall] = []

    def ask(self, tensor: int) -> None:
        """Make all rows of a tensor, and what they need. Demands wait on a stack of their own."""
        waiting = [(tensor, self.heights[tensor])]
        while waiting:
            wanted, end = waiting[-1]
            if self.made[wanted] >= end:
                waiting.pop()
                continue
            missing = self._missing(wanted)
            waiting.extend(missing)
            if not missing:
                self._make(wanted)

    def _missing(self, tensor: int) -> list[tuple[int, int]]:
        """What the next call of a tensor's step needs and lacks: (tensor, rows), last one first."""
        if tensor not in self.producers:
            return []
        index = self.producers[tensor]
        return [
            (read.tensor, self.heights[read.tensor] if read.tensor in self.barriers else read.end)
            for read in reversed(self.tasks[index].reads[self.taken[index]])
            if self.made[read.tensor] < read.end
        ]

    def _make(self, tensor: int) -> None:
        """The next call."""
        index = self.producers.get(tensor, INPUT)
        if index == INPUT:
            self.calls.append(KernelCall(INPUT, self.made[tensor]))
            self.made[tensor] += 1
            return
        self.calls.append(KernelCall(index, self.taken[index]))
        self.taken[index] += 1
        self.made[tensor] = self.tasks[index].made(self.taken[index])
