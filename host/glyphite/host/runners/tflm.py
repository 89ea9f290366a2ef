"""The oracle: TensorFlow Lite Micro by the package `tflite-micro`, on all cores of this PC."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.errors import ModelError, ToolError
from glyphite.convert.files import read_bytes
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.text import printable
from glyphite.host.runners.base import Outputs, Scores, Tensors, chunks, only

CHUNK = 50
"""Images that a worker gets at once: at 3 ms each, it reports progress seven times a second."""
ARENA_BYTES = 8 << 20
"""The arena: more than any model for a microcontroller needs."""
MISSING = (
    "tflite-micro is not installed, and TensorFlow Lite Micro's answers are needed. Install it "
    "with `pip install glyphite`."
)


@dataclass(frozen=True)
class TflmRunner:
    """Runs a .tflite in TensorFlow Lite Micro; processes share the images."""

    model: Path
    name: str = "int8_tflm"

    def prepare(self) -> None:
        """Load the model, which shows whether TFLM has all of its operators.

        Raises InputError where the .tflite cannot be read, ModelError where TFLM refuses it,
        ToolError where tflite-micro is not installed.
        """
        if not has_tflm():  # an interpreter that was kept would hide that
            raise ToolError(MISSING)
        _interpreter(read_bytes(self.model))

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The scores (n, classes) of its one output, of the type of the model's output.

        Raises InputError where the .tflite cannot be read, ModelError where TFLM refuses it or the
        inputs, ToolError where TFLM crashes or tflite-micro is not installed.
        """
        model = read_bytes(self.model)
        parts = list(chunks(only(inputs), CHUNK))
        workers = min(cores(), len(parts))
        results = []
        if workers < 2:
            for part in parts:
                results.append(infer(model, part))
                progress(len(part))
            return (np.concatenate(results),)
        with ProcessPoolExecutor(workers, get_context("spawn"), _ignore_interrupts) as pool:
            try:
                for scores in pool.map(infer, [model] * len(parts), parts):
                    results.append(scores)
                    progress(len(scores))
            except BrokenProcessPool as error:
                raise ToolError(
                    f"TensorFlow Lite Micro crashed on {self.model}. Check the file with "
                    "`glyphite compile`, which names what is wrong in it."
                ) from error
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return (np.concatenate(results),)


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def infer(model: bytes, tensors: Tensors) -> Scores:
    """The scores (n, classes) of the .tflite ``model`` for inputs (n, *shape), in this process.

    Raises ModelError where TFLM refuses the model or the inputs, ToolError where tflite-micro is
    not installed.
    """
    interpreter = _interpreter(model)
    results = []
    for tensor in tensors:
        try:
            interpreter.set_input(tensor[np.newaxis], 0)
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"TensorFlow Lite Micro cannot run the model: {printable(str(error))}."
            ) from error
        results.append(interpreter.get_output(0).reshape(-1))
    return np.array(results)


def all_tensors(model: bytes, tensor: Tensors, indices: list[int]) -> dict[int, NDArray[Any]]:
    """The tensors with these indices after an inference of one input (*shape), by index.

    Indices that the .tflite ``model`` does not have are left out. Raises ModelError where TFLM
    refuses the model, ToolError where tflite-micro, or the package that reads a .tflite, is not
    installed.
    """
    return PreservedTensors(model).infer(tensor, indices)


class PreservedTensors:
    """TFLM with tensors that do not share memory, so that all can be read after an inference.

    Raises ModelError where TFLM refuses the model, ToolError where tflite-micro, or the package
    that reads a .tflite, is not installed.
    """

    def __init__(self, model: bytes) -> None:
        self._interpreter = _preserving(model)
        self._count = len(read(model).tensors)

    def infer(self, tensor: Tensors, indices: list[int]) -> dict[int, NDArray[Any]]:
        """Those of ``indices`` that the model has, after one input (*shape), by index."""
        self._interpreter.set_input(tensor[np.newaxis], 0)
        self._interpreter.invoke()
        return {
            index: np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])
            for index in indices
            if index < self._count
        }


def _ignore_interrupts() -> None:
    """Let Ctrl-C end the parent alone, which ends its workers: none prints a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _interpreter(model: bytes) -> Any:  # noqa: ANN401 - the package has no types
    return _new_interpreter(model, "kAllocationRecording")


def _preserving(model: bytes) -> Any:  # noqa: ANN401
    """An interpreter whose tensors do not share memory, so that all can be read afterwards."""
    return _new_interpreter(model, "kPreserveAllTensors")


def has_tflm() -> bool:
    """Whether the package tflite-micro is there."""
    return find_spec("tflite_micro") is not None


def _runtime() -> Any:  # noqa: ANN401
    """The module of tflite-micro. Raises ToolError where it, or a part of it, is not installed."""
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ModuleNotFoundError as error:
        raise ToolError(MISSING) from error
    return runtime


def _new_interpreter(model: bytes, config: str) -> Any:  # noqa: ANN401
    runtime = _runtime()
    with quiet() as said:
        try:
            return runtime.Interpreter.from_bytes(
                model,
                arena_size=ARENA_BYTES,
                intrepreter_config=getattr(runtime.InterpreterConfig, config),
            )
        except Exception as error:  # a damaged file shows as struct.error, IndexError, ...
            raise ModelError(
                f"TensorFlow Lite Micro cannot load the model: {_first_line(said) or error}. "
                "Check the file with `glyphite compile`, which names what is wrong in it."
            ) from error


def _first_line(log: IO[bytes]) -> str:
    """The first line that the C++ code wrote before it failed."""
    log.seek(0)
    return log.readline().decode(errors="replace").strip().rstrip(".")
