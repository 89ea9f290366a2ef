"""Liveness, row by row: when each row is needed, and how many rows a ring must hold for that.

Times are places of kernel calls in the schedule. A row is live from the call that writes it to the
last that reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import ABSENT, ITEM_BYTES
from glyphite.convert.compiler.ir.program import Program, Step
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.compiler.memory.schedule import INPUT, Schedule, Task, has_rows_of_its_own

Times = NDArray[np.int64]

SCRATCH_ALIGNMENT = 4


@dataclass(frozen=True)
class AllowedOverlap:
    """An input that an output may overlap: where the call that writes is its last reader."""

    tensor: int
    distance: int
    """Bytes by which the output must start before the input, if it does not lie behind it."""
    whole: bool
    """Whether the distance counts from tensor to tensor, or from row to row."""


@dataclass(frozen=True, eq=False)
class Ring:
    """Memory of a tensor: row y lies at ``(y % rows) * row_bytes`` from its start.

    The scratch memory of a step is a ring of one row under the step's output, with ``scratch``.
    """

    tensor: int
    row_bytes: int
    rows: int
    """That are kept."""
    written: Times
    """(height) the call that writes each row; -1 for the model's input."""
    last: Times
    """(height) the last call that reads each row; the number of calls for the model's output."""
    overlaps: tuple[AllowedOverlap, ...] = ()
    alignment: int = 1
    scratch: bool = False

    @property
    def height(self) -> int:
        """Rows of the tensor."""
        return len(self.written)

    @property
    def bytes(self) -> int:
        """Of the ring."""
        return self.rows * self.row_bytes

    @cached_property
    def first(self) -> int:
        """The call from which on it is live."""
        return int(self.written.min())

    @cached_property
    def end(self) -> int:
        """The last call at which it is live."""
        return int(self.last.max())

    @cached_property
    def starts(self) -> Times:
        """(height) where each row lies, from the ring's start."""
        return np.arange(self.height) % self.rows * self.row_bytes

    @cached_property
    def as_one_row(self) -> Ring:
        """The same memory, where all rows live and die together: much quicker to compare."""
        if self.height == 1 or self.rows < self.height or np.ptp(self.written) or np.ptp(self.last):
            return self
        return replace(
            self, row_bytes=self.bytes, rows=1, written=self.written[:1], last=self.last[:1]
        )

    def kept(self, call: int) -> list[int]:
        """The rows whose bytes still matter when a call is over."""
        return [int(y) for y in np.flatnonzero((self.written <= call) & (call < self.last))]


def rings(program: Program, work: Sequence[Task], order: Schedule) -> list[Ring]:
    """The memory that a schedule needs, in the order in which it is first written."""
    written, last = _lives(program, work, order)
    whole = _in_one_piece(program, work)
    overlaps = {
        step.output: _overlaps(program, step, task)
        for step, task in zip(program.steps, work, strict=True)
    }
    found = []
    for tensor in written:
        height, row_bytes = geometry(program.graph.tensors[tensor])
        kept = height if tensor in whole else fewest_rows(written[tensor], last[tensor])
        alignment = ITEM_BYTES[program.graph.tensors[tensor].dtype]
        found.append(
            Ring(tensor, row_bytes, kept, written[tensor], last[tensor], overlaps.get(tensor, ()),
                 alignment)
        )  # fmt: skip
    found.extend(_scratches(program, work, order))
    return sorted(found, key=lambda ring: (ring.first, ring.tensor))


def fewest_rows(written: Times, last: Times) -> int:
    """Rows of the smallest ring in which no row is written over before its last reading."""
    needed_until = np.maximum.accumulate(last)
    free_from = np.searchsorted(written, needed_until, side="right")
    rows = free_from - np.arange(len(written))
    return int(min(rows.max(), len(written)))


def _lives(
    program: Program, work: Sequence[Task], order: Schedule
) -> tuple[dict[int, Times], dict[int, Times]]:
    """(written, last) of each row of each tensor."""
    tensors = program.graph.tensors
    heights = {task.output: task.height for task in work}
    heights.update({tensor: geometry(tensors[tensor])[0] for tensor in program.graph.inputs})
    written = {tensor: np.full(height, -1, np.int64) for tensor, height in heights.items()}
    last = {tensor: np.full(height, -1, np.int64) for tensor, height in heights.items()}
    for time, call in enumerate(order.calls):
        if call.step == INPUT:
            written[program.graph.inputs[0]][call.number] = time
            continue
        task = work[call.step]
        written[task.output][task.made(call.number) : task.made(call.number + 1)] = time
        for read in task.reads[call.number]:
            last[read.tensor][read.first : read.end] = time
    for tensor in program.graph.outputs:
        last[program.base(tensor)][:] = len(order.calls)
    return written, {tensor: np.maximum(last[tensor], written[tensor]) for tensor in written}


def _in_one_piece(program: Program, work: Sequence[Task]) -> set[int]:
    """The tensors that some reader needs whole, in order."""
    found = {program.base(tensor) for tensor in program.graph.outputs}
    for step, task in zip(program.steps, work, strict=True):
        for tensor in step.inputs:
            if tensor != ABSENT and (not task.by_rows or has_rows_of_its_own(program, tensor)):
                found.add(program.base(tensor))
    return found


def _overlaps(program: Program, step: Step, task: Task) -> tuple[AllowedOverlap, ...]:
    """The inputs that an output may overlap: each once, with the longest distance asked for."""
    distances: dict[int, int | None] = {}
    given = step.rows.overlaps if step.rows is not None and task.by_rows else step.overlaps
    for tensor, distance in zip(step.inputs, given, strict=True):
        base = program.base(tensor)
        before = distances.get(base, distance)
        distances[base] = None if distance is None or before is None else max(distance, before)
    return tuple(
        AllowedOverlap(base, distance, whole=not task.by_rows)
        for base, distance in distances.items()
        if distance is not None
    )


def _scratches(program: Program, work: Sequence[Task], order: Schedule) -> list[Ring]:
    """The scratch memory of steps, for a call, or from first to last where it holds sums."""
    found = []
    for index, (step, task) in enumerate(zip(program.steps, work, strict=True)):
        sums = step.rows.sums_bytes if step.rows is not None and task.by_rows else 0
        size = step.scratch_bytes + sums
        if size > 0:
            times = np.array([time for time, call in enumerate(order.calls) if call.step == index])
            written, last = (times[:1], times[-1:]) if sums else (times, times)
            found.append(
                Ring(step.output, size, 1, written, last, (), SCRATCH_ALIGNMENT, scratch=True)
            )
    return found
