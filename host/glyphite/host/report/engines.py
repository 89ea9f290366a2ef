"""Everything that answered the same samples: runners on this PC, and boards; how they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.manifest import Manifest
from glyphite.host.measure.truth import classes_of
from glyphite.host.runners.base import FLOATS, SHORT

Document = dict[str, Any]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Engine:
    """What answered samples of a comparison."""

    name: str
    """The runner's; a board's is board-1, board-2, ..."""
    title: str
    short: str
    samples: NDArray[np.int64]
    """(n,): which of the comparison's it answered, in their order."""
    scores: NDArray[Any]
    """(n, outputs)."""
    firmware_sha256: str | None = None
    """Of a board, where it is known."""

    @property
    def is_float(self) -> bool:
        """Whether its bytes are no int8 model's."""
        return self.name in FLOATS

    def of(self, sample: int) -> NDArray[Any] | None:
        """Its scores (outputs,) of a sample; None where it did not get that."""
        place = int(np.searchsorted(self.samples, sample))
        is_there = place < len(self.samples) and self.samples[place] == sample
        return self.scores[place] if is_there else None


def engines(
    comparison: Document, scores: Arrays, streams: Sequence[tuple[Document, Arrays]]
) -> list[Engine]:
    """The runners of a comparison, and each board that was streamed samples of it.

    A board's samples are known to be of the comparison where the reference gave the very same bytes
    for them there.
    """
    every = np.arange(comparison["images"])
    found = [
        Engine(one["name"], one["title"], SHORT[one["name"]], every, scores[one["name"]])
        for one in comparison["runners"]
    ]
    for run, arrays in streams:
        reference, samples = scores.get(run["reference"]), arrays["samples"]
        known = np.flatnonzero(samples < comparison["images"])
        if reference is None or not known.size:
            continue
        if np.array_equal(reference[samples[known]], arrays["reference"][known]):
            name = f"board-{len(found) - len(comparison['runners']) + 1}"
            title = f"{run['name']}, {run['goal'] or run['port']}"
            of = samples[known], arrays["scores"][known], run["firmware_sha256"]
            found.append(Engine(name, title, run["name"], *of))
    return found


def described(engine: Engine) -> Document:
    """An engine's entry in report.json."""
    return {
        "name": engine.name, "title": engine.title, "short": engine.short,
        "samples": len(engine.samples), "firmware_sha256": engine.firmware_sha256,
    }  # fmt: skip


def agreement(manifest: Manifest, every: Sequence[Engine], has_classes: bool) -> list[Document]:
    """For each pair of engines, on the samples that both answered, in how many answers and bytes
    they agree."""
    return [_pair(manifest, first, second, has_classes) for first, second in combinations(every, 2)]


def _pair(manifest: Manifest, first: Engine, second: Engine, has_classes: bool) -> Document:
    both, one, other = np.intersect1d(
        first.samples, second.samples, assume_unique=True, return_indices=True
    )
    given = first.scores[one], second.scores[other]
    answers = None
    if has_classes:
        classes = [classes_of(manifest, each) for each in given]
        answers = len(both) - metrics.answers_that_differ(*classes)
    alike = compared = None
    if not (first.is_float or second.is_float):
        raw = [np.ascontiguousarray(each).view(np.int8) for each in given]
        compared = raw[0].size
        alike = compared - metrics.byte_differences(*raw).values
    return {
        "first": first.name, "second": second.name, "samples": len(both),
        "answers_agree": answers, "bytes": compared, "bytes_agree": alike,
    }  # fmt: skip


def confusions(
    manifest: Manifest, every: Sequence[Engine], labels: NDArray[Any], oracle: str, classes: int
) -> list[Document]:
    """The confusion matrices, each once with all engines that have it, the oracle's first.

    A board that answered fewer samples has one only where an answer of its is not the oracle's.
    """
    ordered = sorted(every, key=lambda engine: engine.name != oracle)
    found: list[Document] = []
    for engine in ordered:
        given = classes_of(manifest, engine.scores)
        right = classes_of(manifest, ordered[0].scores)[engine.samples]
        is_part = len(engine.samples) < len(labels)
        if is_part and not metrics.answers_that_differ(given, right):
            continue
        matrix = metrics.confusion_matrix(labels[engine.samples], given, classes).tolist()
        same = next((one for one in found if one["matrix"] == matrix), None)
        if same:
            same["engines"].append(engine.name)
        else:
            samples = len(engine.samples)
            found.append({"engines": [engine.name], "samples": samples, "matrix": matrix})
    return found


def worst_pairs(matrix: Sequence[Sequence[int]], most: int) -> list[tuple[int, int, int]]:
    """(label, answer, samples) of what is taken for what, the most frequent first."""
    cells = np.array(matrix)
    np.fill_diagonal(cells, 0)
    ordered = np.argsort(-cells, axis=None, kind="stable")[:most]
    places = [divmod(int(place), len(cells)) for place in ordered]
    return [(row, column, int(cells[row, column])) for row, column in places if cells[row, column]]
