"""Steps for kernels that are made for one kind of processor."""

from collections.abc import Callable, Iterator, Sequence

from convert.goal import Goal
from convert.layouts import avr, dsp_steps
from convert.program import Step

Variant = Callable[[Step], Step | None]
Forms = Callable[[Step], Iterator[Step]]

AVR = ("avr5", "avr6")
DSP = ("armv7e-m", "armv8-m.main")
"""Cortex-M4 and M7, and M33: those with the DSP instructions."""


def variants(architecture: str, goal: Goal, steps: Sequence[Step]) -> Variant | None:
    """What turns a model's portable steps into those of a processor's kernels, if it has some.

    ``architecture`` is a board file's ``mcu.architecture``. The arena may grow.
    """
    if architecture in AVR:
        return avr.variants(steps, goal)
    if architecture in DSP:
        return {Goal.SPEED: dsp_steps.fastest, Goal.SIZE: dsp_steps.smallest}.get(goal)
    return None


def forms(architecture: str, goal: Goal) -> Forms | None:
    """The forms of a step, the fastest first, of which those are taken that fit the least arena."""
    return dsp_steps.by_rows if architecture in DSP and goal is Goal.RAM else None
