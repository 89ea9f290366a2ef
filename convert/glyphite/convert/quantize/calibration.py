"""Calibration data: inputs like those of the training, which set the scales of the tensors."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.dataset import DataSet, Part
from glyphite.convert.errors import InputError
from glyphite.convert.preprocessing import Preprocessing

Value = TypeVar("Value", bound=np.generic)

SAMPLES = 500
"""By default: on the network ``seed``, 20 to 2,000 give the same accuracy within 0.03 percentage
points."""


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
