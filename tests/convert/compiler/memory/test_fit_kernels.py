"""Kernels whose scratch memory fits the least arena: the first form that does, and never a byte
more."""

from dataclasses import replace

import pytest

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Layer, Program, Step
from glyphite.convert.compiler.memory.fit_kernels import fit
from glyphite.convert.compiler.memory.plan import plan
from tests.builders.networks import NO_KERNEL, NoConstants, random_network

FAST = Kernel("fast/none.h", NoConstants)
SIZES = (64, 32, 16)


def chain(*sizes: int) -> Program:
    """Steps one behind the other over tensors of so many bytes, none of which may overlap."""
    scale = Quantization((0.1,), (0,))
    tensors = tuple(Tensor(f"t{i}", (size,), "int8", scale) for i, size in enumerate(sizes))
    layers = [
        Layer(
            Operator(index, "NONE", None, (index,), (index + 1,)),
            Step(NO_KERNEL, (index,), index + 1, (None,), NoConstants()),
        )
        for index in range(len(sizes) - 1)
    ]
    last = (len(sizes) - 1,)
    return Program(Graph(tensors, tuple(x.operator for x in layers), (0,), last), tuple(layers))


def forms(step: Step) -> tuple[list[Step], tuple[Decision, ...]]:
    """The same step with ever less scratch memory."""
    return [replace(step, kernel=FAST, scratch_bytes=size) for size in SIZES], ()


def test_the_first_form_is_taken_that_fits() -> None:
    """The first step fills the arena; the second leaves 32 of its 80 bytes."""
    program = chain(40, 40, 8)
    found, made = fit(program, plan(program), forms)
    assert [(step.kernel, step.scratch_bytes) for step in found.steps] == [
        (NO_KERNEL, 0), (FAST, 32),
    ]  # fmt: skip
    assert made.bytes == 80
    assert made.buffer_of(2, scratch=True).bytes == 32


def test_each_step_says_whether_there_was_room_and_how_much_was_asked_for() -> None:
    program = chain(40, 40, 8)
    found, _ = fit(program, plan(program), forms)
    (refused,), (taken,) = (step.decisions for step in found.steps)
    assert (refused.holds, refused.detail) == (
        False, "of 3 forms, the least takes 16 bytes, or other rows",
    )  # fmt: skip
    assert (taken.holds, taken.detail) == (True, "form 2 of 3: 32 bytes")


@pytest.mark.parametrize("seed", range(60))
def test_no_kernel_makes_the_arena_larger(seed: int) -> None:
    program = random_network(seed)
    least = plan(program)
    found, made = fit(program, least, forms)
    assert made.bytes <= least.bytes
    for buffer in (buffer for buffer in made.buffers if buffer.ring.scratch):
        (step,) = (step for step in found.steps if step.output == buffer.tensor)
        assert buffer.bytes >= step.scratch_bytes


@pytest.mark.parametrize("seed", range(5))
def test_a_form_goes_by_rows_exactly_where_the_plan_does(seed: int) -> None:
    """Forms of whole tensors, and not by rows: only steps of whole tensors can take them."""
    program = random_network(seed)
    least = plan(program)
    found, _ = fit(program, least, lambda step: ([replace(step, kernel=FAST, rows=None)], ()))
    for step, task in zip(found.steps, least.tasks, strict=True):
        assert step.kernel is NO_KERNEL or not task.by_rows
    assert any(step.kernel is NO_KERNEL for step in found.steps)
