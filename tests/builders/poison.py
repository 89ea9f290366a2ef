"""Runs generated C with every byte overwritten that the plan says is dead, after each call."""

import dataclasses
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled
from glyphite.host.runners.compiled import SharedModel

BEFORE = """
static void poison(int call);
#define MODEL_STEP(call) poison(call)
"""
AFTER = """
/* Overwrites every byte that no later call may need: what lies between the kept parts. */
static void poison(int call) {{
    static const int kept[][2] = {{ {parts} }};
    static const int first[] = {{ {firsts} }}; /* part of each call, and behind the last */
    int at = 0;
    for (int part = first[call]; part <= first[call + 1]; part++) {{
        int end = part < first[call + 1] ? kept[part][0] : MODEL_ARENA_BYTES;
        for (; at < end; at++) {{
            arena[at] = (int8_t)(0x55 + at);
        }}
        at = part < first[call + 1] && kept[part][1] > at ? kept[part][1] : at;
    }}
}}
"""
FLAGS = ("-std=c99", "-O1", "-shared", "-fPIC", "-fsanitize=undefined",
         "-fsanitize-undefined-trap-on-error")  # fmt: skip


def poisoned(compiled: Compiled, tensors: NDArray[Any]) -> NDArray[np.int8]:
    """The outputs' bytes of the generated C when all dead memory is overwritten after each call."""
    kept = [_kept(compiled, call) for call in range(len(compiled.plan.schedule.calls))]
    parts = [f"{{{part.start},{part.stop}}}" for call in kept for part in call]
    firsts = accumulate((len(call) for call in kept), initial=0)
    after = AFTER.format(parts=",\n".join([*parts, "{0,0}"]), firsts=",".join(map(str, firsts)))
    text = BEFORE + compiled.files["model.c"] + after
    watched = dataclasses.replace(compiled, files={**compiled.files, "model.c": text})
    return SharedModel(watched, FLAGS).infer(tensors).view(np.int8)


def _kept(compiled: Compiled, call: int) -> list[range]:
    """The parts that live behind a call, the first in the arena first."""
    return sorted(compiled.plan.kept(call), key=lambda part: part.start)
