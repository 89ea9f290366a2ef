"""The verbs that write, in the order in which they work with each other's files, and those that
read."""

import json
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.data.mnist import Images, Mnist, load_mnist
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.float_model import FloatModel
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import TFLITE
from glyphite.train.fit import Settings, Trained

Call = tuple[str, tuple[str, ...]]
"""A verb and its words. What follows a "-" in the verb tells two calls of one apart."""

MODEL = "seed"
IMAGES = 1000
"""Of MNIST, for training: as few as make a model that ``convert`` takes."""
COUNT = "20"
DIGIT = "digit.png"
ROWS = ("accuracy", "loss", "val_accuracy", "val_loss")
PROJECT = "wand"
"""Of ``new``, in ``build/`` like all that is watched."""
OTHER = "other.tflite"
"""A model for the board: that of ``uno`` with another weight."""
ON_UNO = ("--board", "uno", "--port", "sim://uno")
AS_IT_IS = "sim://uno?firmware=build/.boards/uno.flash"
"""A board that no verb flashes before it asks it."""

READERS: tuple[Call, ...] = (
    ("report", (MODEL, "--json")),
    ("predict", (DIGIT, MODEL, "--json")),
    ("compile", (MODEL, "--json")),
    ("stream", (MODEL, "--port", "sim://native", "--count", COUNT, "--json")),
    ("verify", (MODEL, "--board", "native", "--count", "5", "--json")),
    ("compare", (MODEL, "--count", COUNT, "--json")),
)
BOARD_READERS: tuple[Call, ...] = (
    ("stream-uno", ("uno", "--port", AS_IT_IS, "--count", "1", "--json")),
    ("stream-other", (OTHER, "--port", AS_IT_IS, "--count", "1", "--json")),
)
SLOW = {"compare"}
"""Readers that load TensorFlow: left out with ``--quick``."""
SOURCES = {"model.keras", "model_int8.tflite", "manifest.json"}
READ = dict.fromkeys(("predict", "compile", "verify", "compare"), SOURCES)
"""Reader -> the files that its answer is of; that of any other is of all files.

``compare`` also brings the report up to date, as ``report`` does.
"""


@dataclass(frozen=True)
class Step:
    """A verb that writes."""

    verb: str
    words: tuple[str, ...]
    earlier: tuple[str, ...]
    """The words with which it has worked before, for another model."""
    readers: tuple[Call, ...] = READERS
    folders: tuple[str, ...] = (".", MODEL)
    """Below ``build/``, those in which it writes."""


TRAIN = (MODEL, "--epochs", "1")
CONVERT = (MODEL, "--calibration-samples", "50")
COMPARE = (MODEL, "--count", COUNT)
BUILD = (MODEL, "--board", "native")
STREAM = (MODEL, "--port", "sim://native", "--count", COUNT)
BOARDS = ".boards"
CHAIN = (
    Step("train", (*TRAIN, "--seed", "2"), TRAIN),
    Step("convert", CONVERT, CONVERT),
    Step("compare", COMPARE, COMPARE),
    Step("compile", (MODEL,), (MODEL,)),
    Step("export-tflm", (MODEL, "--tflm"), (MODEL, "--tflm")),
    Step("export-arduino", (MODEL, "--arduino"), (MODEL, "--arduino")),
    Step("build", BUILD, BUILD, folders=(".", MODEL, BOARDS)),
    Step("stream", STREAM, STREAM),
    Step("report", (MODEL,), (MODEL,)),
    Step("flash", ("uno", *ON_UNO), (OTHER, *ON_UNO), BOARD_READERS, (".", "uno", BOARDS)),
    Step("new", (f"build/{PROJECT}",), ("build/wave", "--like", "sine"), (), (".",)),
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
def computed_once(step: Step, states: Path) -> Iterator[None]:
    """Let a verb compute in its first run alone what takes long; later ones have the results.

    A kill while it computes leaves what a kill before it does: nothing is written meanwhile.
    """
    with ExitStack() as stack:
        if step.verb == "train":
            model = states / "train after" / "build" / MODEL / "model.keras"
            stack.enter_context(_trained(model))
        for name, kept in LONG.get(step.verb, {}).items():
            stack.enter_context(mock.patch(name, _once(name, states / f"{name}.pickle", kept)))
        yield


CONVERTING = "glyphite.host.cli.convert"
LONG = {
    "convert": {
        f"{CONVERTING}.open_model": True,
        f"{CONVERTING}.search.find": True,
        f"{CONVERTING}.dead_tensor": True,
    },
    "compare": {"glyphite.host.measure.compare.run_all": True},
}
"""Verb -> its functions that compute long, and whether anything but such functions needs their
results."""


def _once(name: str, place: Path, kept: bool) -> Callable[..., Any]:
    real = pkgutil.resolve_name(name)

    def once(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if place.is_file():
            return pickle.loads(place.read_bytes())
        result = real(*arguments, **options)
        if name.endswith(".open_model"):  # its own results are what takes long
            return _Opened(result, place)
        place.write_bytes(pickle.dumps(result if kept else None))
        return result

    return once


class _Opened:
    """A float model that keeps what it has computed, once it has computed all."""

    def __init__(self, real: FloatModel, place: Path) -> None:
        self.file, self.content, self.notes = real.file, real.content, real.notes
        self.shape, self.output_shape = real.shape, real.output_shape
        self.float_tflite = real.float_tflite
        self._real, self._place, self._int8 = real, place, b""

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_real": None}

    def answers(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._real.answers(inputs)

    def layer_of(self, tensor: str) -> str:
        return tensor

    def quantized(self, calibration: NDArray[np.float32]) -> bytes:
        if not self._int8:
            self._int8 = self._real.quantized(calibration)
            self._place.write_bytes(pickle.dumps(self))
        return self._int8


@contextmanager
def _trained(keras: Path) -> Iterator[None]:
    """Let training be over at once, with the file ``keras`` and the history beside it."""
    told = json.loads(keras.with_name("history.json").read_text(encoding="utf-8"))
    model, history = _Learned(keras.read_bytes()), {row: told[row] for row in ROWS}

    def train(
        settings: Settings, data: Mnist, progress: NotedProgress = ignore_progress
    ) -> Trained:
        return Trained(settings, cast(Any, model), history)

    with mock.patch("glyphite.host.cli.train.train", train):
        yield
