"""The ways to quantize a model that a user can compare: each has a name, as ``--scheme`` takes it.

They differ in how many scales the weights have, in how the range of each tensor is chosen, in how
many samples it is chosen by, in the type of the activations, and in whether the weights are trained
further so that they bear int8.
"""

import difflib
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from glyphite.convert.errors import InputError
from glyphite.convert.manifest import INT16
from glyphite.convert.text import printable

MOST_SAMPLES = 1_000_000


class Weights(StrEnum):
    """What has a scale of its own."""

    CHANNEL = "per channel"
    """Each channel of an output."""
    DENSE_TENSOR = "per channel, dense layers per tensor"
    """TensorFlow Lite Micro before 2024 knows no other dense layers."""
    TENSOR = "per tensor"


class Rule(StrEnum):
    """How the range of a tensor follows from the values that it has for the calibration samples."""

    WHOLE = "the whole range"
    PERCENTILE = "all but the outermost 0.01 % at each end"
    LEAST_ERROR = "the range of the least squared error"
    LEARNT = "ranges learnt in training"


@dataclass(frozen=True)
class Scheme:
    """One way to quantize."""

    name: str
    title: str
    """For people, in a few words."""
    weights: Weights = Weights.CHANNEL
    rule: Rule = Rule.WHOLE
    samples: int | None = None
    """That calibrate; None where it has no number of its own."""
    activations: str = "int8"
    """Or "int16"."""

    @property
    def is_aware(self) -> bool:
        """Whether the weights are trained further."""
        return self.rule is Rule.LEARNT

    @property
    def is_usual(self) -> bool:
        """Whether it is what each quantizer does when it is asked for nothing else."""
        plain = (Weights.CHANNEL, Rule.WHOLE, "int8")
        return (self.weights, self.rule, self.activations) == plain


USUAL = Scheme("per-channel", "weights per channel, the whole range")
_SAMPLES = re.compile(r"samples-([1-9]\d{0,8})")

SCHEMES: dict[str, Scheme] = {
    each.name: each
    for each in (
        USUAL,
        Scheme("per-tensor-dense", "dense layers per tensor", Weights.DENSE_TENSOR),
        Scheme("per-tensor", "all weights per tensor", Weights.TENSOR),
        Scheme("percentile", "ranges without the outermost 0.01 %", rule=Rule.PERCENTILE),
        Scheme("least-error", "ranges of the least squared error", rule=Rule.LEAST_ERROR),
        Scheme("aware", "trained further, for int8", rule=Rule.LEARNT),
        Scheme(INT16, "int16 activations, int8 weights", activations=INT16),
    )
}
"""By name; ``samples-N`` is the usual one by N calibration samples."""

CURVE = (20, 100, 1000, 5000)
"""Numbers of calibration samples that a table of all schemes has, beside the usual one."""


def all_names() -> tuple[str, ...]:
    """The schemes of the table, in its order."""
    first, *others = SCHEMES
    return (first, *(f"samples-{count}" for count in CURVE), *others)


def scheme_named(name: str) -> Scheme:
    """The scheme of that name. Raises InputError where there is none."""
    if name in SCHEMES:
        return SCHEMES[name]
    found = _SAMPLES.fullmatch(name)
    if found is not None and int(found[1]) <= MOST_SAMPLES:
        count = int(found[1])
        return replace(USUAL, name=name, title=f"calibrated by {count:,} samples", samples=count)
    near = difflib.get_close_matches(name, (*SCHEMES, "samples-100"), 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise InputError(
        f"There is no scheme {printable(repr(name))}. {meant}There are: {', '.join(SCHEMES)}, and "
        f"samples-N for N calibration samples, at most {MOST_SAMPLES:,}."
    )
