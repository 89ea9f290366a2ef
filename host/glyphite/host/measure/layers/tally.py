"""What is counted of one layer, sample by sample, so that no layer's values are all kept.

Three values meet at each place: the float model's (``real``), the int8 model's as the number that
it stands for (``given``), and what the layer would give in float for the int8 inputs that it got
(``ideal``). ``given - ideal`` is the error that the layer adds itself; ``ideal - real`` it has
inherited.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Quantization

BINS = 32
"""Of a histogram over the range of a tensor: of int8, each is 8 steps wide."""
BEYOND = 1.5
"""Steps by which a value must lie beyond the range to count as cut off: rounding and the fixed
scale of a softmax (whose 1 is one step beyond) stay within."""
NOTHING_DB = 100.0
"""Above this, an error is that of float32's own rounding."""

Floats = NDArray[np.float64]


@dataclass
class Tally:
    """The sums over all samples of a tensor with these numbers; its channels are the last axis."""

    numbers: Quantization
    least: int
    most: int
    """The limits of the tensor's type."""
    channels: int

    values: int = 0
    signal: float = 0.0
    """The sum of the squares of ``real``, as the next two are of errors and of ``ideal``."""
    error: float = 0.0
    own_signal: float = 0.0
    own_error: float = 0.0
    inherited: float = 0.0
    """The sum of the squares of ``ideal - real``."""
    cut_error: float = 0.0
    """The part of ``own_error`` at values that are cut off."""
    absolute: float = 0.0
    own_absolute: float = 0.0
    cut_low: int = 0
    cut_high: int = 0
    at_limits: int = 0
    """Values at the least or the largest number of the type, whatever they stand for."""
    largest: float = 0.0
    own_largest: float = 0.0
    worst: tuple[int, int, float, float] | None = None
    """Sample, place among its values, ``real`` and ``given`` of the largest error."""
    real_bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS + 2, np.int64))
    """Counts by equal parts of the range, between those below it and those above it."""
    given_bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS + 2, np.int64))
    real_low: Floats = field(init=False)
    """By channel (channels,), as the next five."""
    real_high: Floats = field(init=False)
    level_low: NDArray[np.int64] = field(init=False)
    """The least quantized number."""
    level_high: NDArray[np.int64] = field(init=False)
    real_squares: Floats = field(init=False)
    """The sum of the squares of ``real``."""
    own_worst: Floats = field(init=False)
    """The layer's own largest error."""
    has_own: bool = True
    """Whether ``ideal`` was there for all samples."""

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.real_low = np.full(self.channels, np.inf)
        self.real_high = np.full(self.channels, -np.inf)
        self.real_squares, self.own_worst = np.zeros(self.channels), np.zeros(self.channels)
        self.level_low = np.full(self.channels, np.iinfo(np.int64).max)
        self.level_high = np.full(self.channels, np.iinfo(np.int64).min)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest number that the tensor can stand for."""
        scale, zero = self.numbers.scale, self.numbers.zero_point
        return scale * (self.least - zero), scale * (self.most - zero)

    def add(
        self, sample: int, real: NDArray[Any], levels: NDArray[Any], ideal: NDArray[Any] | None
    ) -> None:
        """Count one sample; all three have as many values, the channels as their last axis."""
        rows: Floats = real.reshape(-1, self.channels).astype(np.float64)
        numbers = levels.reshape(rows.shape).astype(np.int64)
        given: Floats = (numbers - self.numbers.zero_point) * np.float64(self.numbers.scale)
        self._differ(sample, rows, given)
        self.values += rows.size
        self.at_limits += int(np.count_nonzero((numbers == self.least) | (numbers == self.most)))
        self.real_low = np.minimum(self.real_low, rows.min(axis=0))
        self.real_high = np.maximum(self.real_high, rows.max(axis=0))
        self.real_squares += np.square(rows).sum(axis=0)
        self.level_low = np.minimum(self.level_low, numbers.min(axis=0))
        self.level_high = np.maximum(self.level_high, numbers.max(axis=0))
        self._fill(self.real_bins, rows)
        self._fill(self.given_bins, given)
        if ideal is None:
            self.has_own = False
        else:
            wanted = ideal.reshape(rows.shape).astype(np.float64)
            self.inherited += float(np.square(wanted - rows).sum())
            self._own(given, wanted)

    def _differ(self, sample: int, real: Floats, given: Floats) -> None:
        distance = np.abs(given - real)
        self.signal += float(np.square(real).sum())
        self.error += float(np.square(distance).sum())
        self.absolute += float(distance.sum())
        place = int(distance.argmax())
        if self.worst is None or distance.flat[place] > self.largest:
            self.largest = float(distance.flat[place])
            self.worst = (sample, place, float(real.flat[place]), float(given.flat[place]))

    def _own(self, given: Floats, ideal: Floats) -> None:
        low, high = self.range
        margin = BEYOND * self.numbers.scale
        below, above = ideal < low - margin, ideal > high + margin
        distance = np.abs(given - ideal)
        squares = np.square(distance)
        self.own_signal += float(np.square(ideal).sum())
        self.own_error += float(squares.sum())
        self.cut_error += float(squares[below | above].sum())
        self.own_absolute += float(distance.sum())
        self.own_largest = max(self.own_largest, float(distance.max()))
        self.own_worst = np.maximum(self.own_worst, distance.max(axis=0))
        self.cut_low += int(np.count_nonzero(below))
        self.cut_high += int(np.count_nonzero(above))

    def _fill(self, bins: NDArray[np.int64], values: Floats) -> None:
        low, high = self.range
        half = self.numbers.scale / 2  # the first and the last number are as wide as the others
        width = (high - low + 2 * half) / BINS
        margin = BEYOND * self.numbers.scale
        is_within = (values >= low - margin) & (values <= high + margin)
        seen = np.where(is_within, np.clip(values, low, high), values)
        places = np.clip(np.floor((seen - (low - half)) / width) + 1, 0, BINS + 1)
        bins += np.bincount(places.astype(np.intp).ravel(), minlength=BINS + 2)

    @property
    def cut(self) -> float:
        """The share of values that are cut off."""
        return (self.cut_low + self.cut_high) / max(self.values, 1)

    @property
    def beyond(self) -> float:
        """The share of the float model's values beyond the range."""
        return float(self.real_bins[0] + self.real_bins[-1]) / max(self.values, 1)

    @property
    def levels_used(self) -> int:
        """From the least to the largest quantized number that came up."""
        return int(self.level_high.max() - self.level_low.min() + 1) if self.values else 0


def decibels(signal: float, error: float) -> float | None:
    """The ratio of two sums of squares in dB; None where one of them is 0."""
    if signal <= 0 or error <= 0:
        return None
    return float(10 * np.log10(signal / error))
