"""Which of a model's layers a processor with the DSP instructions computes by kernels of its own.

Over whole tensors a step takes the fewest instructions, or no larger weights. By rows it needs less
memory (:func:`forms`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.targets.dsp import (
    add,
    conv_2d,
    conv_2d_max_pool_2d,
    conv_2d_max_pool_2d_plane,
    conv_2d_max_pool_2d_winograd,
    conv_2d_winograd,
    depthwise_conv_2d,
    depthwise_conv_2d_image,
    depthwise_conv_2d_pair,
    fully_connected,
)
from glyphite.convert.compiler.targets.dsp.constant_channels import settled
from glyphite.convert.compiler.targets.portable.arithmetic import ArithmeticConstants
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.convert.compiler.targets.portable.fully_connected import FullyConnectedConstants

ARCHITECTURES = ("armv7e-m", "armv8-m.main")
"""Cortex-M4 and M7, and M33: those with the DSP instructions."""

Try = Callable[[], Step | Refusal]


def select(steps: Sequence[Step], goal: Goal) -> list[Step]:
    """Each step by the DSP kernel for it, or as it was; what was asked is kept in it."""
    if goal is Goal.RAM:
        return list(steps)  # see forms()
    return [_selected(step, fast=goal is Goal.SPEED) for step in steps]


def forms(step: Step) -> tuple[list[Step], tuple[Decision, ...]]:
    """The step a row at a time, by ever less scratch memory, at last rather slow; and what was
    asked where there is no such form."""
    layer = settled(step)
    found = _by_rows(layer)
    if isinstance(found, Refusal):
        return [], found.decisions
    asked = layer.decisions[: len(layer.decisions) - len(step.decisions)]
    return [form.after(*asked) for form in found], ()


def _selected(step: Step, *, fast: bool) -> Step:
    before = settled(step)
    asked = list(before.decisions[: len(before.decisions) - len(step.decisions)])
    for attempt in _attempts(before, fast=fast):
        found = attempt()
        if isinstance(found, Step):
            return found.after(*asked)
        asked += found.decisions
    if step.rows is not None and step.rows.accumulated:
        step = replace(step, rows=None)  # sums in registers, not in memory
    return step.after(*asked)


def _attempts(step: Step, *, fast: bool) -> Iterator[Try]:
    """The kernels for a layer, the best first."""
    match step.constants:
        case Conv2DConstants() as conv:
            if fast:
                yield lambda: conv_2d_winograd.match(step, conv)
                yield lambda: conv_2d.match_wide(step, conv)
            else:
                yield lambda: conv_2d.match(step, conv)
        case Conv2DMaxPool2DConstants() as pooled:
            if fast:
                yield lambda: conv_2d_max_pool_2d_plane.match(step, pooled)
                yield lambda: conv_2d_max_pool_2d_winograd.match(step, pooled)
            yield lambda: conv_2d_max_pool_2d.match(step, pooled)
        case DepthwiseConv2DConstants() as depthwise:
            if fast:
                yield lambda: depthwise_conv_2d_image.match(step, depthwise)
            yield lambda: depthwise_conv_2d_pair.match(step, depthwise)
            yield lambda: depthwise_conv_2d.match(step, depthwise)
        case FullyConnectedConstants() as dense:
            yield lambda: fully_connected.match(step, dense)
            if fast:
                yield lambda: fully_connected.match_wide(step, dense)
        case _:
            yield from _without_weights(step)


def _without_weights(step: Step) -> Iterator[Try]:
    match step.constants:
        case ArithmeticConstants() as arithmetic:
            yield lambda: add.match(step, arithmetic)


def _by_rows(step: Step) -> Iterator[Step] | Refusal:
    if isinstance(step.constants, FullyConnectedConstants):
        found = fully_connected.match(step, step.constants)
        return found if isinstance(found, Refusal) else iter((found,))
    return Refusal(()) if step.rows is None else _rows_of(step, step.rows)


def _rows_of(step: Step, rows: Rows) -> Iterator[Step] | Refusal:
    match step.constants:
        case ArithmeticConstants() as arithmetic:
            return add.by_rows(step, arithmetic, rows)
        case Conv2DConstants() as conv:
            return conv_2d.by_rows(step, conv, rows)
        case DepthwiseConv2DConstants() as depthwise:
            return depthwise_conv_2d.by_rows(step, depthwise, rows)
        case Conv2DMaxPool2DConstants() as pooled:
            plane = conv_2d_max_pool_2d_plane.by_rows(step, pooled, rows)
            found = conv_2d_max_pool_2d.by_rows(step, pooled, rows)
            return found if isinstance(plane, Refusal) else plane
    return Refusal(())
