"""One trial of a search: weighed while it is untrained, trained shortly, judged and weighed again.

It runs in a process of its own, here or on another machine, so all that it takes and gives is
picklable, and it writes nothing but temporary files.
"""

import math
import os
import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np

from glyphite.convert.boards import Board
from glyphite.convert.data.dataset import Labels, Numbers, Part
from glyphite.convert.errors import DataError, DoesNotFitError, ModelError
from glyphite.convert.files import temporary_folder, write_bytes, write_text
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize import calibration, quantize
from glyphite.host.measure.truth import classes_of
from glyphite.host.measure.weigh import BeyondError, Limits, Weight, hold_untrained, weigh
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import LitertRunner
from glyphite.train.fit import Settings
from glyphite.train.own import Lessons, untrained
from glyphite.train.search.short import alone_on_a_core, fit_short
from glyphite.train.search.space import Drawn

_ONE_AT_A_TIME = threading.Lock()
"""A worker of a cluster may have several threads, and Keras has one state for all."""
FUNCTION = "network"
"""In the file of a trial."""
RUN = 3
"""Held-back samples that the emulated board answers, to count cycles."""
CALIBRATED_ON = 200
"""Training samples: of the network ``seed``, 20 to 2,000 give the same accuracy."""


@dataclass(frozen=True)
class Work:
    """What all trials of a search have in common."""

    lessons: Lessons
    """Its validation samples are those to be judged by."""
    board: Board
    limits: Limits
    epochs: int
    batch_size: int
    seed: int


@dataclass(frozen=True)
class Figures:
    """What came of a trial."""

    refused: str = ""
    """A sentence on what it is beyond; empty where it is within all limits."""
    excess: float = 0.0
    """By how much it is beyond that, as a share of the limit."""
    score: float | None = None
    """Of int8 on the samples held back: accuracy as a share, or the mean absolute error of numbers
    that are to be met; None where it was not trained."""
    float_score: float | None = None
    """The accuracy of the float model on the same; None of numbers."""
    weight: Weight | None = None
    """As it was trained; None where it was not."""
    sha256: str = ""
    """Of the .tflite."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What was done, and how long that took on the PC."""


def attempt(work: Work, number: int, drawn: Drawn) -> Figures:
    """What comes of a network that was ``drawn``.

    Raises ToolError where TensorFlow, a compiler or an emulator is missing or fails.
    """
    with _ONE_AT_A_TIME, temporary_folder() as folder:
        alone_on_a_core()
        before = time.monotonic()
        path = folder / f"trial_{number}.py"
        write_text(path, drawn.source(f"Trial {number}"))
        settings = Settings(f"{path}:{FUNCTION}", work.epochs, work.batch_size, work.seed)
        try:
            return _attempt(work, settings, before)
        except (DoesNotFitError, ModelError) as error:
            said = str(error).replace(str(folder) + os.sep, "")
            excess = error.excess if isinstance(error, BeyondError) else 1.0
            return Figures(said, excess, seconds={"all": time.monotonic() - before})


def _attempt(work: Work, settings: Settings, begun: float) -> Figures:
    model = untrained(settings)
    data, held_back = work.lessons.data, held_back_of(work.lessons)
    learnt, _ = work.lessons.arrays(data.train.take(slice(CALIBRATED_ON)))
    tensors = held_back.take(slice(RUN)).inputs
    content = quantize.quantize(model, learnt, b"")
    inputs = _manifest(content, work).quantize(tensors)
    hold_untrained(content, work.board, work.limits, inputs)
    weighed = time.monotonic()
    trained = fit_short(settings, model, work.lessons)
    fitted = time.monotonic()
    if not math.isfinite(trained.history["loss"][-1]):
        raise ModelError("Its training has diverged.")
    learnt, _ = work.lessons.arrays(_spread(data.train, CALIBRATED_ON))
    content = quantize.quantize(model, learnt, b"")
    manifest = _manifest(content, work)
    score = judge(content, manifest, held_back)
    weight = weigh(content, work.board, work.limits, manifest.quantize(tensors))
    ended = time.monotonic()
    return Figures(
        score=score,
        float_score=trained.history.get("val_accuracy", [None])[-1],
        weight=weight,
        sha256=manifest.sha256,
        seconds={
            "weighed": weighed - begun,
            "trained": fitted - weighed,
            "judged": ended - fitted,
            "all": ended - begun,
        },
    )


def held_back_of(lessons: Lessons) -> Part:
    """The samples to judge by, which are not learnt from, and not those to test by.

    Raises DataError where there are none.
    """
    held_back = lessons.data.validation
    if held_back is None or not len(held_back):
        raise DataError(
            f"{lessons.data.title} has too few training samples to hold some back, and networks "
            "are not chosen by those to test by. Give more of them, or a part `validation`."
        )
    return held_back


def _spread(part: Part, count: int) -> Part:
    """At most ``count`` samples, evenly spread."""
    return part.take(calibration.evenly(np.arange(len(part)), count))


def _manifest(content: bytes, work: Work) -> Manifest:
    manifest = quantize.manifest_of(content, "trial")
    return replace(manifest, preprocessing=work.lessons.preprocessing)


def judge(content: bytes, manifest: Manifest, part: Part) -> float:
    """The accuracy of the .tflite ``content`` on ``part`` as a share, by LiteRT; where numbers are
    to be met, the mean absolute error."""
    scores = _answers(content, manifest.quantize(part.inputs))
    if isinstance(part.targets, Numbers):
        values = part.targets.values.reshape(len(part), -1)
        return float(np.abs(manifest.dequantize_output(scores) - values).mean())
    labels = part.targets.values if isinstance(part.targets, Labels) else None
    return float((classes_of(manifest, scores) == labels).mean())


def _answers(content: bytes, tensors: Tensors) -> Tensors:
    with temporary_folder() as folder:
        path = folder / "model_int8.tflite"
        write_bytes(path, content)
        return LitertRunner(path).run(tensors)[0]
