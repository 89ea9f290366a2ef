"""Calibration data: inputs like those of the training, which set the scales of the tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.dataset import DataSet, Part
from glyphite.convert.errors import InputError
from glyphite.convert.preprocessing import Preprocessing

Value = TypeVar("Value", bound=np.generic)

SAMPLES = 500
"""By default: on the network ``seed``, 20 to 2,000 give the same accuracy within 0.03 percentage
points."""

_SCALED = {
    "input": "Train on standardised data, without a Normalization layer, and convert with "
    "--preprocess standard.",
    "output": "Train on targets scaled alike.",
}
"""The way out where one place is lost beside another."""
FEW_STEPS = 8
"""Of the 256 that int8 has: what varies by fewer is nearly lost."""


@dataclass(frozen=True)
class Calibration:
    """Inputs (n, *input shape) of the float model, and where they come from."""

    inputs: NDArray[np.float32]
    source: str
    """Where the inputs come from, as text for the manifest and for people."""


def learnt_from(data: DataSet) -> Part:
    """The samples that a model can have learnt from; where there are none, those to test by."""
    training = data.without_validation().train
    return training if len(training) else data.test


def from_data(data: DataSet, count: int, preprocessing: Preprocessing) -> Calibration:
    """``count`` of the training samples, evenly spread, as the model sees them.

    Raises InputError where one is beyond float32.
    """
    part = learnt_from(data)
    kind = "training" if len(data.train) else "test"
    chosen = preprocessing.apply(evenly(part.inputs, count))
    _refuse_beyond_float32(data.title, chosen)
    source = f"{len(chosen):,} of {len(part):,} {kind} samples of {data.title}, evenly spread"
    return Calibration(chosen.astype(np.float32), source)


def from_random(count: int, shape: tuple[int, ...]) -> Calibration:
    """``count`` inputs (n, *shape) of random numbers of 0..1: enough for sizes, useless for
    accuracy."""
    inputs = np.random.default_rng(1).random((count, *shape), np.float32)
    return Calibration(inputs, f"{count:,} samples of random numbers, so accuracy means nothing")


def evenly(values: NDArray[Value], count: int) -> NDArray[Value]:
    """At most ``count`` of ``values`` (n, ...), evenly spread from the first to the last."""
    chosen = np.linspace(0, len(values) - 1, min(count, len(values))).astype(np.intp)
    return np.take(values, chosen, axis=0)


def _refuse_beyond_float32(title: str, values: NDArray[np.float64]) -> None:
    """InputError where a value is too large for the model's type, in which it would be infinite."""
    largest, most = np.abs(values).max(), np.finfo(np.float32).max
    if largest > most:
        raise InputError(
            f"{title} holds values up to {largest:.3g} in size, and the model's float32 ends at "
            f"{most:.3g}. Scale them as the model's training data were."
        )


def coarse_places(
    values: NDArray[Any], scale: float, edge: Literal["input", "output"] = "input"
) -> Iterator[str]:
    """A sentence where int8 leaves little of some places of the last axis of ``values`` (n, ...).

    They are inputs, or what outputs are to meet. One ``scale`` serves the whole ``edge``: beside a
    column of thousands, one of 0 to 1 is lost. Places that never change are left out.
    """
    values = values.reshape(-1, values.shape[-1]).astype(np.float64)
    steps = np.ptp(values, axis=0) / scale
    coarse = np.flatnonzero((steps > 0) & (steps < FEW_STEPS))
    if len(coarse):
        worst = sorted(coarse, key=lambda place: float(steps[place]))[:3]
        named = ", ".join(f"number {place + 1} by {steps[place]:.2g}" for place in worst)
        yield (
            f"Of the {len(steps)} numbers of the {edge}'s last axis, {len(coarse)} vary by fewer "
            f"than {FEW_STEPS} steps of int8 ({named}), so little of them is left: one scale "
            f"serves the whole {edge}. {_SCALED[edge]}"
        )
