"""The model on this PC, kept loaded: the bytes that the board has to give, and the float model."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.compiled import CompiledRunner, SharedModel
from glyphite.host.runners.keras import LoadedKeras
from glyphite.host.runners.oracle import BRIEF, STAND_IN, TFLM
from glyphite.host.runners.tflm import has_tflm, infer

Infer = Callable[[Tensors], Scores]


@dataclass(frozen=True, eq=False)
class Timed:
    """The scores (values,) of one inference, and how long it took."""

    scores: NDArray[Any]
    milliseconds: float


class Reference:
    """Whose bytes the board has to give: TFLM's, or those of what stands in for it.

    Raises what loading the model does: ModelError, InputError, ToolError.
    """

    def __init__(self, folder: ModelFolder, manifest: Manifest) -> None:
        self.title = BRIEF[TFLM if has_tflm() else STAND_IN]
        self._infer = _of_tflm(folder) if has_tflm() else _of_c(folder)
        shape = (1, *manifest.input.shape[1:])
        self.run(np.zeros(shape, manifest.input.dtype))  # loads it, so that no answer waits

    def run(self, tensor: Tensors) -> Timed:
        """The answer to one input (1, *shape)."""
        return _timed(self._infer, tensor)


class Float:
    """The float model, where there is one and TensorFlow is installed; loaded in a thread of its
    own, as that takes seconds."""

    def __init__(
        self, folder: ModelFolder, manifest: Manifest, said: Callable[[str], None]
    ) -> None:
        self._model: LoadedKeras | None = None
        self._folder, self._manifest, self._said = folder, manifest, said

    def begin(self) -> None:
        """Load it. What TensorFlow prints meanwhile goes nowhere, and all else that is printed
        with it: so this comes last."""
        if self._folder.keras.is_file() and find_spec("tensorflow") is not None:
            threading.Thread(target=self._load, name="float", daemon=True).start()

    def _load(self) -> None:
        try:
            model = LoadedKeras(self._folder.keras)
            shape = (1, *self._manifest.input.shape[1:])
            model.run(np.zeros(shape, np.float32))  # traces it
            self._model = model
        except GlyphiteError as error:
            self._said(f"The float model is left out: {error}")

    def run(self, tensor: Tensors) -> Timed | None:
        """The answer to what an input (1, *shape) stands for; None where there is no model, or it
        is not loaded yet."""
        if self._model is None:
            return None
        return _timed(self._model.run, self._manifest.dequantize_input(tensor))


def _timed(infer_one: Infer, tensor: Tensors) -> Timed:
    before = time.perf_counter()
    scores = infer_one(tensor)
    return Timed(scores.reshape(-1), 1000 * (time.perf_counter() - before))


def _of_tflm(folder: ModelFolder) -> Infer:
    model = read_bytes(folder.tflite)
    return lambda tensor: infer(model, tensor)


def _of_c(folder: ModelFolder) -> Infer:
    return SharedModel(CompiledRunner(folder.tflite).prepare()).infer
