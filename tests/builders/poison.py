"""Runs generated C with every byte overwritten that the plan says is dead, after each turn."""

import dataclasses
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled
from glyphite.host.runners.compiled import SharedModel

BEFORE = """
static void poison(int turn);
#define MODEL_STEP(turn) poison(turn)
"""
AFTER = """
/* Overwrites every byte that no later turn may need: what lies between the kept parts. */
static void poison(int turn) {{
    static const int kept[][2] = {{ {parts} }};
    static const int first[] = {{ {firsts} }}; /* part of each turn, and behind the last */
    int at = 0;
    for (int part = first[turn]; part <= first[turn + 1]; part++) {{
        int end = part < first[turn + 1] ? kept[part][0] : MODEL_ARENA_BYTES;
        for (; at < end; at++) {{
            arena[at] = (int8_t)(0x55 + at);
        }}
        at = part < first[turn + 1] && kept[part][1] > at ? kept[part][1] : at;
    }}
}}
"""
FLAGS = ("-std=c99", "-O1", "-shared", "-fPIC", "-fsanitize=undefined",
         "-fsanitize-undefined-trap-on-error")  # fmt: skip


def poisoned(compiled: Compiled, tensors: NDArray[Any]) -> NDArray[np.int8]:
    """The outputs' bytes of the generated C when all dead memory is overwritten after each turn."""
    turns = [_kept(compiled, turn) for turn in range(len(compiled.plan.schedule.turns))]
    parts = [f"{{{part.start},{part.stop}}}" for turn in turns for part in turn]
    firsts = accumulate((len(turn) for turn in turns), initial=0)
    after = AFTER.format(parts=",\n".join([*parts, "{0,0}"]), firsts=",".join(map(str, firsts)))
    text = BEFORE + compiled.files["model.c"] + after
    watched = dataclasses.replace(compiled, files={**compiled.files, "model.c": text})
    return SharedModel(watched, FLAGS).infer(tensors).view(np.int8)


def _kept(compiled: Compiled, turn: int) -> list[range]:
    """The parts that live behind a turn, the first in the arena first."""
    return sorted(compiled.plan.kept(turn), key=lambda part: part.start)
