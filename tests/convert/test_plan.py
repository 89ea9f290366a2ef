"""The arena: no two tensors harm each other, and none of it is wasted."""

import ctypes
import dataclasses
import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.compiler import Compiled, compile_model
from convert.graph import Graph, Operator, Quantization, Tensor
from convert.plan import Buffer, Plan, buffers, lower_bound, plan, verify
from convert.program import Layer, Program, Step, View
from convert.workspace import ModelFolder
from host.runners.compiled import c_compiler
from host.runners.tflm import infer
from tests.convert.models import hard_inputs

Call = tuple[tuple[int, ...], int, tuple[int | None, ...]]
"""A step: inputs, output, leads."""


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
            inputs, made, leads = call
            lowered = Step("none", inputs, made, leads)
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
        leads = tuple(None if rng.random() < 0.4 else int(rng.integers(0, 20)) for _ in inputs)
        calls.append((inputs, output, leads))
    return program(sizes, calls, 5)


def _least(wanted: list[Buffer]) -> int:
    """The smallest arena, found the long way: every order, every buffer at every byte."""
    best = sum(buffer.bytes for buffer in wanted)
    for order in itertools.permutations(wanted):
        placed: list[Buffer] = []
        for buffer in order:
            for offset in range(best):
                at = dataclasses.replace(buffer, offset=offset)
                if all(at.apart(other) for other in placed):
                    break
            placed.append(at)
            if at.end >= best:
                break
        else:
            best = min(best, max(buffer.end for buffer in placed))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_plans_of_random_graphs_are_the_least_there_are(seed: int) -> None:
    wanted = buffers(_random(seed))
    found = plan(_random(seed))
    assert found.proven
    assert lower_bound(wanted) <= found.bytes == _least(wanted)


def test_a_graph_too_large_to_search_still_gets_a_plan_without_harm() -> None:
    calls: list[Call | tuple[int, int]] = [
        ((max(0, index - 3), index), index + 1, (None, 4)) for index in range(600)
    ]
    found = plan(program([7 + index % 13 for index in range(601)], calls, 600))
    verify(found)
    assert found.bytes < 150


def test_a_plan_in_which_two_live_tensors_overlap_is_caught() -> None:
    one = Buffer(tensor=0, bytes=10, first=-1, last=1)
    two = Buffer(tensor=1, bytes=10, first=0, last=2, offset=9)
    with pytest.raises(AssertionError, match="tensors 0 and 1 overlap"):
        verify(Plan((one, two), proven=False))
    verify(Plan((one, dataclasses.replace(two, offset=10)), proven=False))


def test_a_plan_in_which_an_output_starts_too_late_is_caught() -> None:
    source = Buffer(tensor=0, bytes=10, first=-1, last=0, offset=4)
    output = Buffer(tensor=1, bytes=30, first=0, last=1, over=((0, 5),))
    with pytest.raises(AssertionError, match="overlap"):
        verify(Plan((source, output), proven=False))
    verify(Plan((dataclasses.replace(source, offset=5), output), proven=False))


POISON = """
static void poison(int step);
#define MODEL_STEP(step) poison(step)
#include "model.c"
#include <string.h>
/* Overwrites every byte that no later step may need. */
static void poison(int step) {{
    static const unsigned char kept[][MODEL_ARENA_BYTES] = {{ {rows} }};
    for (int i = 0; i < MODEL_ARENA_BYTES; i++) {{
        if (!kept[step][i]) {{
            arena[i] = (int8_t)(0x55 + i);
        }}
    }}
}}
"""


def _kept(compiled: Compiled, step: int) -> list[int]:
    kept = np.zeros(compiled.arena_bytes, np.uint8)
    for buffer in compiled.plan.kept(step):
        kept[buffer.offset : buffer.end] = 1
    return [int(value) for value in kept]


def _poisoned(compiled: Compiled, folder: Path, tensors: NDArray[np.int8]) -> NDArray[np.int8]:
    """The outputs of the generated C when all dead memory is overwritten after each step."""
    compiled.write(folder)
    steps = range(len(compiled.program.steps))
    rows = ",\n".join("{" + ",".join(map(str, _kept(compiled, step))) + "}" for step in steps)
    (folder / "poison.c").write_text(POISON.format(rows=rows))
    command = [c_compiler(), "-O1", "-shared", "-fPIC", "-o", "poison.so", "poison.c"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "poison.so"))
    library.model_input.restype = library.model_output.restype = ctypes.c_void_p
    outputs = []
    for tensor in tensors:
        ctypes.memmove(library.model_input(), tensor.ctypes.data, tensor.nbytes)
        library.model_invoke()
        outputs.append(np.frombuffer(ctypes.string_at(library.model_output(), 10), np.int8))
    return np.array(outputs)


def test_the_seed_network_answers_the_same_when_dead_memory_is_overwritten(
    seed: ModelFolder, tmp_path: Path
) -> None:
    content = seed.tflite.read_bytes()
    tensors = hard_inputs(np.random.default_rng(0), (1, 28, 28, 1), 6)
    compiled = compile_model(content, "seed")
    found = _poisoned(compiled, tmp_path, tensors)
    assert np.array_equal(found, infer(content, tensors))


def test_the_seed_networks_arena_is_no_more_than_its_layers_need(seed: ModelFolder) -> None:
    """5,560 bytes, where TensorFlow Lite Micro takes 30,756."""
    compiled = compile_model(seed.tflite.read_bytes(), "seed")
    assert compiled.plan.proven
    assert compiled.arena_bytes == 5560
