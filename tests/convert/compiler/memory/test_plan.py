"""The arena: no two tensors harm each other, and none of it is wasted."""

import dataclasses
import functools
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ir.program import Layer, Program, Step, View
from glyphite.convert.compiler.memory import plan as plan_module
from glyphite.convert.compiler.memory.conflicts import conflicts
from glyphite.convert.compiler.memory.packing import pack, peak_bytes
from glyphite.convert.compiler.memory.plan import Buffer, Plan, PlanError, plan, verify
from glyphite.convert.compiler.memory.rings import AllowedOverlap, Ring
from glyphite.convert.compiler.memory.schedule import Schedule, tasks
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.tflm import infer
from tests.builders.models import hard_inputs
from tests.builders.networks import NO_KERNEL, NoConstants, random_network
from tests.builders.poison import poisoned

Call = tuple[tuple[int, ...], int, tuple[int | None, ...]]
"""A step: inputs, output, distances."""


def program(sizes: list[int], calls: list[Call | tuple[int, int]], output: int) -> Program:
    """Steps over tensors of so many bytes; a pair is a view. Tensor 0 is the input."""
    scale = Quantization((0.1,), (0,))
    tensors = tuple(Tensor(f"t{i}", (size,), "int8", scale) for i, size in enumerate(sizes))
    layers = []
    for index, call in enumerate(calls):
        lowered: Step | View
        if len(call) == 2:
            lowered = View(*call)
            inputs: tuple[int, ...] = (call[0],)
            made = call[1]
        else:
            inputs, made, overlaps = call
            lowered = Step(NO_KERNEL, inputs, made, overlaps, NoConstants())
        layers.append(Layer(Operator(index, "NONE", None, inputs, (made,)), lowered))
    graph = Graph(tensors, tuple(layer.operator for layer in layers), (0,), (output,))
    return Program(graph, tuple(layers))


def offsets(found: Plan) -> dict[int, int]:
    """Offset by tensor."""
    return {buffer.tensor: buffer.offset for buffer in found.buffers}


def test_a_chain_takes_its_fullest_step() -> None:
    found = plan(program([10, 30, 20, 5], [((0,), 1, (None,)), ((1,), 2, (None,)),
                                           ((2,), 3, (None,))], 3))  # fmt: skip
    assert found.bytes == 50
    assert found.proven


def test_an_output_lies_over_an_input_where_the_kernel_allows_it() -> None:
    found = plan(program([10, 10], [((0,), 1, (0,))], 1))
    assert offsets(found) == {0: 0, 1: 0}
    assert found.bytes == 10


def test_an_output_starts_as_far_ahead_of_its_input_as_the_lead_asks() -> None:
    found = plan(program([10, 30], [((0,), 1, (25,))], 1))
    assert offsets(found) == {1: 0, 0: 25}
    assert found.bytes == 35


def test_an_input_that_is_read_later_is_not_overwritten() -> None:
    calls: list[Call | tuple[int, int]] = [((0,), 1, (0,)), ((0, 1), 2, (0, 0))]
    assert plan(program([10, 10, 10], calls, 2)).bytes == 20


def test_the_models_output_outlives_its_readers() -> None:
    found = plan(program([10, 10, 10], [((0,), 1, (None,)), ((1,), 2, (0,))], 1))
    assert found.bytes == 20
    assert next(buffer for buffer in found.buffers if buffer.tensor == 1).last == 2


def test_a_view_lies_where_its_input_lies_and_keeps_it_alive() -> None:
    calls: list[Call | tuple[int, int]] = [
        ((0,), 1, (None,)), (1, 2), ((0,), 3, (None,)), ((2, 3), 4, (0, 0)),
    ]  # fmt: skip
    found = plan(program([10, 8, 8, 8, 8], calls, 4))
    assert {buffer.tensor for buffer in found.buffers} == {0, 1, 3, 4}
    one = next(buffer for buffer in found.buffers if buffer.tensor == 1)
    assert (one.first, one.last) == (0, 2)


def test_a_view_of_the_input_can_be_the_output() -> None:
    found = plan(program([10, 10], [(0, 1)], 1))
    assert (found.bytes, len(found.buffers)) == (10, 1)


def test_an_input_read_twice_by_one_step_asks_for_the_longer_lead() -> None:
    assert plan(program([10, 10], [((0, 0), 1, (0, 4))], 1)).bytes == 14
    assert plan(program([10, 10], [((0, 0), 1, (0, None))], 1)).bytes == 20


def _random(seed: int) -> Program:
    """A small graph with branches, views left out."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 40, 6)]
    calls: list[Call | tuple[int, int]] = []
    for output in range(1, 6):
        count = min(output, int(rng.integers(1, 3)))
        inputs = tuple(int(i) for i in rng.choice(output, count, replace=False))
        distances = tuple(None if rng.random() < 0.4 else int(rng.integers(0, 20)) for _ in inputs)
        calls.append((inputs, output, distances))
    return program(sizes, calls, 5)


def _least(rings: list[Ring]) -> int:
    """The smallest arena, found the long way: every order, every ring at every byte."""
    best = sum(ring.bytes for ring in rings)
    for order in itertools.permutations(rings):
        placed: list[tuple[Ring, int]] = []
        for ring in order:
            offset = next(
                offset
                for offset in itertools.count()
                if not any(_harms(other, at, ring, offset) for other, at in placed)
            )
            placed.append((ring, offset))
            if offset + ring.bytes >= best:
                break
        else:
            best = max(offset + ring.bytes for ring, offset in placed)
    return best


def _harms(one: Ring, at: int, other: Ring, offset: int) -> bool:
    return any(low < offset - at < high for low, high in _conflicts(one, other))


_conflicts = functools.cache(conflicts)


@pytest.mark.parametrize("seed", range(12))
def test_plans_of_random_graphs_are_the_least_there_are(seed: int) -> None:
    found = plan(_random(seed))
    rings = [buffer.ring for buffer in found.buffers]
    assert found.proven
    assert peak_bytes(rings) <= found.bytes == _least(rings)


@pytest.mark.parametrize(("seed", "steps"), [(20, 6), (783, 12)])
def test_no_other_barriers_make_less_of_a_peak_than_those_that_are_found(
    seed: int, steps: int
) -> None:
    """Those of the first network are found from none on, those of the second from all."""
    network = random_network(seed, steps)
    search = plan_module._BarrierSearch(network, tasks(network), streamed_input=False)
    search.best()
    found = min(peak for peak, _, _ in search.tried.values())
    sets = (itertools.combinations(search.candidates, n) for n in range(len(search.candidates) + 1))
    assert found == min(search.judge(frozenset(one)) for one in itertools.chain(*sets))


def test_the_search_for_barriers_ends_when_its_calls_are_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_module, "SEARCHED_CALLS", 100)
    network = random_network(783, 12)
    search = plan_module._BarrierSearch(network, tasks(network), streamed_input=False)
    search.best()
    calls = [len(order.calls) for _, order, _ in search.tried.values()]
    assert len(calls) > 4
    assert sum(calls) < 100 + 3 * max(calls)


def test_a_graph_too_large_to_search_still_gets_a_plan_without_harm() -> None:
    calls: list[Call | tuple[int, int]] = [
        ((max(0, index - 3), index), index + 1, (None, 4)) for index in range(600)
    ]
    found = plan(program([7 + index % 13 for index in range(601)], calls, 600))
    verify(found)
    assert found.bytes < 150


def test_floats_lie_at_multiples_of_four() -> None:
    """Int8 buffers of odd sizes around them, and one that a float output lies over."""
    small = program([5, 3, 4, 3, 1], [((0,), 1, (None,)), ((1, 0), 2, (None, 6)),
                                     ((0, 2), 3, (None, None)), ((3,), 4, (0,))], 4)  # fmt: skip
    floats = [dataclasses.replace(tensor, dtype="float32") if index in (2, 4) else tensor
              for index, tensor in enumerate(small.graph.tensors)]  # fmt: skip
    graph = dataclasses.replace(small.graph, tensors=tuple(floats))
    found = plan(Program(graph, small.layers))
    verify(found)
    assert [offsets(found)[index] % 4 for index in (2, 4)] == [0, 0]


def ring(tensor: int, size: int, first: int, last: int, distance: int | None = None) -> Ring:
    """A tensor of one row; with a distance, it may lie over tensor 0."""
    over = () if distance is None else (AllowedOverlap(0, distance, whole=True),)
    return Ring(tensor, size, 1, np.array([first]), np.array([last]), over)


def made(*placed: tuple[Ring, int]) -> Plan:
    """A plan of rings at offsets."""
    buffers = tuple(Buffer(ring, offset) for ring, offset in placed)
    return Plan(Schedule(()), (), buffers, proven=False)


def test_a_plan_in_which_a_float_is_not_aligned_is_caught() -> None:
    odd = dataclasses.replace(ring(0, 8, -1, 1), alignment=4)
    with pytest.raises(PlanError, match="tensor 0 is not aligned"):
        verify(made((odd, 6)))
    verify(made((odd, 8)))


@pytest.mark.parametrize("seed", range(20))
def test_each_ring_is_placed_at_a_multiple_of_its_alignment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lives = [sorted(rng.integers(0, 6, 2).tolist()) for _ in range(6)]
    rings = [
        dataclasses.replace(
            ring(index, int(rng.integers(1, 30)), *life), alignment=1 + index % 2 * 3
        )
        for index, life in enumerate(lives)
    ]
    found = pack(rings)
    assert not [at for at, one in zip(found.offsets, rings, strict=True) if at % one.alignment]
    verify(made(*zip(rings, found.offsets, strict=True)))


def test_a_plan_in_which_a_tensor_lies_before_the_arena_is_caught() -> None:
    with pytest.raises(PlanError, match="tensor 0 lies before the arena"):
        verify(made((ring(0, 8, -1, 1), -1)))


def test_the_peak_is_what_lives_at_the_fullest_call() -> None:
    """What is read last at a call lives beside what it writes, but for what may overlap."""
    source, other = ring(0, 10, -1, 0), ring(2, 7, -1, 0)
    assert peak_bytes([source, other, ring(1, 5, 0, 1)]) == 22
    assert peak_bytes([source, other, ring(1, 5, 0, 1, distance=0)]) == 17
    assert peak_bytes([source, other, ring(1, 5, 0, 1, distance=3)]) == 20


def test_an_output_over_two_inputs_saves_no_more_than_its_own_bytes() -> None:
    over = (AllowedOverlap(0, 0, whole=True), AllowedOverlap(2, 0, whole=True))
    output = dataclasses.replace(ring(1, 5, 0, 1), overlaps=over)
    beside = ring(3, 20, 0, 0)
    assert peak_bytes([ring(0, 10, -1, 0), ring(2, 7, -1, 0), output, beside]) == 37


def test_a_plan_in_which_two_live_tensors_overlap_is_caught() -> None:
    one, two = ring(0, 10, -1, 1), ring(1, 10, 0, 2)
    with pytest.raises(PlanError, match="tensors 0 and 1 overlap"):
        verify(made((one, 0), (two, 9)))
    verify(made((one, 0), (two, 10)))


def test_a_plan_in_which_an_output_starts_too_late_is_caught() -> None:
    source, output = ring(0, 10, -1, 0), ring(1, 30, 0, 1, distance=5)
    with pytest.raises(PlanError, match="overlap"):
        verify(made((source, 4), (output, 0)))
    verify(made((source, 5), (output, 0)))


def test_the_seed_network_answers_the_same_when_dead_memory_is_overwritten(
    seed: ModelFolder,
) -> None:
    content = seed.tflite.read_bytes()
    tensors = hard_inputs(np.random.default_rng(0), (1, 28, 28, 1), 6)
    compiled = compile_model(content, "seed")
    found = poisoned(compiled, tensors)
    assert np.array_equal(found, infer(content, tensors))


def test_the_seed_networks_arena_is_no_more_than_its_layers_need(seed: ModelFolder) -> None:
    """3,112 bytes, where TensorFlow Lite Micro takes 30,468."""
    compiled = compile_model(seed.tflite.read_bytes(), "seed")
    assert compiled.plan.proven
    assert compiled.arena_bytes == 3112


def test_a_wrong_plan_is_caught_also_where_python_drops_its_assertions() -> None:
    """``python -O``: an overlap must not become C."""
    program = (
        "import numpy as np\n"
        "from glyphite.convert.compiler.memory.plan import Buffer, Plan, PlanError, verify\n"
        "from glyphite.convert.compiler.memory.rings import Ring\n"
        "from glyphite.convert.compiler.memory.schedule import Schedule\n"
        "one, two = (Ring(t, 10, 1, np.array([0]), np.array([1])) for t in (0, 1))\n"
        "plan = Plan(Schedule(()), (), (Buffer(one, 0), Buffer(two, 9)), False)\n"
        "try:\n    verify(plan)\n"
        "except PlanError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tensors 0 and 1 overlap" in done.stdout
