"""Two models, or two builds of one, on the same samples: how well each does, and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from glyphite.convert.errors import DataError
from glyphite.convert.manifest import Manifest, Sha256
from glyphite.host.measure.compare import Agreement, Images, RunnerName, TaskName, agreement
from glyphite.host.measure.truth import DataOf, Error, Judgement, Task, Truth
from glyphite.host.runners.base import Scores


class SideFigures(Judgement):
    """How well one of the two does."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    preprocessing: str
    """What is done to a sample, in words."""
    calibrated_on: str
    """The name of the data; empty where it is not known."""


class Difference(Agreement):
    """What differs between the two."""

    drop_points: float | None
    """The accuracy that the second loses against the first, in percentage points; None without
    classes."""
    mean_difference: Error | None
    """Of the real numbers that they answer; this and the next are None where there are classes,
    and where the two mean other numbers."""
    largest_difference: Error | None


class SideBySide(TypedDict):
    """What is known of two models on the same samples."""

    task: TaskName
    data: DataOf
    images: Images
    """Samples of the data."""
    reference: RunnerName
    """The runner that answered for both."""
    first: SideFigures
    second: SideFigures
    difference: Difference


@dataclass(frozen=True, eq=False)
class Side:
    """A model, what is right for its samples, and what it answers."""

    manifest: Manifest
    truth: Truth
    scores: Scores
    """(n, outputs)."""


def require_alike(sides: Sequence[tuple[Manifest, Truth]]) -> None:
    """Make sure that two models are asked the same of the same samples.

    Raises DataError where they are not.
    """
    (first, truth), (second, other) = sides
    names = f"{first.name} and {second.name}"
    if truth.task is not other.task:
        raise DataError(
            f"{names} have different tasks: {truth.task} and {other.task}. Two models of one task "
            "can be compared."
        )
    if truth.task is Task.CLASSES and (differing := _classes_differ(first, second)):
        raise DataError(f"{names} tell different classes apart: {differing}. Name two of the same.")
    if truth.task is Task.BYTES and first.output.shape != second.output.shape:
        raise DataError(
            f"{names} give outputs of shape {first.output.shape[1:]} and {second.output.shape[1:]},"
            " and without targets only answers of one shape can be compared."
        )
    if not _same_samples(truth, other):
        raise DataError(
            f"{names} do not get the same samples of {truth.data['title']}: {truth.count:,} and "
            f"{other.count:,}, or with other targets. Name models that take its samples alike."
        )


def _classes_differ(first: Manifest, second: Manifest) -> str:
    """The classes of each, where they are not the same; else empty."""
    counts = [max(len(each.labels), 2) for each in (first, second)]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} of them"
    named = [each.labels for each in (first, second) if len(each.labels) > 1]
    named = [labels for labels in named if labels != tuple(map(str, range(len(labels))))]
    if len(named) < 2 or named[0] == named[1]:
        return ""
    return " and ".join(", ".join(labels) for labels in named)


def _same_samples(truth: Truth, other: Truth) -> bool:
    """What a reconstruction has to give back is laid out as each model takes it."""
    values = None if truth.task is Task.INPUTS else (truth.values, other.values)
    pairs = [(truth.labels, other.labels), *([] if values is None else [values])]
    same = all(
        (one is None and two is None)
        or (one is not None and two is not None and np.array_equal(one, two))
        for one, two in pairs
    )
    return same and truth.count == other.count


def summarize(first: Side, second: Side, reference: str) -> SideBySide:
    """The figures of both. Raises ValueError where the numbers of samples differ."""
    truth = first.truth
    return SideBySide(
        task=truth.task,
        data=truth.data,
        images=truth.count,
        reference=reference,
        first=_figures(first),
        second=_figures(second),
        difference=_difference(first, second),
    )


def _figures(side: Side) -> SideFigures:
    manifest = side.manifest
    return SideFigures(
        model=manifest.name,
        sha256=manifest.sha256,
        preprocessing=manifest.preprocessing.text,
        calibrated_on=manifest.data.name if manifest.data else "",
        **side.truth.judge(manifest, side.scores),
    )


def _difference(first: Side, second: Side) -> Difference:
    truth, manifests = first.truth, [first.manifest, second.manifest]
    found = agreement(manifests, [first.scores, second.scores], truth)
    right = [side.truth.judge(side.manifest, side.scores)["correct"] for side in (first, second)]
    before, after = right
    lost = None if before is None or after is None else 100 * (before - after) / truth.count
    distance = None
    if truth.task is not Task.CLASSES and _mean_the_same(first, second):
        real = [side.manifest.dequantize_output(side.scores) for side in (first, second)]
        distance = np.abs(real[0] - real[1])
    return Difference(
        **found,
        drop_points=lost,
        mean_difference=None if distance is None else float(distance.mean()),
        largest_difference=None if distance is None else float(distance.max()),
    )


def _mean_the_same(first: Side, second: Side) -> bool:
    """Whether the numbers of one can be held against the other's: what gives back its input does so
    after what was done to that."""
    if first.scores.shape != second.scores.shape:
        return False
    same = first.manifest.preprocessing == second.manifest.preprocessing
    return same or first.truth.task is not Task.INPUTS
