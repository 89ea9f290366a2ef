"""Kernels of a processor where their scratch memory fits: in the least arena, and not a byte more.

The plan of the portable kernels is the least. Each of its steps becomes, in order of their MACs,
the first of its faster forms with which all buffers still find room in that arena.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from glyphite.convert.compiler.ir.program import Layer, Program, Step
from glyphite.convert.compiler.memory.packing import fullest_turn, pack
from glyphite.convert.compiler.memory.plan import Buffer, Plan, verify
from glyphite.convert.compiler.memory.rings import rings

NODES = 500
"""Branches of the search for places, a form."""

Forms = Callable[[Step], Iterator[Step]]


def fit(program: Program, plan: Plan, forms: Forms) -> tuple[Program, Plan]:
    """The program by those of ``forms`` that fit ``plan``'s arena, and the plan with them."""
    order = sorted(
        (index for index, layer in enumerate(program.layers) if isinstance(layer.lowered, Step)),
        key=lambda index: -_step(program, index).macs,
    )
    for index in order:
        for form in forms(_step(program, index)):
            trial = _with(program, index, form)
            found = _replanned(trial, plan) if _same_turns(plan, form) else None
            if found is not None:
                program, plan = trial, found
                break
    verify(plan)
    return program, plan


def _step(program: Program, index: int) -> Step:
    step = program.layers[index].lowered
    assert isinstance(step, Step)
    return step


def _with(program: Program, index: int, step: Step) -> Program:
    layers = list(program.layers)
    layers[index] = Layer(layers[index].operator, step)
    return Program(program.graph, tuple(layers))


def _same_turns(plan: Plan, form: Step) -> bool:
    """Whether the form goes by rows as the plan has it."""
    (task,) = (task for task in plan.tasks if task.output == form.output)
    return task.by_rows == (form.rows is not None)


def _replanned(program: Program, plan: Plan) -> Plan | None:
    """The plan's schedule with the program's buffers, if they take no more than before."""
    found = rings(program, plan.tasks, plan.schedule)
    if fullest_turn(found) > plan.bytes:
        return None
    packing = pack(found, NODES)
    if packing.bytes > plan.bytes:
        return None
    buffers = (Buffer(ring, at) for ring, at in zip(found, packing.offsets, strict=True))
    return replace(plan, buffers=tuple(buffers), proven=plan.proven)
