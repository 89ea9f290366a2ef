"""Kernels of the C library, and which of them a processor computes a layer by.

Each folder is the twin of one below ``kernels/``, and each file in it of a header there: the C
struct as a dataclass, a ``KERNEL``, and for a processor's own kernels a ``match``.
"""

from collections.abc import Callable

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Program, Step
from glyphite.convert.compiler.targets.avr import target as avr_target
from glyphite.convert.compiler.targets.dsp import target as dsp_target

Forms = Callable[[Step], tuple[list[Step], tuple[Decision, ...]]]
"""The forms of a step, the fastest first; and where there are none, what was asked."""


def has_own_kernels(architecture: str) -> bool:
    """Whether there are kernels for such a processor alone."""
    return any(architecture in target.ARCHITECTURES for target in (avr_target, dsp_target))


def select(program: Program, architecture: str, goal: Goal) -> Program:
    """The same network by a processor's kernels, wherever they give the same bytes.

    ``architecture`` is a board file's ``mcu.architecture``. The arena may grow.
    """
    for target in (avr_target, dsp_target):
        if architecture in target.ARCHITECTURES:
            steps = target.select(program.steps, goal)
            return program.with_steps({step.output: step for step in steps})
    return program


def forms(architecture: str, goal: Goal) -> Forms | None:
    """What makes the forms of a step, of which those are taken that fit the least arena."""
    return (
        dsp_target.forms if architecture in dsp_target.ARCHITECTURES and goal is Goal.RAM else None
    )
