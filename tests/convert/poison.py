"""Runs generated C with every byte overwritten that the plan says is dead, after each turn."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.compiler import Compiled
from host.runners.compiled import SharedModel

BEFORE = """
static void poison(int turn);
#define MODEL_STEP(turn) poison(turn)
"""
AFTER = """
/* Overwrites every byte that no later turn may need. */
static void poison(int turn) {{
    static const unsigned char kept[][MODEL_ARENA_BYTES] = {{ {rows} }};
    for (int i = 0; i < MODEL_ARENA_BYTES; i++) {{
        if (!kept[turn][i]) {{
            arena[i] = (int8_t)(0x55 + i);
        }}
    }}
}}
"""
FLAGS = ("-std=c99", "-O1", "-shared", "-fPIC", "-fsanitize=undefined",
         "-fsanitize-undefined-trap-on-error")  # fmt: skip


def poisoned(compiled: Compiled, tensors: NDArray[Any]) -> NDArray[np.int8]:
    """The outputs' bytes of the generated C when all dead memory is overwritten after each turn."""
    turns = range(len(compiled.plan.schedule.turns))
    rows = ",\n".join("{" + ",".join(map(str, _kept(compiled, turn))) + "}" for turn in turns)
    after = AFTER.format(rows=rows)
    text = BEFORE + compiled.files["model.c"] + after
    watched = dataclasses.replace(compiled, files={**compiled.files, "model.c": text})
    return SharedModel(watched, FLAGS).infer(tensors).view(np.int8)


def _kept(compiled: Compiled, turn: int) -> list[int]:
    kept = np.zeros(compiled.arena_bytes, np.uint8)
    for part in compiled.plan.kept(turn):
        kept[part.start : part.stop] = 1
    return [int(value) for value in kept]
