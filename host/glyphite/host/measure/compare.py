"""One test set on several runners: the accuracy of each, and the differences between them."""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any, TypedDict

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
from glyphite.host.runners.base import FLOATS, TITLES, Runner, Scores, Tensors, float_of

Labels = NDArray[np.uint8]

TEST_IMAGES = 10_000
"""MNIST has as many, so no run has more."""

Count = Annotated[int, Meta(ge=0)]
Images = Annotated[int, Meta(ge=1, le=TEST_IMAGES)]
Interval = Annotated[list[Share], Meta(min_length=2, max_length=2)]


RunnerName = Annotated[str, Meta(pattern=r"^(float|float_litert|int8_litert|int8_tflm|c)\Z")]


class RunnerFigures(TypedDict):
    """The figures of one runner."""

    name: RunnerName
    title: str
    correct: Count
    accuracy: Share
    interval: Interval
    """The 95 % Wilson interval of the accuracy: low and high, as fractions."""
    drop_points: Annotated[float, Meta(ge=-100, le=100)] | None
    """The accuracy lost against the float model, in percentage points; None without one."""


class PairFigures(TypedDict):
    """How two runners differ on the same images."""

    first: RunnerName
    second: RunnerName
    answers_differ: Count
    only_first_right: Count
    only_second_right: Count
    mcnemar: Share
    """The p-value: the chance of so uneven a split if both are equally good."""
    images_differ: Count | None
    """Images with a byte that differs. This and the next two are None with a float runner."""
    bytes_differ: Count | None
    largest_difference: Count | None


ORACLES = ("int8_tflm", "c", "int8_litert")
"""TFLM, what stands in for it, and what is left where there is no C compiler either."""


class Comparison(TypedDict):
    """The content of compare.json."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    images: Images
    runners: list[RunnerFigures]
    pairs: list[PairFigures]
    oracle: RunnerName
    """The runner whose bytes boards have to give, or what comes next to it."""
    tools: dict[str, str]
    date: Date


def run_all(
    runners: Sequence[Runner], tensors: Tensors, watch: Callable[[Runner], Progress]
) -> dict[str, Scores]:
    """The scores (n, classes) of each runner, by its name.

    ``watch`` gives the callback to which a runner reports its progress. Raises what a runner's
    ``run`` raises, always a GlyphiteError.
    """
    return {runner.name: runner.run(tensors, watch(runner)) for runner in runners}


def summarize(
    manifest: Manifest,
    scores: Mapping[str, Scores],
    labels: Labels,
    tools: Mapping[str, str],
    date: str = "",
) -> Comparison:
    """The figures of each runner's ``scores`` (n, classes) against the ``labels`` (n,).

    They are of ``date``; by default of this moment.

    One of ``ORACLES`` has to be among the runners. Raises ValueError where the numbers of images
    differ, or the scores of an int8 runner are not int8.
    """
    return Comparison(
        model=manifest.name,
        sha256=manifest.sha256,
        images=len(labels),
        runners=[_figures(name, scores, labels) for name in scores],
        pairs=[_pair(first, second, scores, labels) for first, second in combinations(scores, 2)],
        oracle=next(name for name in ORACLES if name in scores),
        tools=dict(tools),
        date=date or now(),
    )


def _figures(name: str, scores: Mapping[str, Scores], labels: Labels) -> RunnerFigures:
    accuracy = metrics.accuracy(metrics.answers(scores[name]), labels)
    drop, floats = None, float_of(scores)
    if floats is not None and name not in FLOATS:
        reference = metrics.accuracy(metrics.answers(scores[floats]), labels)
        drop = 100 * (reference.correct - accuracy.correct) / accuracy.count
    return RunnerFigures(
        name=name,
        title=TITLES[name],
        correct=accuracy.correct,
        accuracy=accuracy.value,
        interval=list(accuracy.interval),
        drop_points=drop,
    )


def _pair(first: str, second: str, scores: Mapping[str, Scores], labels: Labels) -> PairFigures:
    given = metrics.answers(scores[first]), metrics.answers(scores[second])
    is_right = given[0] == labels, given[1] == labels
    only_first = int(np.count_nonzero(is_right[0] & ~is_right[1]))
    only_second = int(np.count_nonzero(is_right[1] & ~is_right[0]))
    difference = None
    if float_of((first, second)) is None:
        difference = metrics.byte_differences(scores[first], scores[second])
    return PairFigures(
        first=first,
        second=second,
        answers_differ=metrics.answers_that_differ(*given),
        only_first_right=only_first,
        only_second_right=only_second,
        mcnemar=metrics.mcnemar(only_first, only_second),
        images_differ=difference.images if difference else None,
        bytes_differ=difference.values if difference else None,
        largest_difference=difference.largest if difference else None,
    )


def save(
    folder: ModelFolder,
    comparison: Comparison,
    scores: Mapping[str, Scores],
    labels: Labels,
    tensors: Tensors,
) -> None:
    """Write compare.json, and scores.npz with all scores and the images that some runner misread.

    Until both are written there is no compare.json, lest it be of other scores. Raises InputError
    where the model's folder cannot be written.
    """
    misread = misread_of(scores, labels)
    packed = io.BytesIO()
    arrays: dict[str, Any] = {  # none is of objects; numpy before 2.1 knows no allow_pickle
        "sha256": sha256_as_array(comparison["sha256"]),
        "labels": labels,
        "misread": misread,
        "misread_tensors": tensors[misread],
        **scores,
    }
    np.savez_compressed(packed, **arrays)
    remove(folder.compare)
    write_bytes(folder.scores, packed.getvalue())
    write_text(folder.compare, to_json(comparison))


def misread_of(scores: Mapping[str, Scores], labels: Labels) -> NDArray[np.intp]:
    """The images (m,), in their order, that some runner misread.

    Raises ValueError where there is no runner, or the numbers of images differ.
    """
    wrong = [metrics.answers(given) != labels for given in scores.values()]
    return np.flatnonzero(np.any(wrong, axis=0))


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
