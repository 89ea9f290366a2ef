"""Runs generated C with every byte overwritten that the plan says is dead, after each turn."""

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.compiler import Compiled
from host.runners.compiled import c_compiler

PROGRAM = """
static void poison(int turn);
#define MODEL_STEP(turn) poison(turn)
#include "model.c"
static void poison(int turn) {{
    static const unsigned char kept[][MODEL_ARENA_BYTES] = {{ {rows} }};
    for (int i = 0; i < MODEL_ARENA_BYTES; i++) {{
        if (!kept[turn][i]) {{
            arena[i] = (int8_t)(0x55 + i);
        }}
    }}
}}
"""


def poisoned(compiled: Compiled, folder: Path, tensors: NDArray[Any]) -> NDArray[np.int8]:
    """The outputs' bytes of the generated C when all dead memory is overwritten after each turn."""
    compiled.write(folder)
    turns = range(len(compiled.plan.schedule.turns))
    rows = ",\n".join("{" + ",".join(map(str, _kept(compiled, turn))) + "}" for turn in turns)
    (folder / "poison.c").write_text(PROGRAM.format(rows=rows))
    command = [c_compiler(), "-O1", "-shared", "-fPIC", "-o", "poison.so", "poison.c"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "poison.so"))
    library.model_input.restype = library.model_output.restype = ctypes.c_void_p
    graph = compiled.program.graph
    size = graph.tensors[graph.outputs[0]].bytes
    outputs = []
    for tensor in tensors:
        ctypes.memmove(library.model_input(), tensor.ctypes.data, tensor.nbytes)
        library.model_invoke()
        outputs.append(np.frombuffer(ctypes.string_at(library.model_output(), size), np.int8))
    return np.array(outputs)


def _kept(compiled: Compiled, turn: int) -> list[int]:
    kept = np.zeros(compiled.arena_bytes, np.uint8)
    for part in compiled.plan.kept(turn):
        kept[part.start : part.stop] = 1
    return [int(value) for value in kept]
