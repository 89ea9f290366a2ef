"""One test set on several runners: the accuracy of each, and the differences between them."""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.documents import Date, now, to_json
from glyphite.convert.errors import CheckFailedError
from glyphite.convert.files import remove, write_bytes, write_text
from glyphite.convert.manifest import Manifest, Sha256, Share
from glyphite.convert.progress import Progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.truth import Count, DataOf, Judgement, Task, Truth, classes_of
from glyphite.host.runners.base import FLOATS, Runner, Scores, Tensors, float_of, title_of

TEST_IMAGES = 10_000
"""MNIST has as many."""

Images = Annotated[int, Meta(ge=1, le=1_000_000)]


RunnerName = Annotated[str, Meta(pattern=r"^(float|float_litert|int8_litert|int8_tflm|c)\Z")]


class RunnerFigures(Judgement):
    """The figures of one runner."""

    name: RunnerName
    title: str
    drop_points: Annotated[float, Meta(ge=-100, le=100)] | None
    """The accuracy lost against the float model, in percentage points; None without one, or
    without classes."""


class Agreement(TypedDict):
    """How the classes differ that two name for the same images; None where there are no classes."""

    answers_differ: Count | None
    only_first_right: Count | None
    only_second_right: Count | None
    mcnemar: Share | None
    """The p-value: the chance of so uneven a split if both are equally good."""


class PairFigures(Agreement):
    """How two runners differ on the same images."""

    first: RunnerName
    second: RunnerName
    images_differ: Count | None
    """Images with a byte that differs. This and the next two are None with a float runner."""
    bytes_differ: Count | None
    largest_difference: Count | None
    """None of float32 outputs, too, whose bytes are no numbers."""


TaskName = Annotated[str, Meta(pattern=r"^(classification|regression|reconstruction|bytes)\Z")]

ORACLES = ("int8_tflm", "c", "int8_litert")
"""TFLM, what stands in for it, and what is left where there is no C compiler either."""


class LeftOut(TypedDict):
    """A runner that could not run here."""

    name: RunnerName
    reason: str


class Comparison(TypedDict):
    """The content of compare.json."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    task: TaskName
    data: DataOf
    images: Images
    """Samples of the data."""
    runners: list[RunnerFigures]
    pairs: list[PairFigures]
    oracle: RunnerName
    """The runner whose bytes boards have to give, or what comes next to it."""
    tools: dict[str, str]
    date: Date
    left_out: NotRequired[list[LeftOut]]
    """The runners that could not run here, if there are any."""


def run_all(
    runners: Sequence[Runner],
    tensors: Tensors,
    watch: Callable[[Runner], Progress],
    floats: Tensors | None = None,
) -> dict[str, Scores]:
    """The scores (n, classes) of each runner, by its name.

    The float model's runner gets ``floats``, where they are given: the same samples before int8
    takes anything from them. ``watch`` gives the callback to which a runner reports its progress.
    Raises what a runner's ``run`` raises, always a GlyphiteError.
    """
    whole = tensors if floats is None else floats
    return {
        runner.name: runner.run(
            whole if runner.name in FLOATS else tensors, progress=watch(runner)
        )[0]
        for runner in runners
    }


def summarize(
    manifest: Manifest,
    scores: Mapping[str, Scores],
    truth: Truth,
    tools: Mapping[str, str],
    date: str = "",
    *,
    left_out: Sequence[LeftOut] = (),
) -> Comparison:
    """The figures of each runner's ``scores`` (n, outputs) against what is right.

    They are of ``date``; by default of this moment. ``left_out`` are the runners that are missing.

    One of ``ORACLES`` has to be among the runners. Raises ValueError where the numbers of samples
    differ.
    """
    judged = {name: truth.judge(manifest, given) for name, given in scores.items()}
    found = Comparison(
        model=manifest.name,
        sha256=manifest.sha256,
        task=truth.task,
        data=truth.data,
        images=truth.count,
        runners=[_figures(name, judged, truth.count, manifest) for name in scores],
        pairs=[
            _pair(pair, [scores[name] for name in pair], truth, manifest)
            for pair in combinations(scores, 2)
        ],
        oracle=next(name for name in ORACLES if name in scores),
        tools=dict(tools),
        date=date or now(),
    )
    if left_out:
        found["left_out"] = list(left_out)
    return found


def _figures(
    name: str, judged: Mapping[str, Judgement], count: int, manifest: Manifest
) -> RunnerFigures:
    title, drop = title_of(name, manifest.activations), drop_of(name, judged, count)
    return RunnerFigures(name=name, title=title, drop_points=drop, **judged[name])


def drop_of(name: str, judged: Mapping[str, Judgement], count: int) -> float | None:
    """The accuracy that a runner lost against the float model, in percentage points.

    None where either has none, or the runner is the float model's own.
    """
    floats = float_of(judged)
    if floats is None or name in FLOATS:
        return None
    before, after = judged[floats]["correct"], judged[name]["correct"]
    return None if before is None or after is None else 100 * (before - after) / count


def _pair(
    names: tuple[str, str], scores: Sequence[Scores], truth: Truth, manifest: Manifest
) -> PairFigures:
    difference = None
    if float_of(names) is None:
        difference = metrics.byte_differences(*(each.view(np.int8) for each in scores))
    is_int8 = manifest.output.dtype == "int8"
    return PairFigures(
        first=names[0],
        second=names[1],
        **agreement([manifest, manifest], scores, truth),
        images_differ=difference.images if difference else None,
        bytes_differ=difference.values if difference else None,
        largest_difference=difference.largest if difference and is_int8 else None,
    )


def agreement(manifests: Sequence[Manifest], scores: Sequence[Scores], truth: Truth) -> Agreement:
    """How two sets of ``scores`` (n, outputs) of the same samples agree, each by its manifest.

    Raises ValueError where the numbers of samples differ.
    """
    if truth.task is not Task.CLASSES:
        return Agreement(
            answers_differ=None, only_first_right=None, only_second_right=None, mcnemar=None
        )
    pairs = list(zip(manifests, scores, strict=True))
    wrong = [truth.wrong(*pair) for pair in pairs]
    only_first = int(np.count_nonzero(~wrong[0] & wrong[1]))
    only_second = int(np.count_nonzero(wrong[0] & ~wrong[1]))
    return Agreement(
        answers_differ=metrics.answers_that_differ(*(classes_of(*pair) for pair in pairs)),
        only_first_right=only_first,
        only_second_right=only_second,
        mcnemar=metrics.mcnemar(only_first, only_second),
    )


def save(
    folder: ModelFolder,
    comparison: Comparison,
    scores: Mapping[str, Scores],
    truth: Truth,
    misread: Mapping[str, NDArray[Any]],
) -> None:
    """Write compare.json, and scores.npz with all scores and the samples that some runner misread.

    Until both are written there is no compare.json, lest it be of other scores. Raises InputError
    where the model's folder cannot be written.
    """
    packed = io.BytesIO()
    arrays: dict[str, Any] = {  # none is of objects; numpy before 2.1 knows no allow_pickle
        "sha256": sha256_as_array(comparison["sha256"]),
        **truth.arrays(),
        **misread,
        **scores,
    }
    np.savez_compressed(packed, **arrays)
    remove(folder.compare)
    write_bytes(folder.scores, packed.getvalue())
    write_text(folder.compare, to_json(comparison))


def misread_arrays(
    manifest: Manifest, scores: Mapping[str, Scores], truth: Truth, tensors: Tensors
) -> dict[str, NDArray[Any]]:
    """The samples that some runner misread, for :func:`save`: their numbers, and input tensors.

    Raises what :func:`misread_of` does.
    """
    misread = misread_of(manifest, scores, truth)
    return {"misread": misread, "misread_tensors": tensors[misread]}


def misread_of(manifest: Manifest, scores: Mapping[str, Scores], truth: Truth) -> NDArray[np.intp]:
    """The samples (m,), in their order, whose class some runner has wrong.

    Raises ValueError where there is no runner, or the numbers of samples differ.
    """
    return np.flatnonzero(np.any([truth.wrong(manifest, each) for each in scores.values()], axis=0))


def sha256_as_array(sha256: str) -> NDArray[np.uint8]:
    """The 32 bytes of a model's SHA-256, as scores.npz has them beside the scores of the model.

    Raises ValueError where ``sha256`` is not hexadecimal.
    """
    return np.frombuffer(bytes.fromhex(sha256), np.uint8)


def check_generated_c(comparison: Comparison) -> None:
    """Make sure that every byte of the generated C is TFLM's.

    Raises CheckFailedError where one differs.
    """
    for pair in comparison["pairs"]:
        if (pair["first"], pair["second"]) == ("int8_tflm", "c") and pair["bytes_differ"]:
            raise CheckFailedError(
                f"The generated C differs from TensorFlow Lite Micro in {pair['bytes_differ']} "
                f"bytes of {pair['images_differ']} images (by at most "
                f"{pair['largest_difference']}). The compiler is wrong: report the model and "
                "these figures."
            )
