"""Steps for kernels that are made for one kind of processor."""

from collections.abc import Callable, Iterator, Sequence

from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.avr import steps as avr_steps
from glyphite.convert.compiler.targets.dsp import proofs as dsp_proofs
from glyphite.convert.compiler.targets.dsp import steps as dsp_steps
from glyphite.convert.compiler.targets.portable import proofs as portable_proofs

Variant = Callable[[Step], Step | None]
Forms = Callable[[Step], Iterator[Step]]

AVR = ("avr5", "avr6")
DSP = ("armv7e-m", "armv8-m.main")
"""Cortex-M4 and M7, and M33: those with the DSP instructions."""

_FITS = "scratch memory fits the least arena"


def variants(architecture: str, goal: Goal, steps: Sequence[Step]) -> Variant | None:
    """What turns a model's portable steps into those of a processor's kernels, if it has some.

    ``architecture`` is a board file's ``mcu.architecture``. The arena may grow.
    """
    if architecture in AVR:
        return avr_steps.variants(steps, goal)
    if architecture in DSP:
        return {Goal.SPEED: dsp_steps.fastest, Goal.SIZE: dsp_steps.smallest}.get(goal)
    return None


def forms(architecture: str, goal: Goal) -> Forms | None:
    """The forms of a step, the fastest first, of which those are taken that fit the least arena."""
    return dsp_steps.by_rows if architecture in DSP and goal is Goal.RAM else None


def proofs(step: Step, taken: Step, architecture: str, goal: Goal) -> tuple[Proof, ...]:
    """The verdicts that decided that the portable ``step`` became ``taken``."""
    own = {**dict.fromkeys(AVR, avr_steps.proofs), **dict.fromkeys(DSP, dsp_proofs.proofs)}
    found = list(own[architecture](step, taken, goal)) if architecture in own else []
    ways = forms(architecture, goal)
    if ways is not None:
        found += _room(list(ways(step)), taken)
    if taken.kernel == step.kernel:
        found += portable_proofs.proofs(step)
    return tuple(found)


def _room(made: list[Step], taken: Step) -> Iterator[Proof]:
    """Which of a step's forms the least arena had room for."""
    scratch = [form.scratch_bytes for form in made if form.kernel == taken.kernel]
    if taken.scratch_bytes in scratch:
        place = scratch.index(taken.scratch_bytes) + 1
        detail = f"form {place} of {len(made)}: {taken.scratch_bytes:,} bytes"
        yield Proof(_FITS, True, detail)
    elif made:
        least = min(form.scratch_bytes for form in made)
        detail = f"of {len(made)} forms, the least takes {least:,} bytes, or other rows"
        yield Proof(_FITS, False, detail)
