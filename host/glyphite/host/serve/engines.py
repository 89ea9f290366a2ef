"""The model on this PC, kept loaded: the bytes that the board has to give, and the float model."""

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import printable
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.compiled import CompiledRunner, SharedModel
from glyphite.host.runners.keras import LoadedKeras
from glyphite.host.runners.oracle import BRIEF, STAND_IN, TFLM
from glyphite.host.runners.tflm import has_tflm, infer

Infer = Callable[[Tensors], Scores]

ENDED = "its process has ended, for which memory may have lacked. End other programs."


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
    """The float model, where there is one and TensorFlow is installed.

    It lives in the process of ``beside``: loading takes seconds, disturbs answers meanwhile, and
    cannot be broken off, where a process can be ended at any time.
    """

    def __init__(
        self,
        folder: ModelFolder,
        manifest: Manifest,
        beside: Executor,
        said: Callable[[str], None],
    ) -> None:
        self._folder, self._manifest = folder, manifest
        self._beside, self._said = beside, said
        self._is_loaded = self._is_over = False

    def begin(self) -> None:
        """Load it, while this goes on."""
        if self._folder.keras.is_file() and find_spec("tensorflow") is not None:
            shape = (1, *self._manifest.input.shape[1:])
            loading = self._beside.submit(_load, self._folder.keras, shape)
            loading.add_done_callback(self._loaded)

    def end(self) -> None:
        """Say nothing of a process that ends from now on."""
        self._is_over = True

    def _loaded(self, loading: "Future[None]") -> None:
        try:
            loading.result()
            self._is_loaded = True
        except GlyphiteError as error:
            self._leave_out(str(error))
        except (BrokenProcessPool, CancelledError):
            self._leave_out(ENDED)
        except Exception as error:  # such as no memory for another process, or for TensorFlow
            reason = printable(str(error) or type(error).__name__).rstrip(".")
            self._leave_out(f"{reason}. End other programs.")

    def _leave_out(self, reason: str) -> None:
        self._is_loaded = False
        if not self._is_over:
            self._said(f"The float model is left out: {reason}")

    def run(self, tensor: Tensors) -> Timed | None:
        """The answer to what an input (1, *shape) stands for; None where there is no model, or it
        is not loaded yet."""
        if not self._is_loaded or self._is_over:
            return None
        timed: Timed | None = None
        with suppress(RuntimeError, CancelledError, OSError):  # a BrokenProcessPool is one, too
            asked = self._beside.submit(_ask, self._manifest.dequantize_input(tensor))
            timed = asked.result()
        if timed is None:
            self._leave_out(ENDED)
        return timed


class _Loaded:
    """The float model of this process, which is that of an executor."""

    model: LoadedKeras | None = None


def _load(keras: Path, shape: tuple[int, ...]) -> None:
    model = LoadedKeras(keras)
    model.run(np.zeros(shape, np.float32))  # traces it
    _Loaded.model = model


def _ask(floats: Tensors) -> Timed | None:
    """None in a process that took the place of a dead one."""
    return None if _Loaded.model is None else _timed(_Loaded.model.run, floats)


def _timed(infer_one: Infer, tensor: Tensors) -> Timed:
    before = time.perf_counter()
    scores = infer_one(tensor)
    return Timed(scores.reshape(-1), 1000 * (time.perf_counter() - before))


def _of_tflm(folder: ModelFolder) -> Infer:
    model = read_bytes(folder.tflite)
    return lambda tensor: infer(model, tensor)


def _of_c(folder: ModelFolder) -> Infer:
    return SharedModel(CompiledRunner(folder.tflite).prepare()).infer
