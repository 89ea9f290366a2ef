"""One scheme's figures: how its answers do, and whether the generated C has TFLM's bytes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from glyphite.convert.errors import ModelError, ToolError
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress
from glyphite.host.measure import verify
from glyphite.host.measure.compare import Agreement, agreement
from glyphite.host.measure.schemes_record import Bytes
from glyphite.host.measure.truth import Judgement, Truth
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.litert import LitertRunner
from glyphite.host.runners.tflm import TflmRunner, has_tflm

RANDOM = 100
"""Random inputs of which bytes are compared, beside the extreme ones."""
COMPARED = 1000
"""Test samples of which bytes are compared, at the most: TensorFlow Lite Micro's Python package
takes 3 ms for a digit, thirty times as long as the generated C."""


class Answers:
    """What a model answers to the test samples, and how its engines agree on bytes.

    The generated C answers, whose bytes are held to TensorFlow Lite Micro's; where there is none,
    LiteRT does.
    """

    def __init__(
        self,
        tflite: Path,
        manifest: Manifest,
        tensors: Tensors,
        watch: Callable[[str], Progress],
        *,
        compiles: bool = True,
    ) -> None:
        """``compiles``: whether C can be generated.

        Raises a GlyphiteError where no engine answers.
        """
        self.bytes: list[Bytes] | None = None
        self.reasons: list[str] = []
        compiled = self._compiled(tflite) if compiles else None
        if compiled is None:
            other = LitertRunner(tflite)
            self.engine = other.name
            (self.scores,) = other.run(tensors, progress=watch(other.name))
            return
        groups = {"data": tensors[:COMPARED], **_others(manifest)}
        whole = np.concatenate([tensors, *list(groups.values())[1:]])
        (ours,) = compiled.run(whole, progress=watch(compiled.name))
        self.engine = compiled.name
        self.scores = ours[: len(tensors)]
        if not has_tflm():
            self.reasons.append("tflite-micro is not installed, so no bytes were compared.")
            return
        right = TflmRunner(tflite)
        (theirs,) = right.run(np.concatenate(list(groups.values())), progress=watch(right.name))
        kept = np.concatenate([ours[: len(groups["data"])], ours[len(tensors) :]])
        self.bytes = _compared(groups, kept, theirs)

    def _compiled(self, tflite: Path) -> CompiledRunner | None:
        """The generated C; None, and the reason is kept, where there is none."""
        runner = CompiledRunner(tflite)
        try:
            runner.prepare()
        except (ToolError, ModelError) as error:
            self.reasons.append(str(error))
            return None
        return runner


def steps_of(manifest: Manifest, tensors: Tensors) -> int:
    """What :class:`Answers` reports to its progress in all where both engines run."""
    return (
        len(tensors) + min(len(tensors), COMPARED) + 2 * sum(map(len, _others(manifest).values()))
    )


def _others(manifest: Manifest) -> dict[str, Tensors]:
    shape = manifest.input.shape[1:]
    groups = {
        "random": verify.random_inputs(shape, RANDOM),
        "extreme": verify.extreme_inputs(shape),
    }
    is_float = manifest.input.dtype == "float32"
    return verify.as_floats(groups, manifest.input) if is_float else groups


def _compared(groups: dict[str, Tensors], ours: Scores, theirs: Scores) -> list[Bytes]:
    found, start = [], 0
    for name, tensors in groups.items():
        part = slice(start, start + len(tensors))
        start += len(tensors)
        figures = verify.figures_of(name, ours[part], theirs[part])
        found.append(
            Bytes(name, len(tensors), figures["bytes_differ"], figures["largest_difference"])
        )
    return found


def against(
    manifest: Manifest, scores: Scores, floats: Scores, truth: Truth
) -> tuple[Judgement, Agreement]:
    """How ``scores`` (n, outputs) do, and how they agree with the float model's."""
    pair = agreement([manifest, manifest], [floats, scores], truth)
    return truth.judge(manifest, scores), pair
