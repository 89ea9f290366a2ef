"""What is right: labels, numbers to be met, or the inputs themselves; and how well answers do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.data.dataset import DataSet, Inputs, Labels, Numbers, Part
from glyphite.convert.manifest import Manifest, MaybeSha256, Share

Count = Annotated[int, Meta(ge=0)]
Interval = Annotated[list[Share], Meta(min_length=2, max_length=2)]
Error = Annotated[float, Meta(ge=0, le=1e80)]
"""Of numbers that are float32: their squares stay below."""
LABEL_TYPES = (np.uint8, np.uint16)
"""Of labels as they are kept: the smallest that holds all classes."""


class Task(StrEnum):
    """What a model is asked."""

    CLASSES = "classification"
    NUMBERS = "regression"
    INPUTS = "reconstruction"
    BYTES = "bytes"
    """Nothing is known to be right: bytes alone are compared."""


class DataOf(TypedDict):
    """Which data a figure is of."""

    title: str
    sha256: MaybeSha256
    """That of all samples and targets; empty where it is not known."""
    words: list[str]
    """The options that name it on a command line; none where it is what the model's manifest
    names."""


class ErrorFigures(TypedDict):
    """How far answers are from the numbers that are right."""

    mean_absolute: Error
    mean_squared: Error
    worst: Error
    """The largest absolute error of one number; of a reconstruction, the largest mean of one
    sample's squares."""
    auc: Share | None
    """Of a reconstruction: the chance that an odd sample has the larger error; None without
    labels."""


class Judgement(TypedDict):
    """How well one runner's answers do; what the task has no word for is None."""

    correct: Count | None
    accuracy: Share | None
    interval: Interval | None
    """The 95 % Wilson interval of the accuracy: low and high, as fractions."""
    error: ErrorFigures | None


@dataclass(frozen=True, eq=False)
class Truth:
    """What is right for some samples, and which data they are of."""

    task: Task
    data: DataOf
    count: int
    """Of samples."""
    labels: NDArray[Any] | None = None
    """(n,): the classes; of a reconstruction, 1 and above for samples that are odd."""
    values: NDArray[np.float64] | None = None
    """(n, outputs): the numbers that are right."""

    def only(self, samples: NDArray[np.int64]) -> "Truth":
        """What is right for some of the samples, in their order."""
        labels = None if self.labels is None else self.labels[samples]
        values = None if self.values is None else self.values[samples]
        return Truth(self.task, self.data, len(samples), labels, values)

    def judge(self, manifest: Manifest, scores: NDArray[Any]) -> Judgement:
        """The figures of outputs (n, outputs) of the model or of its float model."""
        found = Judgement(correct=None, accuracy=None, interval=None, error=None)
        if self.task is Task.CLASSES and self.labels is not None:
            share = metrics.accuracy(classes_of(manifest, scores), self.labels)
            found |= {"correct": share.correct, "accuracy": share.value}
            found |= {"interval": list(share.interval)}
        elif self.values is not None:
            real = manifest.dequantize_output(scores)
            found["error"] = self._error(np.abs(real - self.values))
        return found

    def _error(self, differences: NDArray[np.float64]) -> ErrorFigures:
        by_sample = np.square(differences).mean(axis=1)
        is_reconstruction = self.task is Task.INPUTS
        auc = None
        if is_reconstruction and self.labels is not None and 0 < (self.labels > 0).mean() < 1:
            auc = metrics.area_under_curve(by_sample, self.labels > 0)
        return ErrorFigures(
            mean_absolute=float(differences.mean()),
            mean_squared=float(by_sample.mean()),
            worst=float(by_sample.max() if is_reconstruction else differences.max()),
            auc=auc,
        )

    def wrong(self, manifest: Manifest, scores: NDArray[Any]) -> NDArray[np.bool_]:
        """(n,): the samples whose class is not the right one; none where there are no classes."""
        if self.task is not Task.CLASSES or self.labels is None:
            return np.zeros(self.count, np.bool_)
        wrong: NDArray[np.bool_] = classes_of(manifest, scores) != self.labels
        return wrong

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As they are kept beside the scores."""
        kept = {"labels": self.labels, "values": self.values}
        return {name: array for name, array in kept.items() if array is not None}


def truth_of(data: DataSet, part: Part, manifest: Manifest, words: Sequence[str] = ()) -> Truth:
    """What is right for ``part``, some samples of ``data``, laid out as the model answers.

    ``words`` name the data set on a command line, where the manifest does not.
    """
    known: DataOf = {"title": data.title, "sha256": data.sha256, "words": list(words)}
    labels = None if part.labels is None else smallest(part.labels)
    targets, count = part.targets, len(part)
    if isinstance(targets, Labels):
        return Truth(Task.CLASSES, known, count, labels)
    if isinstance(targets, Numbers):
        values = targets.values.reshape(count, -1).astype(np.float64)
        return Truth(Task.NUMBERS, known, count, None, values)
    if isinstance(targets, Inputs):
        values = manifest.preprocessing.apply(part.inputs).reshape(count, -1)
        return Truth(Task.INPUTS, known, count, labels, values)
    return Truth(Task.BYTES, known, count)


def kept_truth(
    task: str, data: DataOf, count: int, arrays: Mapping[str, NDArray[Any]], outputs: int
) -> Truth | None:
    """The truth that :meth:`Truth.arrays` kept; None where the arrays cannot be such.

    ``outputs`` are the numbers that the model gives for a sample.
    """
    labels, values = arrays.get("labels"), arrays.get("values")
    if labels is not None and (labels.shape != (count,) or labels.dtype not in LABEL_TYPES):
        return None
    if values is not None and (values.shape != (count, outputs) or values.dtype != np.float64):
        return None
    wants = {
        Task.CLASSES: (labels is not None, values is None),
        Task.NUMBERS: (labels is None, values is not None),
        Task.INPUTS: (True, values is not None),
        Task.BYTES: (labels is None, values is None),
    }
    if not all(wants[Task(task)]):
        return None
    if task == Task.CLASSES and labels is not None and labels.max(initial=0) >= max(outputs, 2):
        return None
    return Truth(Task(task), data, count, labels, values)


def classes_of(manifest: Manifest, scores: NDArray[Any]) -> NDArray[np.intp]:
    """The class of each sample (n,) by a runner's outputs (n, outputs).

    Of several equal scores, it is the first. A single output tells two classes apart: see
    :attr:`Manifest.gives_shares`.
    """
    if scores.shape[1] > 1:
        return metrics.answers(scores)
    return metrics.classes_of(manifest.dequantize_output(scores), manifest.gives_shares)


def smallest(labels: NDArray[np.int64]) -> NDArray[Any]:
    """Labels in the smallest of LABEL_TYPES that holds them.

    Raises ValueError where none does.
    """
    highest = int(labels.max(initial=0))
    for kind in LABEL_TYPES:
        if highest <= np.iinfo(kind).max:
            return labels.astype(kind)
    raise ValueError(f"{highest} classes are more than a model for microcontrollers has")
