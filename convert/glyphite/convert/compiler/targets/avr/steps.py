"""The AVR's kernels in place of portable ones (``kernels/avr``).

A step that they cannot serve byte for byte stays with the portable kernel.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.fixed_point import exp_negative, requantize
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.avr import conv_2d, conv_2d_pair
from glyphite.convert.compiler.targets.avr.channels import (
    LARGEST_BYTE,
    Channels,
    Fields,
    as_convolution,
)

PREFIX = "avr_"

LEAST_SHARE = 2**22
"""A softmax's exponential, as Q0.31, from which on its output may be 1/256: the sum is 1 or more,
and less than 1/512 of it rounds to 0."""
LEAST_TERM = 2**11
"""From which on it counts in the sum, which is Q12.19."""

WORTH_ITS_CODE = 1.25
"""How much longer a model may take with the small kernel than with the fast one, which takes
1,700 bytes more. Both together are never worth it."""

Variant = Callable[[Step], Step | None]


def variants(steps: Sequence[Step], goal: Goal) -> Variant:
    """What turns a model's portable steps into those of the AVR's kernels."""
    convolution = conv_2d_pair.variant if _pairs_serve(steps, goal) else conv_2d.variant
    others = {"softmax": _softmax, "mean": _mean, "average_pool_2d": _average_pool}

    def variant(step: Step) -> Step | None:
        return others.get(step.kernel, convolution)(step)

    return variant


def _pairs_serve(steps: Sequence[Step], goal: Goal) -> bool:
    """Whether all that can go by the fast kernel can go by the small one, and fast enough."""
    fast = [(step, found) for step in steps if (found := conv_2d.variant(step))]
    small = [conv_2d_pair.variant(step) for step, _ in fast]
    if not fast or None in small:
        return False
    if goal is Goal.SIZE:
        return True
    slow = sum(conv_2d_pair.cycles(step) for step in small if step)
    return slow <= WORTH_ITS_CODE * sum(conv_2d.cycles(step) for _, step in fast)


def proofs(step: Step, taken: Step, goal: Goal) -> Iterator[Proof]:
    """What decided that the portable ``step`` became ``taken``."""
    del goal  # it decides between kernels that are both exact
    if step.kernel in conv_2d.KERNELS:
        pairs = taken.kernel == conv_2d_pair.KERNEL
        conv = as_convolution(step)
        channels = Channels.of(conv, conv_2d_pair.INPUTS if pairs else conv_2d.INPUTS)
        yield channels.proof(24)
        if pairs:
            yield channels.proof(16)


def _mean(step: Step) -> Step | None:
    """Not where rows are gathered into sums, which saves memory that is worth more than flash."""
    return None if step.rows else replace(step, kernel=f"{PREFIX}mean")


def _average_pool(step: Step) -> Step | None:
    """Where the sums have 16 bits, and not where rows are gathered into them."""
    window = step.fields["window"]
    inputs = window["kernel_height"] * window["kernel_width"]
    if step.rows is None or step.rows.gathered or inputs > LARGEST_BYTE:
        return None
    copied = ("input_width", "output_width", "padding_left", "stride_width")
    kernel = f"{PREFIX}average_pool_2d"
    fields = {
        **{name: window[name] for name in (*copied, "kernel_width", "kernel_height")},
        "channels": step.fields["channels"],
        "minimum": step.fields["output_minimum"],
        "maximum": step.fields["output_maximum"],
    }
    rows = replace(step.rows, function=f"{kernel}_row")
    return replace(step, kernel=kernel, rows=rows, fields=fields)


def _softmax(step: Step) -> Step:
    return replace(step, kernel=f"{PREFIX}softmax", fields=_softmax_fields(step.fields))


def _softmax_fields(fields: Fields) -> dict[str, Any]:
    """The fields of ``struct glyphite_avr_softmax``."""
    differences = range(min(255, -fields["smallest_difference"]) + 1)
    scaled = (requantize(-d, fields["multiplier"], fields["shift"]) for d in differences)
    found = [exp_negative(value) for value in scaled]
    large = [value for value in found if value >= LEAST_SHARE]
    small = [(value + 2**11) >> 12 for value in found if LEAST_TERM <= value < LEAST_SHARE]
    return {
        "rows": fields["rows"],
        "channels": fields["channels"],
        "large": len(large),
        "small": len(small),
        "exponentials": np.array(large, np.int32),
        "terms": np.array(small or [0], np.int16),
    }
