"""What is right for samples, as tests have it: labels of the first classes."""

from typing import Any

from numpy.typing import NDArray

from glyphite.host.measure.truth import DataOf, Task, Truth

DATA: DataOf = {"title": "MNIST", "sha256": "", "words": []}


def labelled(labels: NDArray[Any]) -> Truth:
    """The truth of samples with these labels (n,)."""
    return Truth(Task.CLASSES, DATA, len(labels), labels)
