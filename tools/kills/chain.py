"""The verbs that write, in the order in which they work with each other's files, and those that
read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import TFLITE
from glyphite.train.data.mnist import Images, Mnist, load_mnist
from glyphite.train.fit import Settings, Trained

Call = tuple[str, tuple[str, ...]]
"""A verb and its words. What follows a "-" in the verb tells two calls of one apart."""

MODEL = "seed"
IMAGES = 64
"""Of MNIST, for training: the figures need not be good."""
COUNT = "20"
DIGIT = "digit.png"
ROWS = ("accuracy", "loss", "val_accuracy", "val_loss")
OTHER = "other.tflite"
"""A model for the board: that of ``uno`` with another weight."""
ON_UNO = ("--board", "uno", "--port", "sim://uno")

READERS: tuple[Call, ...] = (
    ("report", (MODEL, "--json")),
    ("predict", (DIGIT, MODEL, "--json")),
    ("compile", (MODEL, "--json")),
    ("stream", (MODEL, "--port", "sim://native", "--count", COUNT, "--json")),
    ("verify", (MODEL, "--board", "native", "--count", "5", "--json")),
    ("compare", (MODEL, "--count", COUNT, "--json")),
)
BOARD_READERS: tuple[Call, ...] = (
    ("stream-uno", ("uno", "--port", "sim://uno", "--count", "1", "--json")),
    ("stream-other", (OTHER, "--port", "sim://uno", "--count", "1", "--json")),
)
SLOW = {"compare"}
"""Readers that load TensorFlow: left out with ``--quick``."""


@dataclass(frozen=True)
class Step:
    """A verb that writes."""

    verb: str
    words: tuple[str, ...]
    earlier: tuple[str, ...]
    """The words with which it has worked before, for another model."""
    readers: tuple[Call, ...] = READERS


def step(verb: str, *words: str, earlier: tuple[str, ...] | None = None) -> Step:
    """One whose readers are those of the model."""
    return Step(verb, words, words if earlier is None else earlier)


CHAIN = (
    step("train", MODEL, "--epochs", "1", "--seed", "2", earlier=(MODEL, "--epochs", "1")),
    step("convert", MODEL, "--calibration-images", "50"),
    step("compare", MODEL, "--count", COUNT),
    step("compile", MODEL),
    step("export-tflm", MODEL, "--tflm"),
    step("export-arduino", MODEL, "--arduino"),
    step("build", MODEL, "--board", "native"),
    step("stream", MODEL, "--port", "sim://native", "--count", COUNT),
    step("report", MODEL),
    Step("flash", ("uno", *ON_UNO), (OTHER, *ON_UNO), BOARD_READERS),
)
"""Each is ended where the ones before it have worked with another model than those behind it."""


def write_inputs(folder: Path) -> None:
    """A picture of a digit, and a model for the board."""
    Image.fromarray(255 - load_mnist().test_images[0]).save(folder / DIGIT)
    content = bytearray((MODELS / "uno" / TFLITE).read_bytes())
    content[len(content) // 2] ^= 1  # most of it are weights
    (folder / OTHER).write_bytes(content)


@contextmanager
def little_data() -> Iterator[None]:
    """Training on a few images."""
    whole = load_mnist()
    few = Mnist(
        whole.train_images[:IMAGES], whole.train_labels[:IMAGES],
        whole.test_images[:IMAGES], whole.test_labels[:IMAGES],
    )  # fmt: skip
    with mock.patch("glyphite.host.cli.train.load_mnist", lambda **_: few):
        yield


class _Learned:
    """Stands for a Keras model that was trained before, and is saved again."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def save(self, path: Path) -> None:
        path.write_bytes(self.content)

    def count_params(self) -> int:
        return 93_322

    def __call__(self, images: Images, training: bool) -> NDArray[np.float32]:
        return np.full((len(images), 10), 0.1, np.float32)


@contextmanager
def training_done(keras: Path) -> Iterator[None]:
    """Let training be over at once, and come to the file ``keras`` and the history beside it.

    A kill while it learns leaves what a kill before it does: nothing is written meanwhile.
    """
    told = json.loads(keras.with_name("history.json").read_text())
    model, history = _Learned(keras.read_bytes()), {row: told[row] for row in ROWS}

    def train(
        settings: Settings, data: Mnist, progress: NotedProgress = ignore_progress
    ) -> Trained:
        return Trained(settings, cast(Any, model), history)

    with mock.patch("glyphite.host.cli.train.train", train):
        yield
