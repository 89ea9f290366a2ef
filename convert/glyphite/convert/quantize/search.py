"""Finds what was done to the samples that a float model was trained on, by trying the usual."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.data.dataset import DataSet, Labels, Numbers, Part
from glyphite.convert.data.options import Kind
from glyphite.convert.preprocessing import (
    BLUE,
    NAMED,
    STANDARD,
    Preprocessing,
    named_preprocessing,
    standard,
    turned,
)
from glyphite.convert.quantize.calibration import learnt_from
from glyphite.convert.quantize.float_model import FloatModel

TRIED = 500
"""Samples on which each is tried."""
COLOURS = 3
CERTAIN = 0.01
"""The p-value below which one reads better than another."""
FAR_BETTER = 5.0
"""Percentage points by which one that was asked for must fall behind to be doubted."""
LESS_ERROR = 0.8
"""Of an error: below this share of it, the other one is taken for right."""


@dataclass(frozen=True)
class Reading:
    """How well the float model answers samples under one preprocessing."""

    name: str
    preprocessing: Preprocessing
    good: NDArray[np.float64]
    """(n,): 1 for each right answer, 0 for a wrong one; or less the error, where there are none."""

    @property
    def share(self) -> float:
        """Of right answers, or less the mean error."""
        return float(self.good.mean())


@dataclass(frozen=True)
class Found:
    """A preprocessing, and what was seen as it was chosen."""

    preprocessing: Preprocessing
    reason: str
    """A sentence on why it is this one."""
    doubt: str = ""
    """A sentence where the model does not seem to be of these data; empty where it does."""
    is_lost: bool = False
    """Whether the model reads the data no better than chance, whatever is done to them."""


def usual(data: DataSet) -> str:
    """The name of what is done to samples where nothing tells better."""
    is_bytes = data.kind is Kind.PICTURE and float(data.test.inputs.max(initial=0)) > 1
    return "unit" if is_bytes else "raw"


def find(
    model: FloatModel,
    data: DataSet,
    asked: str | None = None,
    learnt: Preprocessing | None = None,
) -> Found:
    """The preprocessing under which the float model reads ``data``, or the one ``asked`` for.

    Where it is known what the model has ``learnt`` from, that is it unless another reads better.
    The samples of ``data`` are as the model takes them. Raises InputError where there is none of
    the name ``asked``.
    """
    samples = learnt_from(data)
    first = usual(data) if asked is None else asked
    is_picture = data.kind is Kind.PICTURE
    chosen = named_preprocessing(first, samples.inputs, is_picture=is_picture)
    if asked is None and learnt is not None:
        first, chosen = "as in training", learnt
    if samples.targets is None:
        why = "as is usual: there are no labels to find it by"
        why = "as was asked" if asked else "as in training" if learnt else why
        return Found(chosen, f"Preprocessing: {chosen.text}, {why}.")
    places = np.linspace(0, len(samples) - 1, min(TRIED, len(samples))).astype(np.intp)
    part = samples.take(places)
    tried = {first: chosen, **_usual_ones(data, samples)}
    if is_picture and data.shape[-1] == COLOURS:  # OpenCV reads blue first
        tried |= {f"{name}, {BLUE}": turned(one) for name, one in tried.items()}
    tried = {name: one for name, one in tried.items() if name == first or one != chosen}
    readings = [Reading(name, one, _good(model, part, one)) for name, one in tried.items()]
    best = _best(readings)
    if asked is None:
        return Found(best.preprocessing, _reason(best, readings, part), *_chance(best, part, data))
    return Found(chosen, _reason(readings[0], readings, part), _fallen_behind(readings, part))


def _usual_ones(data: DataSet, samples: Part) -> Mapping[str, Preprocessing]:
    """What is tried: of numbers that are no pictures, only as they are and standardised."""
    raw, is_picture = samples.inputs, data.kind is Kind.PICTURE
    plain = {"raw": NAMED["raw"], STANDARD: standard(raw, is_picture=is_picture)}
    if not is_picture:
        return plain
    if float(raw.max(initial=0)) > 1:
        return {**NAMED, **plain}
    shifted = Preprocessing(0.5, mean=(1.0,))
    return {
        **plain,
        "of 0..1 to -1..1": shifted,
        "of 0..1 inverted": Preprocessing(mean=(1.0,), deviation=(-1.0,)),
        "of 0..1 to 0..255": Preprocessing(1 / 255),
    }


def _good(model: FloatModel, part: Part, preprocessing: Preprocessing) -> NDArray[np.float64]:
    """(n,): whether each answer is right, or less its error; of what is not finite, the worst."""
    seen = preprocessing.apply(part.inputs).astype(np.float32)
    answers = model.answers(seen).reshape(len(seen), -1).astype(np.float64)
    finite = np.isfinite(answers).all(axis=1)
    if isinstance(part.targets, Labels):
        given = metrics.classes_of(np.nan_to_num(answers), metrics.are_shares(answers))
        return np.asarray(finite & (given == part.targets.values), np.float64)
    wanted = _wanted(part, seen).reshape(len(seen), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(answers - wanted).mean(axis=1) / max(float(wanted.std()), 1e-9)
    return -np.where(finite, error, 1e9)


def _wanted(part: Part, seen: NDArray[np.float32]) -> NDArray[np.float64]:
    targets = part.targets
    if isinstance(targets, Numbers):
        return np.asarray(targets.values, np.float64)
    return np.asarray(seen, np.float64)  # Inputs: to be given back as the model sees them


def _best(readings: list[Reading]) -> Reading:
    """The first, which is usual, unless another one reads better beyond doubt."""
    first, best = readings[0], max(readings, key=lambda reading: reading.share)
    return best if _is_better(best, first) else first


def _is_better(one: Reading, other: Reading) -> bool:
    if one.good.min(initial=0) < 0 or other.good.min(initial=0) < 0:
        return -one.share < LESS_ERROR * -other.share
    only_one = int(np.count_nonzero((one.good == 1) & (other.good == 0)))
    only_other = int(np.count_nonzero((other.good == 1) & (one.good == 0)))
    return only_one > only_other and metrics.mcnemar(only_one, only_other) < CERTAIN


def _figure(reading: Reading, part: Part) -> str:
    if isinstance(part.targets, Labels):
        return f"{100 * reading.share:.1f} %"
    return f"an error of {-reading.share:.3g} deviations"


def _reason(taken: Reading, readings: list[Reading], part: Part) -> str:
    verb = "is right on" if isinstance(part.targets, Labels) else "has"
    others = [reading for reading in readings if reading is not taken]
    others.sort(key=lambda reading: -reading.share)
    listed = ", ".join(f"{one.preprocessing.text}: {_figure(one, part)}" for one in others[:2])
    return (
        f"Preprocessing: {taken.preprocessing.text}. So the float model {verb} "
        f"{_figure(taken, part)} of {len(part):,} training samples"
        + (f" (others: {listed})." if others else ".")
    ).replace("deviations of ", "deviations on ")


def _chance(best: Reading, part: Part, data: DataSet) -> tuple[str, bool]:
    """The doubt, and whether the model reads nothing of the data."""
    if not isinstance(part.targets, Labels):
        lost = -best.share >= 1
        said = (
            f"The float model's error on {data.title} is as large as that of one answer to all, "
            "whatever usual is done to the samples: it was trained on something else or too little."
        )
        return (said, True) if lost else ("", False)
    most = float(np.bincount(part.targets.values).max()) / len(part)
    low, _ = metrics.wilson_interval(int(best.good.sum()), len(part))
    if low > most:
        return "", False
    return (
        f"The float model is right on {100 * best.share:.1f} % of {len(part):,} training samples "
        f"of {data.title}, no better than one answer to all ({100 * most:.1f} %): it was "
        "trained on something else or too little, or its samples were prepared in an unusual way.",
        True,
    )


def _fallen_behind(readings: list[Reading], part: Part) -> str:
    """The doubt where another preprocessing reads far better than the one that was asked for."""
    asked, best = readings[0], max(readings, key=lambda reading: reading.share)
    is_far = not isinstance(part.targets, Labels) or 100 * (best.share - asked.share) > FAR_BETTER
    if not (_is_better(best, asked) and is_far):
        return ""
    return (
        f"With {asked.preprocessing.text}, the float model has {_figure(asked, part)} on "
        f"{len(part):,} training samples, and with {best.preprocessing.text} it has "
        f"{_figure(best, part)}. Leave out --preprocess, and the better one is taken."
    )
