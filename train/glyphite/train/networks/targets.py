"""What a network is to answer: labels, smoothed or not, or what a teacher answers."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Images, Labels
from glyphite.convert.errors import ModelError
from glyphite.convert.shipped import MODELS
from glyphite.convert.text import command
from glyphite.convert.workspace import model_folder
from glyphite.train.fit import unit_images
from glyphite.train.networks.recipe import Recipe, Teaching

if TYPE_CHECKING:
    import keras

CLASSES = 10
_AT_ONCE = 500
"""Images that a teacher answers at once: few enough for the processor's cache."""

Targets = NDArray[np.float32]
"""(n, 10): the share of each class, of sum 1."""
Make = Callable[[Images, Labels], Targets]
"""The targets of images that are varied already."""


def teacher_file(teaching: Teaching) -> Path:
    """The ``.keras`` file of the teacher: trained here, or else of this package.

    Raises ModelError where there is none.
    """
    shipped = MODELS / teaching.model / "model.keras"
    here = model_folder(teaching.model).keras
    for path in (here, shipped):
        if path.is_file():
            return path
    network, _, recipe = teaching.model.partition("-")
    how = command("glyphite", "train", network, "--recipe", recipe or "best")
    raise ModelError(f"There is no model {teaching.model!r} to teach. Train it with `{how}`.")


def teacher_sha256(recipe: Recipe) -> str:
    """Of the teacher's file; "" where the labels alone teach. Raises ModelError as above."""
    if recipe.teaching is None:
        return ""
    return hashlib.sha256(teacher_file(recipe.teaching).read_bytes()).hexdigest()


def targets_of(recipe: Recipe) -> Make:
    """The function that makes the targets. Raises ModelError where the teacher is not there."""
    smooth = _smoothed(recipe.smoothing)
    if recipe.teaching is None:
        return lambda _, labels: smooth(labels)
    import keras

    teaching, path = recipe.teaching, teacher_file(recipe.teaching)
    teacher = keras.models.load_model(path, compile=False)
    answers = _answers(teacher)

    def taught(images: Images, labels: Labels) -> Targets:
        softer = softened(answers(images), teaching.power)
        share = np.float32(teaching.share)
        return share * softer + (1 - share) * smooth(labels)

    return taught


def softened(scores: NDArray[np.float32], power: float) -> Targets:
    """``scores`` (n, classes) to the ``power``, each row of sum 1 again."""
    raised = np.power(np.maximum(scores, np.float32(1e-12)), np.float32(power))
    soft: Targets = raised / raised.sum(axis=1, keepdims=True)
    return soft


def _smoothed(smoothing: float) -> Callable[[Labels], Targets]:
    rows = np.full((CLASSES, CLASSES), smoothing / CLASSES, np.float32)
    np.fill_diagonal(rows, 1 - smoothing + smoothing / CLASSES)
    return lambda labels: rows[labels]


def _answers(teacher: "keras.Model") -> Callable[[Images], NDArray[np.float32]]:
    import tensorflow as tf

    call = tf.function(lambda images: teacher(images, training=False), reduce_retracing=True)

    def answers(images: Images) -> NDArray[np.float32]:
        parts = [
            np.asarray(call(tf.constant(unit_images(images[start : start + _AT_ONCE]))))
            for start in range(0, len(images), _AT_ONCE)
        ]
        return np.concatenate(parts)

    return answers
