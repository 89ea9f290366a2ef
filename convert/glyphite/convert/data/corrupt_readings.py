"""Corruptions of numbers that are no pictures: windows of a sensor, rows of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.corruption import Array, Change, Corruption, Values

_OfReadings = Callable[["Readings", float, Values, np.random.Generator], Values]


@dataclass(frozen=True, eq=False)
class Readings:
    """How raw samples (n, *shape) lie, and what is usual at each place of their last axis."""

    mean: Values
    """(places,): the axes of a sensor, or the columns of a table."""
    deviation: Values

    @classmethod
    def of(cls, raw: Array) -> "Readings":
        """Those of these samples."""
        values = raw.astype(np.float64).reshape(-1, raw.shape[-1])
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        return cls(mean.astype(np.float32), deviation.astype(np.float32))

    def opened(self, raw: Array) -> Values:
        """Raw samples (n, *shape) as (n, steps, places)."""
        return raw.astype(np.float32).reshape(len(raw), -1, len(self.mean))

    def closed(self, values: Values, raw: Array) -> Array:
        """Values (n, steps, places) as raw samples, rounded where those are whole numbers."""
        exact = values.astype(np.float64)
        if raw.dtype.kind in "iu":
            limits = np.iinfo(raw.dtype)
            exact = np.clip(np.rint(exact), limits.min, limits.max)
        elif raw.dtype.kind == "b":
            exact = np.rint(np.clip(exact, 0, 1))
        return exact.astype(raw.dtype).reshape(raw.shape)


def corruptions(readings: Readings) -> list[Corruption]:
    """Noise, an offset and a scale of the sensor, and values that are missing."""
    found: list[Corruption] = []
    for name, how, amounts, change in CHANGES:
        for amount in amounts:
            given: Change = partial(change, readings, amount / 100)
            found.append(Corruption(name, how, amount, "%", given, readings, len(found)))
    return found


def _noisy(of: Readings, share: float, values: Values, random: np.random.Generator) -> Values:
    """Normal noise whose deviation is a share of that of the values."""
    return values + share * of.deviation * random.standard_normal(values.shape, np.float32)


def _offset(of: Readings, share: float, values: Values, random: np.random.Generator) -> Values:
    """All values of a place higher or lower by a share of their deviation."""
    return values + share * of.deviation * _signs(len(values), len(of.mean), random)


def _scaled(of: Readings, share: float, values: Values, random: np.random.Generator) -> Values:
    """All values of a place larger or smaller by a share of themselves."""
    return values * (1 + share * _signs(len(values), len(of.mean), random))


def _missing(of: Readings, share: float, values: Values, random: np.random.Generator) -> Values:
    """A share of the values replaced by the mean of their place."""
    lost: NDArray[np.bool_] = random.random(values.shape, np.float32) < share
    return np.where(lost, of.mean, values)


def _signs(count: int, places: int, random: np.random.Generator) -> Values:
    """(count, 1, places): 1 or -1."""
    drawn = random.random((count, 1, places), np.float32)
    return np.where(drawn < 0.5, np.float32(-1), np.float32(1))


CHANGES: tuple[tuple[str, str, tuple[int, ...], _OfReadings], ...] = (
    ("noisy", "noise of", (10, 25, 50), _noisy),
    ("offset", "offset by", (25, 50, 100), _offset),
    ("scaled", "scaled by", (10, 25, 50), _scaled),
    ("missing", "missing", (5, 10, 25), _missing),
)
"""Name, words, and per cent: of the deviation of the values, of that, of the value itself, and of
all values."""
