"""Rings of rows: every read finds the row that it wants, and no ring is longer than it must be."""

import numpy as np
import pytest

from glyphite.convert.compiler.ir.program import Program
from glyphite.convert.compiler.ir.rows import Pool, Rows, RowWindow, geometry
from glyphite.convert.compiler.memory import rings as rings_module
from glyphite.convert.compiler.memory.conflicts import conflicts
from glyphite.convert.compiler.memory.packing import peak_bytes
from glyphite.convert.compiler.memory.plan import Plan, layer_by_layer, plan
from glyphite.convert.compiler.memory.rings import AllowedOverlap, Ring, fewest_rows, rings
from glyphite.convert.compiler.memory.schedule import INPUT, KernelCall, Schedule, schedule, tasks
from tests.builders.networks import RandomNetwork, random_network

SEEDS = range(60)
NOBODY = (-1, -1, -1)

Byte = tuple[int, int, int]
"""What a byte of the arena is: tensor, row, place in the row."""


class Memory:
    """The arena, each of whose bytes knows what it is: plays a plan and looks at every read."""

    def __init__(self, program: Program, made: Plan) -> None:
        self.program = program
        self.plan = made
        self.bytes: list[Byte] = [NOBODY] * made.bytes
        self.buffers = {b.tensor: b for b in made.buffers if not b.ring.scratch}
        self.scratches = {b.tensor: b for b in made.buffers if b.ring.scratch}

    def place(self, tensor: int, row: int) -> int:
        """Where a row lies."""
        buffer = self.buffers[tensor]
        return buffer.offset + row % buffer.ring.rows * buffer.ring.row_bytes

    def write(self, tensor: int, row: int, place: int) -> None:
        """One byte of a row."""
        self.bytes[self.place(tensor, row) + place] = (tensor, row, place)

    def read(self, tensor: int, row: int, first: int = 0) -> None:
        """Raise AssertionError unless a row is there from byte ``first`` on."""
        at = self.place(tensor, row)
        for place in range(max(first, 0), self.buffers[tensor].ring.row_bytes):
            found = self.bytes[at + place]
            assert found == (tensor, row, place), f"{(tensor, row, place)} wanted, {found} found"

    def play(self) -> None:
        """All calls."""
        source = self.program.graph.inputs[0]
        if INPUT not in {call.step for call in self.plan.schedule.calls}:
            for row in range(self.buffers[source].ring.height):
                self.write_row(source, row)
        for time, call in enumerate(self.plan.schedule.calls):
            if call.step == INPUT:
                self.write_row(source, call.number)
            else:
                self.call(call)
            self.forget(time)
        (output,) = self.program.graph.outputs
        for row in range(geometry(self.program.graph.tensors[self.program.base(output)])[0]):
            self.read(self.program.base(output), row)

    def write_row(self, tensor: int, row: int) -> None:
        """A whole row."""
        for place in range(self.buffers[tensor].ring.row_bytes):
            self.write(tensor, row, place)

    def call(self, call: KernelCall) -> None:
        """Read, scribble over the scratch memory, write byte by byte, and read again.

        While byte k of the output is written, a kernel that allows an overlap still needs what lies
        at or behind k - distance; one that does not, everything.
        """
        task = self.plan.tasks[call.step]
        step = self.program.steps[call.step]
        given = step.rows.overlaps if step.rows and task.by_rows else step.overlaps
        distances: dict[int, int | None] = {}
        for tensor, distance in zip(step.inputs, given, strict=True):
            base = self.program.base(tensor)
            before = distances.get(base, distance)
            distances[base] = None if distance is None or before is None else max(distance, before)
        reads = [(read.tensor, row) for read in task.reads[call.number]
                 for row in range(read.first, read.end)]  # fmt: skip
        for tensor, row in reads:
            self.read(tensor, row)
        if task.output in self.scratches and step.scratch_bytes:
            scratch = self.scratches[task.output]
            self.bytes[scratch.offset : scratch.end] = [NOBODY] * scratch.bytes
        written = 0
        for row in range(task.made(call.number), task.made(call.number + 1)):
            for place in range(self.buffers[task.output].ring.row_bytes):
                for tensor, needed in reads:
                    distance = distances[tensor]
                    skipped = 0 if distance is None else written - distance
                    if not task.by_rows:
                        skipped -= needed * self.buffers[tensor].ring.row_bytes
                    self.read(tensor, needed, skipped)
                self.write(task.output, row, place)
                written += 1
        for tensor, needed in reads:
            if distances[tensor] is None:
                self.read(tensor, needed)

    def forget(self, time: int) -> None:
        """Overwrite all that the plan calls dead."""
        kept = {at for part in self.plan.kept(time) for at in part}
        for at in set(range(len(self.bytes))) - kept:
            self.bytes[at] = NOBODY


def played(program: Program, *, streamed_input: bool = False) -> Plan:
    """A plan after a faultless performance."""
    made = plan(program, streamed_input=streamed_input)
    Memory(program, made).play()
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_every_read_of_a_random_network_finds_its_row(seed: int) -> None:
    program = random_network(seed)
    made = played(program)
    assert made.bytes <= layer_by_layer(program).bytes
    assert made.bytes >= peak_bytes([buffer.ring for buffer in made.buffers])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_read_finds_its_row_where_the_input_comes_row_by_row(seed: int) -> None:
    program = random_network(seed)
    made = played(program, streamed_input=True)
    given = [call.number for call in made.schedule.calls if call.step == INPUT]
    assert given == list(range(geometry(program.graph.tensors[0])[0]))


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_every_read_finds_its_row_layer_by_layer(seed: int) -> None:
    program = random_network(seed)
    made = layer_by_layer(program)
    assert made.schedule.regular
    Memory(program, made).play()


def _fails(program: Program) -> bool:
    try:
        played(program)
    except AssertionError as error:
        assert "wanted" in str(error)
        return True
    return False


def test_a_ring_one_row_too_short_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The performance above would notice: of networks with rings, most then lose a row."""

    def short(written: "np.ndarray[tuple[int], np.dtype[np.int64]]",
              last: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> int:  # fmt: skip
        return max(1, fewest_rows(written, last) - 1)

    programs = [random_network(seed) for seed in SEEDS[:12]]
    assert not any(map(_fails, programs))
    monkeypatch.setattr(rings_module, "fewest_rows", short)
    assert sum(map(_fails, programs)) > 4


def test_a_row_called_dead_too_early_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ring, "kept", lambda ring, call: [
        int(y) for y in np.flatnonzero((ring.written <= call) & (call < ring.last - 1))
    ])  # fmt: skip
    assert all(_fails(random_network(seed)) for seed in range(10))


def _chain(*kernels: int, height: int = 12) -> Program:
    """Convolutions of stride 1 without padding, one after another, and a whole step."""
    network = RandomNetwork(0)
    network.tensors.clear()
    source = network.tensor(height, 10)
    for kernel in kernels:
        height -= kernel - 1
        output = network.tensor(height, 10)
        window = RowWindow(height + kernel - 1, kernel)
        network.add((source,), output, _array(window))
        source = output
    network.add((source,), network.tensor(1, 1), None)
    return network.program()


def _array(window: RowWindow) -> Rows:
    return Rows("none", (window,), (None,), pointer_array=True)


def _kept(
    program: Program, *, barriers: tuple[int, ...] = (), streamed_input: bool = False
) -> dict[int, int]:
    """Rows kept of each tensor, with barriers at none, or at some."""
    work = tasks(program)
    order = schedule(program, work, barriers, streamed_input=streamed_input)
    return {ring.tensor: ring.rows for ring in rings(program, work, order)}


def test_a_ring_holds_as_many_rows_as_the_kernel_that_reads_it() -> None:
    program = _chain(3, 5, 2)
    assert _kept(program) == {0: 12, 1: 5, 2: 2, 3: 5, 4: 1}
    assert _kept(program, streamed_input=True)[0] == 3


def test_a_tensor_that_is_a_barrier_is_made_whole() -> None:
    assert _kept(_chain(3, 5, 2), barriers=(1,)) == {0: 12, 1: 10, 2: 2, 3: 5, 4: 1}


def test_a_residual_edge_needs_the_rows_that_wait_for_the_branch() -> None:
    """A row waits for 3x3 and 5x5 with padding, which look three rows ahead."""
    network = RandomNetwork(0)
    network.tensors.clear()
    tensors = [network.tensor(9, 4) for _ in range(6)]
    network.add((0,), 1, _array(RowWindow(9)))
    network.add((1,), 2, _array(RowWindow(9, 3, before=1)))
    network.add((2,), 3, _array(RowWindow(9, 5, before=2)))
    network.add((1, 3), 4, Rows("none", (RowWindow(9), RowWindow(9)), (None, None)))
    network.add((4,), 5, None)
    kept = _kept(network.program())
    assert [kept[tensor] for tensor in tensors[1:5]] == [4, 5, 1, 9]


def test_rows_that_nobody_reads_are_not_made() -> None:
    """Stride 3 over 2 rows skips every third, and never comes to the last ones."""
    network = RandomNetwork(0)
    network.tensors.clear()
    for height in (11, 11, 3, 1):
        network.tensor(height, 4)
    network.add((0,), 1, _array(RowWindow(11)))
    network.add((1,), 2, _array(RowWindow(11, kernel=2, stride=3)))
    network.add((2,), 3, None)
    program = network.program()
    assert [len(task.reads) for task in tasks(program)] == [8, 3, 1]
    assert _kept(program)[1] == 2


def test_a_step_that_accumulates_keeps_its_sums_from_first_to_last() -> None:
    network = RandomNetwork(0)
    network.tensors.clear()
    for height in (20, 20, 1):
        network.tensor(height, 30)
    network.add((0,), 1, _array(RowWindow(20)))
    network.add((1,), 2, Rows("none", (RowWindow(20),), (None,), accumulated=20, sums_bytes=8))
    program = network.program()
    made = played(program, streamed_input=True)
    sums = made.buffer_of(2, scratch=True)
    assert sums.offset % 4 == 0
    assert (sums.bytes, sums.last - sums.first) == (8, len(made.schedule.calls) - 3)
    assert all(list(sums.kept(call)) for call in range(sums.first, sums.last))
    assert made.bytes <= 8 + 3 * 30 + 2


def test_a_pool_meets_the_nearest_row_again_instead_of_one_outside() -> None:
    window = RowWindow(9, kernel=2, pool=Pool(height=7, output=4, kernel=2, stride=2, before=0))
    assert list(window.under(3)) == [6, 7, 6, 7]
    assert window.pool is not None
    assert window.pool.padded
    assert not Pool(height=8, output=4, kernel=2, stride=2, before=0).padded


@pytest.mark.parametrize(("written", "last", "rows"), [
    ([0, 1, 2, 3], [0, 1, 2, 3], 1),
    ([0, 1, 2, 3], [1, 2, 3, 4], 2),
    ([-1, -1, -1], [0, 1, 2], 3),
    ([0, 2, 4, 6], [5, 5, 7, 7], 3),
    ([0, 1, 2, 3], [9, 1, 2, 3], 4),
])  # fmt: skip
def test_a_ring_is_as_short_as_its_rows_lives_allow(
    written: list[int], last: list[int], rows: int
) -> None:
    assert fewest_rows(np.array(written), np.array(last)) == rows


def test_a_network_of_very_many_rows_goes_layer_by_layer() -> None:
    made = plan(_chain(3, 3, height=30_000))
    assert [call.step for call in made.schedule.calls] == [0, 1, 2]
    assert all(not task.by_rows for task in made.tasks)


def test_a_schedule_counts_turns_that_follow_each_other() -> None:
    order = Schedule((KernelCall(0, 0), KernelCall(0, 1), KernelCall(1, 0), KernelCall(0, 2)))
    assert order.runs == ((0, 2), (1, 1), (0, 1))
    assert not order.regular


def test_a_kernel_that_reads_its_input_first_may_write_anywhere_over_it() -> None:
    """A distance below zero: so many bytes are read before the first one is written."""
    source = Ring(0, 8, 1, np.array([-1]), np.array([0]))
    assert conflicts(source, _over(6, distance=-8)) == ()
    assert conflicts(source, _over(6, distance=-2)) == ((2, 8),)
    assert conflicts(source, _over(6, distance=0)) == ((0, 8),)
    assert conflicts(source, _over(6, distance=99)) == ((-6, 8),)


def _over(size: int, distance: int) -> Ring:
    """An output of one row that lies over tensor 0."""
    over = (AllowedOverlap(0, distance, whole=False),)
    return Ring(1, size, 1, np.array([0]), np.array([1]), over)


def test_rings_reach_into_rows_that_are_dead() -> None:
    """Three rows of 10 die one by one; the other's two rows of 4 come after the first two."""
    one = Ring(0, 10, 3, np.array([-1, -1, -1]), np.array([0, 2, 5]))
    other = Ring(1, 4, 2, np.array([1, 3]), np.array([9, 9]))
    assert conflicts(one, other) == ((6, 30),)
    assert conflicts(other, one) == ((-30, -6),)
    late = Ring(1, 4, 2, np.array([3, 3]), np.array([9, 9]))
    assert conflicts(one, late) == ((12, 30),)
