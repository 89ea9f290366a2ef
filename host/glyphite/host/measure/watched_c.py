"""The generated C on this PC, whose arena is read after each kernel call."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.memory.schedule import INPUT
from glyphite.convert.files import temporary_folder
from glyphite.convert.programs import COMPILE_SECONDS
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.device.said import run_kept
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.compiled import FLAGS

WATCHED = """#include <stdint.h>
static void (*watch)(int32_t call, const int8_t *arena);
void set_watch(void (*then)(int32_t call, const int8_t *arena)) { watch = then; }
#define MODEL_STEP(call) watch((call), arena)
#include "model.c"
"""


class WatchedC:
    """C whose tensors can be read as they are made.

    Raises ToolError where the C compiler is missing or fails.
    """

    def __init__(self, compiled: Compiled, generated: Path) -> None:
        """``generated`` is the folder of the C of ``compiled``."""
        self._compiled = compiled
        self._library = _load(generated)
        self._library.model_input.restype = self._library.model_output.restype = ctypes.c_void_p

    def infer(self, tensor: Tensors) -> tuple[Scores, dict[int, NDArray[Any]]]:
        """The output for an input (*shape), and every tensor that a layer writes, by its number.

        Rows that are not computed stay zero.
        """
        graph = self._compiled.program.graph
        tensors = {
            step.output: np.zeros(
                graph.tensors[step.output].shape, graph.tensors[step.output].dtype
            )
            for step in self._compiled.program.steps
        }
        kind = ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_void_p)
        keep = kind(lambda call, arena: _keep(self._compiled, call, arena, tensors))
        self._library.set_watch(keep)
        content = np.ascontiguousarray(tensor).tobytes()
        ctypes.memmove(self._library.model_input(), content, len(content))
        self._library.model_invoke()
        sink = graph.tensors[graph.outputs[0]]
        output = ctypes.string_at(self._library.model_output(), sink.bytes)
        return np.frombuffer(output, sink.dtype), tensors


def _keep(compiled: Compiled, number: int, arena: int, tensors: dict[int, NDArray[Any]]) -> None:
    """Copy the rows out that call ``number`` has made."""
    plan = compiled.plan
    call = plan.schedule.calls[number]
    if call.step == INPUT:
        return
    task = plan.tasks[call.step]
    buffer = plan.buffer_of(task.output)
    whole = tensors[task.output]
    rows = whole.reshape(-1).view(np.uint8).reshape(-1, buffer.ring.row_bytes)
    for row in range(task.made(call.number), task.made(call.number + 1)):
        at = arena + buffer.offset + int(buffer.ring.starts[row])
        rows[row] = np.frombuffer(ctypes.string_at(at, buffer.ring.row_bytes), np.uint8)


def _load(generated: Path) -> ctypes.CDLL:
    with temporary_folder() as scratch:
        source, library = scratch / "watched.c", scratch / "watched.so"
        source.write_bytes(WATCHED.encode())
        command = [*c_compiler(), *FLAGS, f"-I{generated}", "-o", str(library), str(source)]
        failure, remedy = f"{command[0]} failed", "Check that it is a C99 compiler."
        run_kept(command, COMPILE_SECONDS, failure=failure, remedy=remedy)
        return ctypes.CDLL(str(library))
