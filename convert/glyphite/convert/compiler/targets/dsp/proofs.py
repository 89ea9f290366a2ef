"""The verdicts that chose a step's DSP kernel, or left it to the portable one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp import depthwise, variants
from glyphite.convert.compiler.targets.dsp.add import one_plane
from glyphite.convert.compiler.targets.dsp.requantize import (
    Output,
    choose,
    no_clamp,
    one_rounding,
    shifts_fit,
    sums_fit,
)
from glyphite.convert.compiler.targets.dsp.still import FLAT, settled, still
from glyphite.convert.compiler.targets.dsp.winograd import winograd_exact, winograd_pays
from glyphite.convert.compiler.targets.dsp.words import NARROW_BITS, output_of, weights_fit_pairs

Fields = Mapping[str, Any]
Verdicts = Iterator[Proof]


def proofs(step: Step, taken: Step, goal: Goal) -> Verdicts:
    """What decided that the portable ``step`` became ``taken`` for ``goal``."""
    if step.kernel in _PROOFS:
        yield from still_channels(step)
        fields = settled(step.kernel, step.fields)
        yield from _PROOFS[step.kernel](fields, taken.fields, goal)


def still_channels(step: Step) -> Verdicts:
    """Channels whose factors and biases count for nothing, where there are some."""
    kernel = "conv_2d" if step.kernel == "conv_2d_max_pool_2d" else step.kernel
    fields = step.fields.get("conv", step.fields)
    if kernel in FLAT:
        values = still(fields, FLAT[kernel](fields["weights"], fields["output_channels"]))
        detail = f"{len(values)} of {fields['output_channels']} channels, restated without weights"
        if values:
            yield Proof("some channels give one value to all inputs", True, detail)


def _conv_2d(fields: Fields, taken: Fields, goal: Goal) -> Verdicts:
    conv = fields.get("conv", fields)
    flat = conv["weights"].astype(np.int64).reshape(conv["output_channels"], -1)
    if "pool" in fields:
        yield variants.pools_pairs(fields)
    if goal is Goal.SPEED:
        yield winograd_exact(conv)
        yield winograd_pays(fields)
    else:
        yield weights_fit_pairs(flat)
    yield from _sums(output_of(conv, flat), _form(taken))


def _depthwise(fields: Fields, taken: Fields, _: Goal) -> Verdicts:
    yield depthwise.depthwise_3x3(fields)
    flat = fields["weights"].astype(np.int64).reshape(-1, fields["output_channels"]).T
    yield from _sums(output_of(fields, flat), _form(taken))


def _fully_connected(fields: Fields, taken: Fields, _: Goal) -> Verdicts:
    flat = fields["weights"].astype(np.int64)
    yield weights_fit_pairs(flat)
    yield from _sums(output_of(fields, flat), _form(taken))


def _arithmetic(fields: Fields, taken: Fields, _: Goal) -> Verdicts:
    yield variants.adds_alike(fields)
    if variants.adds_alike(fields):
        yield one_plane(taken if "addend" in taken else None)


def _sums(output: Output, form: Fields | None) -> Verdicts:
    """What follows a layer's sums, by ``form`` where a DSP kernel was taken."""
    bits = form["fraction_bits"] if form else NARROW_BITS
    yield sums_fit(output, bits)
    yield shifts_fit(output)
    if form is None:
        found = choose(output, bits)
        form = found.fields if found else None
    yield one_rounding(output, form)
    yield no_clamp(output.minimum, output.maximum)


def _form(taken: Fields) -> Fields | None:
    """The fields of ``struct glyphite_dsp_requantize`` in a DSP kernel's."""
    form: Fields | None = taken.get("conv", taken).get("requantize")
    return form


_PROOFS: Mapping[str, Callable[[Fields, Fields, Goal], Verdicts]] = {
    "arithmetic": _arithmetic,
    "conv_2d": _conv_2d,
    "conv_2d_max_pool_2d": _conv_2d,
    "depthwise_conv_2d": _depthwise,
    "fully_connected": _fully_connected,
}
