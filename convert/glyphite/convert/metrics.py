"""Accuracy with its confidence interval, agreement of answers, and byte differences.

Pure functions of arrays. Scores are (n, classes), answers and labels (n,).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""The standard normal's quantile at 0.975: 95 % lie within that many deviations of the mean."""


@dataclass(frozen=True)
class Accuracy:
    """``correct`` of ``count`` answers are right."""

    correct: int
    count: int

    @property
    def value(self) -> float:
        """The fraction of right answers, 0 to 1. Raises ZeroDivisionError where there are none."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy, as fractions.

        Raises ValueError where there are no answers.
        """
        return wilson_interval(self.correct, self.count)


@dataclass(frozen=True)
class ByteDifferences:
    """How two arrays of int8 scores differ."""

    images: int
    """Images with at least one byte that differs."""
    values: int
    """Bytes that differ, over all images."""
    largest: int
    """The largest difference of two bytes, 0 to 255."""


def answers(scores: NDArray[Any]) -> NDArray[np.intp]:
    """The class of the highest score of each image (n,); of equal scores, the first.

    Raises ValueError where there are no classes.
    """
    return np.asarray(scores.argmax(axis=1), np.intp)


def are_shares(scores: NDArray[Any]) -> bool:
    """Whether real outputs (n, classes) can be probabilities: within 0 to 1, and of several, in
    all 1."""
    inside = bool(((scores >= -1e-6) & (scores <= 1 + 1e-6)).all())
    return inside and (scores.shape[1] == 1 or bool((np.abs(scores.sum(axis=1) - 1) < 0.05).all()))


def classes_of(scores: NDArray[Any], shares: bool) -> NDArray[np.intp]:
    """The class of each sample (n,) by real outputs (n, outputs).

    Of several outputs it is the highest; a single one tells two classes apart, at a half where it
    is a probability (``shares``) and else at 0. Raises ValueError where there are no outputs.
    """
    if scores.shape[1] == 1:
        return np.asarray(scores[:, 0] > (0.5 if shares else 0.0), np.intp)
    return answers(scores)


def accuracy(given: NDArray[Any], labels: NDArray[Any]) -> Accuracy:
    """How many of the answers ``given`` (n,) are equal to the labels (n,).

    Raises ValueError where there is not one answer for each label.
    """
    _require_pairs(given, labels)
    return Accuracy(int(np.count_nonzero(given == labels)), len(labels))


def area_under_curve(values: NDArray[Any], odd: NDArray[np.bool_]) -> float:
    """The area under the ROC curve: the chance that an odd sample has the larger of two values.

    ``values`` and ``odd`` are (n,); of equal values each has half. By ranks: H. B. Mann and
    D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than
    the Other", Annals of Mathematical Statistics 18 (1947), pages 50-60. Raises ValueError where
    all samples are odd, or none is.
    """
    first, other = int(np.count_nonzero(odd)), int(np.count_nonzero(~odd))
    if not first or not other:
        raise ValueError(f"{first} odd and {other} other samples have no curve")
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    total = float(ranks[places][odd].sum()) - first * (first + 1) / 2
    return total / (first * other)


def wilson_interval(correct: int, count: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a proportion, as fractions, which never leaves 0 to 1.

    ``z`` is the quantile of the standard normal distribution that sets the confidence.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
    of the American Statistical Association 22 (1927), pages 209-212: the p for which
    ``|p - correct / count| <= z * sqrt(p * (1 - p) / count)``. Raises ValueError where ``count`` is
    below 1, or ``correct`` is not within 0 to ``count``.
    """
    if count < 1 or not 0 <= correct <= count:
        raise ValueError(f"{correct} of {count} is not a proportion")
    share = correct / count
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    middle = share + z * z / (2 * count)
    scale = 1 + z * z / count
    low = 0.0 if correct == 0 else (middle - spread) / scale
    high = 1.0 if correct == count else (middle + spread) / scale
    return low, high


def answers_that_differ(first: NDArray[Any], second: NDArray[Any]) -> int:
    """The number of images for which two runners give different answers (n,).

    Raises ValueError where there are more answers of one runner than of the other.
    """
    _require_pairs(first, second)
    return int(np.count_nonzero(first != second))


def byte_differences(first: NDArray[np.int8], second: NDArray[np.int8]) -> ByteDifferences:
    """Compare two arrays of int8 scores (n, classes) byte by byte.

    Raises ValueError where their shapes differ, or where one is not int8.
    """
    _require_pairs(first, second)
    if first.dtype != np.int8 or second.dtype != np.int8:
        raise ValueError(f"int8 scores are compared, not {first.dtype} with {second.dtype}")
    distance = np.abs(first.astype(np.int16) - second.astype(np.int16))
    return ByteDifferences(
        images=int(np.count_nonzero(distance.any(axis=1))),
        values=int(np.count_nonzero(distance)),
        largest=int(distance.max(initial=0)),
    )


def confusion_matrix(labels: NDArray[Any], given: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """The number of images of each label (row) that got each answer (column): (classes, classes).

    Raises ValueError where there is not one answer for each label, IndexError where one of them is
    not below ``classes``.
    """
    _require_pairs(labels, given)
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, given), 1)
    return matrix


def mcnemar(only_first: int, only_second: int) -> float:
    """The p-value of McNemar's test: the chance of so uneven a split if both are equally good.

    ``only_first`` images are answered rightly by the first runner alone, ``only_second`` by the
    second alone. Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12 (1947), pages 153-157, in its exact form: the
    two-sided binomial test of ``only_first`` in ``only_first + only_second`` at one half. Raises
    ValueError where a count is negative.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"{only_first} and {only_second} are not counts")
    count = only_first + only_second
    tail, ways = 0, 1  # integers: exact at any count
    for chosen in range(min(only_first, only_second) + 1):
        tail += ways
        ways = ways * (count - chosen) // (chosen + 1)
    return min(1.0, 2 * tail / (1 << count))


def _require_pairs(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"shapes {first.shape} and {second.shape} cannot be compared")


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected for their number, in their order.

    The i-th smallest of m is multiplied by ``m - i + 1``, and is no smaller than the one before it:
    so the chance that any of the true hypotheses is refused stays what a single test has. S. Holm,
    "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6
    (1979), pages 65-70.
    """
    corrected, most = [0.0] * len(values), 0.0
    order = sorted(range(len(values)), key=values.__getitem__)
    for rank, place in enumerate(order):
        most = max(most, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = most
    return corrected
