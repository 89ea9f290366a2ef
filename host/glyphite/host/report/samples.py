"""The samples that are shown: those that are misread, and of a regression those far from right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import SIDE
from glyphite.convert.manifest import Manifest
from glyphite.host.measure.truth import classes_of
from glyphite.host.report.engines import Arrays, Engine

LEAST_SIDE = 8
"""Of a picture: what is smaller are readings."""
SCORED = 200
"""Misread samples whose scores report.json has; of the others it has the answers."""
WORST = 12
"""Samples of a regression or reconstruction that are shown."""
MOST_NUMBERS = 16
"""Of a sample, in report.json."""

Document = dict[str, Any]
Raw = NDArray[Any]
"""A sample as it was before it was prepared."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A sample with its entry in report.json."""

    entry: Document
    inputs: tuple[tuple[str, Raw], ...]
    """What is drawn of it, by name: the sample as it was before it was prepared, and for a
    reconstruction what came back."""


def misread(
    manifest: Manifest,
    every: Sequence[Engine],
    scores: Arrays,
    names: Sequence[str],
    oracle: str,
) -> list[Shown]:
    """The samples that some engine of the comparison misreads: those that the oracle does come
    first, then by the highest score."""
    given = {each.name: classes_of(manifest, each.scores) for each in every}
    labels, found = scores["labels"], []
    for index, tensor in zip(scores["misread"], scores["misread_tensors"], strict=True):
        by = {each.name: each.of(int(index)) for each in every}
        shares = {name: manifest.shares(one) for name, one in by.items() if one is not None}
        answers = {
            each.name: names[given[each.name][np.searchsorted(each.samples, index)]]
            for each in every
            if each.name in shares
        }
        entry = {
            "index": int(index),
            "label": names[labels[index]],
            "answer": answers[oracle],
            "answers": answers,
            "scores": {name: _rounded(one) for name, one in shares.items()},
        }
        found.append(Shown(entry, (("", _raw(manifest, tensor)),)))
    found.sort(key=lambda one: _place(one.entry, oracle))
    for one in found[SCORED:]:
        one.entry["scores"] = {}
    return found


def _place(entry: Document, oracle: str) -> tuple[bool, float, int]:
    is_right = entry["answer"] == entry["label"]
    return is_right, -max(entry["scores"][oracle]), entry["index"]


def far_off(
    manifest: Manifest, every: Sequence[Engine], scores: Arrays, oracle: str, gives_back: bool
) -> list[Shown]:
    """The samples of a regression, or with ``gives_back`` of a reconstruction, with the largest
    mean squared error of the oracle's answers."""
    values, judge = scores["values"], next(each for each in every if each.name == oracle)
    errors = np.square(manifest.dequantize_output(judge.scores) - values).mean(axis=1)
    found = []
    for index in np.argsort(-errors, kind="stable")[:WORST]:
        by = {each.name: each.of(int(index)) for each in every}
        real = {
            name: manifest.dequantize_output(one) for name, one in by.items() if one is not None
        }
        entry = {
            "index": int(index),
            "label": str(scores["labels"][index]) if "labels" in scores else None,
            "right": _few(values[index]),
            "answers": {name: _few(one) for name, one in real.items()},
            "mean_squared": {
                name: float(np.square(one - values[index]).mean()) for name, one in real.items()
            },
        }
        both = (("sample", values[index]), ("given back", real[oracle])) if gives_back else ()
        drawn = tuple((name, _before(manifest, one)) for name, one in both)
        found.append(Shown(entry, drawn))
    return found


def _few(numbers: NDArray[np.float64]) -> list[float] | None:
    return _rounded(numbers) if numbers.size <= MOST_NUMBERS else None


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    return [round(float(number), 6) for number in numbers]


def _raw(manifest: Manifest, tensor: NDArray[Any]) -> Raw:
    """An input tensor as it was before it was prepared."""
    return manifest.preprocessing.undo(manifest.dequantize_input(tensor))


def _before(manifest: Manifest, prepared: NDArray[np.float64]) -> Raw:
    """What a reconstruction takes or gives, as it was before."""
    return manifest.preprocessing.undo(prepared.reshape(manifest.input.shape[1:]))


def pixels(raw: Raw) -> NDArray[np.uint8] | None:
    """The pixels (height, width) or (height, width, 3) of a sample; None where it is no picture."""
    shape = tuple(size for size in raw.shape if size != 1)
    if shape == (SIDE * SIDE,):
        shape = (SIDE, SIDE)
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if not is_picture or min(shape[:2]) < LEAST_SIDE:
        return None
    low, high = float(raw.min(initial=0)), float(raw.max(initial=0))
    if low < 0:  # -1 to 1, or of no usual range
        shades = (raw - min(low, -1)) * (255 / (max(high, 1) - min(low, -1)))
    else:
        shades = raw * (255 if high <= 1 else 1)
    return np.asarray(np.clip(np.round(shades), 0, 255), np.uint8).reshape(shape)
