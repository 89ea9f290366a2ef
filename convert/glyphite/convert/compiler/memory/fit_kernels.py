"""Kernels of a processor where their scratch memory fits: in the least arena, and not a byte more.

The plan of the portable kernels is the least. Each of its steps becomes, in order of their MACs,
the first of its faster forms with which all buffers still find room in that arena.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from glyphite.convert.compiler.ir.decision import Basis, Decision
from glyphite.convert.compiler.ir.program import Program, Step
from glyphite.convert.compiler.memory.packing import pack, peak_bytes
from glyphite.convert.compiler.memory.plan import Buffer, Plan, verify
from glyphite.convert.compiler.memory.rings import rings

NODES = 500
"""Branches of the search for places, a form."""

Forms = Callable[[Step], tuple[list[Step], tuple[Decision, ...]]]


def fit(program: Program, plan: Plan, forms: Forms) -> tuple[Program, Plan]:
    """The program by those of ``forms`` that fit ``plan``'s arena, and the plan with them.

    Raises PlanError where its verification fails.
    """
    for step in sorted(program.steps, key=lambda step: -step.macs):
        made, asked = forms(step)
        found = _first_that_fits(program, plan, made)
        if found is None:
            refused = (*(made[0].decisions if made else asked), *_no_room(made))
            program = program.with_steps({step.output: step.after(*refused)})
            continue
        place, plan = found
        taken = made[place]
        detail = f"form {place + 1} of {len(made)}: {taken.scratch_bytes:,} bytes"
        fits = _fits(True, detail)
        taken = replace(taken, decisions=(*taken.decisions, fits))
        program = program.with_steps({step.output: taken})
    verify(plan)
    return program, plan


def _first_that_fits(
    program: Program, plan: Plan, forms: Sequence[Step]
) -> tuple[int, Plan] | None:
    """Which form finds room, and the plan with it."""
    for place, form in enumerate(forms):
        if _same_rows(plan, form):
            found = _replanned(program.with_steps({form.output: form}), plan)
            if found is not None:
                return place, found
    return None


def _fits(holds: bool, detail: str) -> Decision:
    return Decision("scratch memory fits the least arena", holds, detail, Basis.HEURISTIC)


def _no_room(forms: Sequence[Step]) -> tuple[Decision, ...]:
    if not forms:
        return ()
    least = min(form.scratch_bytes for form in forms)
    detail = f"of {len(forms)} forms, the least takes {least:,} bytes, or other rows"
    return (_fits(False, detail),)


def _same_rows(plan: Plan, form: Step) -> bool:
    """Whether the form goes by rows as the plan has it."""
    (task,) = (task for task in plan.tasks if task.output == form.output)
    return task.by_rows == (form.rows is not None)


def _replanned(program: Program, plan: Plan) -> Plan | None:
    """The plan's schedule with the program's buffers, if they take no more than before."""
    found = rings(program, plan.tasks, plan.schedule)
    if peak_bytes(found) > plan.bytes:
        return None
    packing = pack(found, NODES)
    if packing.bytes > plan.bytes:
        return None
    buffers = (Buffer(ring, at) for ring, at in zip(found, packing.offsets, strict=True))
    return replace(plan, buffers=tuple(buffers), proven=plan.proven)
