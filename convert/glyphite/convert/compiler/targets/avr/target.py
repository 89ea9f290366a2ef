"""Which of a model's layers an AVR computes by kernels of its own (``kernels/avr``).

A step that they cannot compute byte for byte stays with the portable kernel.
"""

from collections.abc import Callable, Sequence

from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.avr import (
    average_pool_2d,
    conv_2d,
    conv_2d_pair,
    mean,
    softmax,
)
from glyphite.convert.compiler.targets.avr.conv_2d import AvrConv2DConstants
from glyphite.convert.compiler.targets.avr.conv_2d_pair import AvrConv2DPairConstants
from glyphite.convert.compiler.targets.portable.average_pool_2d import AveragePool2DConstants
from glyphite.convert.compiler.targets.portable.mean import MeanConstants
from glyphite.convert.compiler.targets.portable.softmax import SoftmaxConstants

ARCHITECTURES = ("avr5", "avr6")

WORTH_ITS_CODE = 1.25
"""How much longer a model may take with the small kernel than with the fast one, which takes
1,700 bytes more. Both together are never worth it."""

Match = Callable[[Step], Step | Refusal]


def select(steps: Sequence[Step], goal: Goal) -> list[Step]:
    """Each step by the AVR's kernel for it, or as it was; what was asked is kept in it."""
    choice = _pairs_serve(steps, goal)
    convolution = conv_2d_pair.match if choice else conv_2d.match
    return [_selected(step, convolution, choice) for step in steps]


def _selected(step: Step, convolution: Match, choice: Decision) -> Step:
    found = _other(step)
    if found is None:
        if not step.macs:
            return step
        found = convolution(step)
        step = step.after(choice)
    return step.after(*found.decisions) if isinstance(found, Refusal) else _kept(step, found)


def _kept(before: Step, taken: Step) -> Step:
    """The step taken, with the choice of kernels that was made for all of them."""
    choices = (decision for decision in before.decisions if decision.basis is Basis.HEURISTIC)
    return taken.after(*choices)


def _other(step: Step) -> Step | Refusal | None:
    """By a kernel without weights; None where the layer has some, or there is none for it."""
    match step.constants:
        case SoftmaxConstants() as constants:
            return softmax.match(step, constants)
        case MeanConstants() as constants:
            return mean.match(step, constants)
        case AveragePool2DConstants() as constants:
            return average_pool_2d.match(step, constants)
    return None


def _pairs_serve(steps: Sequence[Step], goal: Goal) -> Decision:
    """Whether all that can go by the fast kernel can go by the small one, and fast enough."""
    name = "one small kernel for all layers with weights"
    fast = small = 0
    for step in steps:
        by_eights = conv_2d.match(step)
        if isinstance(by_eights, Refusal):
            continue
        by_pairs = conv_2d_pair.match(step)
        if isinstance(by_pairs, Refusal):
            return Decision(name, False, f"not for all: {by_pairs.reason}", Basis.HEURISTIC)
        if isinstance(by_eights.constants, AvrConv2DConstants):
            fast += conv_2d.cycles(step, by_eights.constants)
        if isinstance(by_pairs.constants, AvrConv2DPairConstants):
            small += conv_2d_pair.cycles(step, by_pairs.constants)
    serves = fast > 0 and (goal is Goal.SIZE or small <= WORTH_ITS_CODE * fast)
    detail = f"about {small:,} cycles against {fast:,}"
    return Decision(name, serves, detail, Basis.HEURISTIC)
