"""Finds the first layer whose bytes differ from TensorFlow Lite Micro's, for one input.

The generated C runs on this PC, and its arena is read after each kernel call; TFLM keeps all of its
tensors.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Layer
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.compiler.targets.avr.target import ARCHITECTURES as AVR
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.watched_c import WatchedC
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.tflm import all_tensors

_TARGET = re.compile(r'#define MODEL_ARCHITECTURE "(.*)"\n#define MODEL_GOAL "(.*)"')
_PLACES = re.compile(r"/\* ---- Memory ---- \*/.*?enum (\{.*?\});", re.DOTALL)


@dataclass(frozen=True)
class Difference:
    """Where a layer's output first differs."""

    layer: str
    operator: str
    place: tuple[int, ...]
    """The index of the first element that differs, in the output's shape."""
    found: float
    expected: float
    differing: int
    """The number of elements of the layer's output that differ."""
    elements: int

    @property
    def text(self) -> str:
        """As a sentence."""
        return (
            f"The first layer that differs is {self.layer} ({self.operator}): {self.differing:,} "
            f"of {self.elements:,} elements, the first at {list(self.place)}, where the C has "
            f"{self.found} and TFLM {self.expected}."
        )


@dataclass(frozen=True)
class Trace:
    """What the generated C computes for one input on this PC."""

    output: Scores
    difference: Difference | None


def trace(folder: ModelFolder, tensor: Tensors) -> Trace | None:
    """Run ``folder``'s generated C on one input (*shape), and compare each layer with TFLM.

    None where the C was made by another version of the compiler or for an AVR. Raises InputError
    where a file cannot be read, ModelError where the model cannot be compiled or run by TFLM,
    ToolError where the C compiler or tflite-micro is missing or fails.
    """
    target = _target((folder.generated / "model.h").read_text(encoding="utf-8"))
    if target is None or target[0] in AVR:
        return None
    compiled = compile_folder(folder, *target)
    if _places((folder.generated / "model.c").read_text(encoding="utf-8")) != _places(
        compiled.files["model.c"]
    ):
        return None
    output, tensors = WatchedC(compiled, folder.generated).infer(tensor)
    expected = all_tensors(read_bytes(folder.tflite), tensor, list(tensors))
    graph = compiled.program.graph
    for (layer, _), task in zip(compiled.program.computed, compiled.plan.tasks, strict=True):
        if task.output in expected:
            whole = tensors[task.output]
            made = task.height * whole.size // geometry(graph.tensors[task.output])[0]
            found = _compare(layer, made, whole, expected[task.output])
            if found is not None:
                return Trace(output, found)
    return Trace(output, None)


def _target(header: str) -> tuple[str, Goal] | None:
    """Architecture and goal of the C; None where its header does not have them."""
    found = _TARGET.search(header)
    return (found[1], Goal(found[2])) if found else None


def _places(text: str) -> str | None:
    found = _PLACES.search(text)
    return found[1] if found else None


def _compare(
    layer: Layer, made: int, found: NDArray[Any], expected: NDArray[Any]
) -> Difference | None:
    """Compare the first ``made`` elements: rows that no layer reads are not computed."""
    ours, theirs = found.ravel()[:made], expected.ravel()[:made]
    sides = (side.view(np.uint8).reshape(made, side.itemsize) for side in (ours, theirs))
    wrong = np.flatnonzero(np.not_equal(*sides).any(axis=1))
    if not len(wrong):
        return None
    first = int(wrong[0])
    return Difference(
        layer=layer.name,
        operator=layer.operator.label,
        place=tuple(int(at) for at in np.unravel_index(first, found.shape)),
        found=ours[first].item(),
        expected=theirs[first].item(),
        differing=len(wrong),
        elements=made,
    )
