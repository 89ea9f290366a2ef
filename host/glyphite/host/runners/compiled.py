"""The generated C on this PC: built by the PC's C compiler and called in this process."""

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.files import read_bytes, temporary_folder
from glyphite.convert.programs import COMPILE_SECONDS
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device.c_compiler import c_compiler, shared_library
from glyphite.host.device.said import run_kept
from glyphite.host.runners.base import Outputs, Scores, Tensors, chunks, only, require_shape

CHUNK = 100
"""Images between two reports of progress."""
FLAGS = shared_library("-O2")


@dataclass(frozen=True)
class CompiledRunner:
    """Runs a .tflite as the C that is generated from it, as its file is at that time."""

    model: Path
    name: str = "c"

    def prepare(self) -> Compiled:
        """The model's C, where a C compiler is there to build it.

        Raises InputError where the .tflite cannot be read, ModelError where it cannot be compiled,
        ToolError where there is no C compiler.
        """
        c_compiler()
        return _compile(read_bytes(self.model), self.model.stem)

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The scores (n, classes) of its one output, of the type of the model's output.

        Raises InputError where the .tflite cannot be read, ModelError where it cannot be compiled
        or takes other inputs, ToolError where the C compiler is missing or fails.
        """
        library = SharedModel(self.prepare())
        results = []
        for part in chunks(only(inputs), CHUNK):
            results.append(library.infer(part))
            progress(len(part))
        return (np.concatenate(results),)


@lru_cache(maxsize=1)
def _compile(content: bytes, name: str) -> Compiled:
    """Kept for whoever prepares a model first and runs it then."""
    return compile_model(content, name)


class SharedModel:
    """Generated C as a shared library in this process. Its memory is static: one call at a time.

    Raises ToolError where the C compiler is missing or fails.
    """

    def __init__(self, compiled: Compiled, flags: tuple[str, ...] = FLAGS) -> None:
        graph = compiled.program.graph
        source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        self.shape = source.shape
        self.rows = geometry(source)[0]
        self.input_type, self.output_type = np.dtype(source.dtype), np.dtype(sink.dtype)
        self.output_count = sink.count
        self.streams = compiled.plan.streamed_input
        self._library = _load(compiled, flags)
        for function in ("model_output", "model_row" if self.streams else "model_input"):
            getattr(self._library, function).restype = ctypes.c_void_p

    def infer(self, tensors: Tensors) -> Scores:
        """The outputs (n, output_count) of inputs (n, *shape), each of the model's type.

        Raises ModelError where the inputs have another shape or type.
        """
        require_shape(tensors, self.shape, self.input_type)
        outputs = np.empty((len(tensors), self.output_count), self.output_type)
        for tensor, output in zip(np.ascontiguousarray(tensors), outputs, strict=True):
            self._feed(tensor) if self.streams else self._invoke(tensor)
            ctypes.memmove(output.ctypes.data, self._library.model_output(), output.nbytes)
        return outputs

    def _invoke(self, tensor: Tensors) -> None:
        ctypes.memmove(self._library.model_input(), tensor.ctypes.data, tensor.nbytes)
        self._library.model_invoke()

    def _feed(self, tensor: Tensors) -> None:
        """Run C that takes its input row by row."""
        self._library.model_begin()
        for row in tensor.reshape(self.rows, -1):
            ctypes.memmove(self._library.model_row(), row.ctypes.data, row.nbytes)
            self._library.model_take_row()


def _load(compiled: Compiled, flags: tuple[str, ...]) -> ctypes.CDLL:
    """Build the library in a temporary folder, so that no outdated one is left."""
    with temporary_folder() as folder:
        compiled.write(folder)
        command = [*c_compiler(), *flags, "-o", "model.so", "model.c"]
        failure = f"`{' '.join(command)}` failed"
        remedy = "Check that it is a C99 compiler."
        run_kept(command, COMPILE_SECONDS, failure=failure, remedy=remedy, folder=folder)
        return ctypes.CDLL(str(folder / "model.so"))
