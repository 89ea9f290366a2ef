"""What the saved scores tell beside how many are right: how sure answers are, how far off they are.

Every figure is reckoned from scores.npz alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.manifest import Manifest
from glyphite.host.measure.truth import classes_of
from glyphite.host.report.engines import Engine

BINS = 10
"""Of how sure an answer is."""
MOST_POINTS = 400
"""Of a regression's answers that are drawn, of one engine and one number."""
MOST_NUMBERS = 4
"""Of what a regression gives: the first ones are drawn."""
BARS = 24
"""Of a distribution of errors."""
MOST_STEPS = 200
"""Of a ROC curve, as it is drawn."""

Document = dict[str, Any]


def reliability(
    manifest: Manifest, every: Sequence[Engine], labels: NDArray[Any]
) -> list[Document]:
    """For each engine, how often it is right among the answers that it is about as sure of.

    How sure it is of an answer is that class's share of 1. The answers are in ``BINS`` bins of
    equal width; those of no answer are left out. The gap is the mean over all answers of the
    distance between the two: the expected calibration error of C. Guo and others, "On Calibration
    of Modern Neural Networks", Proceedings of Machine Learning Research 70 (2017), 1321-1330.
    """
    found = []
    for engine in every:
        sure = _sure(manifest, engine.scores)
        right = classes_of(manifest, engine.scores) == labels[engine.samples]
        place = np.minimum((sure * BINS).astype(int), BINS - 1)
        bins = [
            _bin(sure[place == one], right[place == one])
            for one in range(BINS)
            if (place == one).any()
        ]
        gap = sum(abs(one["sure"] - one["right"]) * one["answers"] for one in bins) / len(sure)
        found.append({"engine": engine.name, "samples": len(sure), "gap": gap, "bins": bins})
    return found


def _sure(manifest: Manifest, scores: NDArray[Any]) -> NDArray[np.float64]:
    """(n,): the share of the answer; of a single output, which tells two apart, the larger."""
    shares = manifest.shares(scores)
    if shares.shape[1] == 1:
        shares = np.concatenate([shares, 1 - shares], axis=1)
    return np.asarray(np.clip(shares.max(axis=1), 0, 1), np.float64)


def _bin(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Document:
    correct, count = int(right.sum()), len(right)
    low, high = metrics.wilson_interval(correct, count)
    return {
        "answers": count, "sure": float(sure.mean()), "right": correct / count,
        "interval": [low, high],
    }  # fmt: skip


def errors(
    manifest: Manifest, engine: Engine, values: NDArray[np.float64], gives_back: bool
) -> NDArray[np.float64]:
    """What a distribution is of: (n, outputs) answer less what is right; of a reconstruction the
    mean squared error of each sample (n,)."""
    off = manifest.dequantize_output(engine.scores) - values[engine.samples]
    return np.square(off).mean(axis=1) if gives_back else off


def distribution(
    manifest: Manifest,
    every: Sequence[Engine],
    values: NDArray[np.float64],
    odd: NDArray[np.bool_] | None,
    gives_back: bool,
) -> Document:
    """How many errors are how large, in bars of equal width: of each engine; of a reconstruction
    whose odd samples are known, of the usual and of the odd ones."""
    of = {one.name: errors(manifest, one, values, gives_back) for one in every}
    both = np.concatenate([each.ravel() for each in of.values()])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
    groups = []
    for one in every:
        parts = {"": of[one.name]}
        if odd is not None and gives_back:
            is_odd = odd[one.samples]
            parts = {"usual": of[one.name][~is_odd], "odd": of[one.name][is_odd]}
        for kind, part in parts.items():
            counts = np.histogram(part, edges)[0].tolist()
            groups.append({"engine": one.name, "samples": kind, "counts": counts})
    what = "mean squared error of a sample" if gives_back else "answer less what is right"
    return {"of": what, "edges": edges.tolist(), "groups": groups}


def answers(
    manifest: Manifest, every: Sequence[Engine], values: NDArray[np.float64]
) -> list[Document]:
    """For the first numbers that a regression gives, some [right, answer] of each engine: evenly
    spread over the samples."""
    found = []
    for number in range(min(values.shape[1], MOST_NUMBERS)):
        for one in every:
            places = np.linspace(0, len(one.samples) - 1, min(len(one.samples), MOST_POINTS))
            chosen = np.unique(places.astype(int))
            given = manifest.dequantize_output(one.scores[chosen])[:, number]
            right = values[one.samples[chosen], number]
            points = np.round(np.stack([right, given], axis=1), 6).tolist()
            found.append({"number": number, "engine": one.name, "points": points})
    return found


def roc(
    manifest: Manifest, every: Sequence[Engine], values: NDArray[np.float64], odd: NDArray[np.bool_]
) -> list[Document]:
    """For each engine, [share of usual samples taken for odd, share of odd samples found] as the
    limit on a sample's error falls."""
    found = []
    for one in every:
        error, is_odd = errors(manifest, one, values, gives_back=True), odd[one.samples]
        order = np.argsort(-error, kind="stable")
        last = np.flatnonzero(np.append(np.diff(error[order]) != 0, True))  # of equal errors
        hits, alarms = np.cumsum(is_odd[order])[last], np.cumsum(~is_odd[order])[last]
        if not (hits[-1] and alarms[-1]):
            continue
        points = np.stack([alarms / alarms[-1], hits / hits[-1]], axis=1)
        kept = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_STEPS)).astype(int))
        found.append({"engine": one.name, "points": [[0.0, 0.0], *points[kept].tolist()]})
    return found
