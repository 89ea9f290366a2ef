"""One training run: MNIST and a network's name in, a trained model and its history out."""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Images, Mnist
from glyphite.convert.documents import to_json
from glyphite.convert.errors import CheckFailedError
from glyphite.convert.files import (
    remove,
    temporary_files_in,
    temporary_folder,
    write_bytes,
    write_text,
)
from glyphite.convert.manifest import DataRecord
from glyphite.convert.preprocessing import NAMED, Preprocessing
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipe import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Settings:
    """The settings of a training run: the same settings and data give the same weights."""

    network: str
    epochs: int = 10
    batch_size: int = 32
    """Images per step; 32 is Keras's own default."""
    seed: int = 1
    """Of the random numbers: initial weights, order of the images, dropout."""
    recipe: str = "plain"
    """How it is trained: see ``glyphite.train.networks.recipes``."""

    def batches(self, samples: int) -> int:
        """Batches in all epochs together: the length of a progress bar."""
        return self.epochs * -(-samples // self.batch_size)


@dataclass(frozen=True)
class Trained:
    """A trained model and its history: loss, accuracy, val_loss and val_accuracy by epoch."""

    settings: Settings
    model: "keras.Model"
    history: dict[str, list[float]]
    preprocessing: Preprocessing = NAMED["unit"]
    """What was done to the samples."""
    data: DataRecord | None = None
    """Where they are from; None of MNIST, which needs no telling."""
    recipe: Recipe | None = None
    """The hyperparameters; None where it was trained as ``fit`` and ``fit_own`` do."""
    judged_by: str = "test"
    """The part of the data that the history's val_loss and val_accuracy are of."""

    @property
    def parameters(self) -> int:
        """The number of the model's parameters."""
        return int(self.model.count_params())

    def scores(self, images: Images) -> NDArray[np.float32]:
        """The scores (n, classes) of ``images`` (n, 28, 28) of pixels, each 0 to 1."""
        return np.asarray(self.model(unit_images(images), training=False), np.float32)

    def save(self, model: Path, history: Path) -> None:
        """Write the ``.keras`` file and the history as JSON, each whole or not at all.

        Until both are written there is no history, lest it be of another model. Raises
        CheckFailedError where a figure of the history is not finite, InputError where a file cannot
        be written.
        """
        if not all(np.isfinite(row).all() for row in self.history.values()):
            raise CheckFailedError(
                f"The training of {self.settings.network!r} has diverged: its loss is not finite. "
                "Nothing is written. Train it anew with another --seed."
            )
        remove(history)
        with temporary_folder() as folder, temporary_files_in(folder):
            whole = folder / "model.keras"
            self.model.save(whole)
            content = whole.read_bytes()
            write_bytes(model, content)
        document = {
            "network": self.settings.network,
            "epochs": self.settings.epochs,
            "batch_size": self.settings.batch_size,
            "seed": self.settings.seed,
            "recipe": self.settings.recipe,
            "hyperparameters": self.recipe and asdict(self.recipe),
            "parameters": self.parameters,
            "float_sha256": hashlib.sha256(content).hexdigest(),
            "judged_by": self.judged_by,
            **self.history,
            "preprocessing": asdict(self.preprocessing),
            "data": self.data and asdict(self.data),
        }
        write_text(history, to_json(document))


def unit_images(images: Images) -> NDArray[np.float32]:
    """Pixels (n, 28, 28) of 0..255 as the networks' input (n, 28, 28, 1) of 0..1."""
    return images[..., np.newaxis].astype(np.float32) / np.float32(255)


def fit(settings: Settings, data: Mnist, progress: NotedProgress = ignore_progress) -> Trained:
    """Train with Adam on sparse categorical cross-entropy; the test set is the validation data.

    The run is repeatable: random numbers are seeded, TensorFlow's operators deterministic. Raises
    InputError where there is no such network, ToolError where TensorFlow is not installed.
    """
    make = network(settings.network)
    progress(0, note="loading TensorFlow")
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.backend.clear_session()  # or the layers of a second model get other names
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    with quiet():
        model = make()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with held_interrupt() as check:
        history = model.fit(
            unit_images(data.train_images),
            data.train_labels,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            validation_data=(unit_images(data.test_images), data.test_labels),
            callbacks=[watching(settings.epochs, progress, check)],
            verbose=0,
        )
    by_epoch = {name: [float(value) for value in row] for name, row in history.history.items()}
    return Trained(settings, model, by_epoch)


def watching(epochs: int, progress: NotedProgress, check: Callable[[], None]) -> Any:  # noqa: ANN401
    """A Keras callback that reports each batch with loss and accuracy, and calls ``check``."""
    from keras.callbacks import LambdaCallback

    epoch = 0

    def begin(index: int, logs: object) -> None:
        nonlocal epoch
        epoch = index + 1

    def batch(_: int, logs: dict[str, float]) -> None:
        check()
        share = f"  accuracy {logs['accuracy']:.2%}" if "accuracy" in logs else ""
        progress(1, note=f"epoch {epoch}/{epochs}  loss {logs['loss']:.3f}{share}")

    return LambdaCallback(on_epoch_begin=begin, on_train_batch_end=batch)


@contextmanager
def held_interrupt() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the function that this yields is called.

    A KeyboardInterrupt in the middle of TensorFlow's C++ can become a SystemError.
    """
    pressed = threading.Event()
    main = threading.current_thread() is threading.main_thread()  # other threads get no signals
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set()) if main else None

    def check() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    try:
        yield check
        check()
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
