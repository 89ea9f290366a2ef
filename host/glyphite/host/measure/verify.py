"""Runs inputs on a board and in TensorFlow Lite Micro: every byte of the scores must be equal."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.arrays import read_npy
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.manifest import TensorInfo
from glyphite.convert.progress import Progress
from glyphite.host.measure.first_difference import Trace
from glyphite.host.measure.truth import Count
from glyphite.host.runners.base import Runner, Scores, Tensors
from glyphite.host.runners.oracle import LONG, TFLM

LOW, HIGH = -128, 127
ADVICE = (
    "Compile and build the model again; where it still differs, the compiler is wrong: report the "
    "model and these figures."
)


class GroupFigures(TypedDict):
    """How the board and its reference differ on one group of inputs."""

    inputs: Annotated[str, Meta(pattern=r"^(random|extreme|given|data)\Z")]
    images: Annotated[int, Meta(ge=1)]
    images_differ: Count
    bytes_differ: Count
    largest_difference: Annotated[int, Meta(ge=0, le=255)]


def random_inputs(shape: tuple[int, ...], count: int, seed: int = 1) -> Tensors:
    """``count`` int8 inputs (count, *shape), every value equally likely."""
    generator = np.random.default_rng(seed)
    return generator.integers(LOW, HIGH, (count, *shape), np.int8, endpoint=True)


def extreme_inputs(shape: tuple[int, ...]) -> Tensors:
    """Int8 inputs (n, *shape) that drive sums to their limits and show errors at edges.

    All -128, all 0, all 127; checkerboards of 1 and 2 elements; stripes; a single 127 among -128
    (and the reverse) at the first, a middle and the last place; a ramp.
    """
    size = int(np.prod(shape))
    index = np.arange(size)
    patterns: list[NDArray[np.bool_]] = []
    positions = np.indices(shape)
    for step in (1, 2):
        patterns.append((positions // step).sum(axis=0).ravel() % 2 == 0)
    patterns += [index % 2 == 0, index % size == 0, index == size // 2, index == size - 1]
    inputs = [np.full(size, value, np.int8) for value in (LOW, 0, HIGH)]
    for pattern in patterns:
        inputs.append(np.where(pattern, HIGH, LOW).astype(np.int8))
        inputs.append(np.where(pattern, LOW, HIGH).astype(np.int8))
    inputs.append((index % 256 + LOW).astype(np.int8))
    return np.array(inputs).reshape(-1, *shape)


def as_floats(groups: Mapping[str, Tensors], source: TensorInfo) -> dict[str, Tensors]:
    """The int8 inputs of each group as float32 inputs of a model that begins with QUANTIZE.

    ``source`` is that input. A float is ``(int8 - zero_point + r) * scale`` with r random in -1..1,
    so that rounding is tested as well. Inputs that are floats already stay as they are.
    """
    scale, zero_point = source.scale or 1.0, source.zero_point
    generator = np.random.default_rng(0)

    def floats(tensors: Tensors) -> Tensors:
        if tensors.dtype != np.int8:
            return tensors
        between = generator.uniform(-1, 1, tensors.shape)
        return np.asarray((tensors - float(zero_point) + between) * scale, np.float32)

    return {name: floats(tensors) for name, tensors in groups.items()}


def read_inputs(path: Path, shape: tuple[int, ...], dtype: str = "int8") -> Tensors:
    """The inputs (n, *shape) of a .npy file.

    Raises InputError where it cannot be read, is not a .npy file of finite numbers, is empty, or
    has another shape or type than ``dtype``.
    """
    inputs = read_npy(path)
    if inputs.dtype != dtype or inputs.shape[1:] != shape:
        raise InputError(
            f"{path} holds {inputs.dtype} of shape {inputs.shape}, and {dtype} of shape "
            f"{('n', *shape)} is needed. Quantize the inputs by the model's manifest."
        )
    if not len(inputs):
        raise InputError(f"{path} holds no inputs. Give at least one.")
    return np.asarray(inputs)


@dataclass(frozen=True)
class Compared:
    """The differences, and the first input that has one."""

    figures: list[GroupFigures]
    wrong: tuple[Tensors, Scores, Scores] | None
    """The first input whose answer differs, the board's answer, and the right one."""


def compare_groups(
    groups: Mapping[str, Tensors], board: Runner, oracle: Runner, progress: Progress
) -> Compared:
    """Run every group of inputs (n, *shape) on both, and count the differences.

    Raises what ``run`` of either raises, always a GlyphiteError, and ValueError where the two give
    scores of different shapes.
    """
    tensors = np.concatenate(list(groups.values()))
    ends = np.cumsum([len(group) for group in groups.values()])[:-1]
    (answers,) = board.run(tensors, progress=progress)
    (expected,) = oracle.run(tensors, progress=progress)
    pairs = zip(groups, np.split(answers, ends), np.split(expected, ends), strict=True)
    figures = [figures_of(name, *pair) for name, *pair in pairs]
    differing = np.flatnonzero((answers.view(np.int8) != expected.view(np.int8)).any(axis=1))
    if not len(differing):
        return Compared(figures, None)
    first = int(differing[0])
    return Compared(figures, (tensors[first], answers[first], expected[first]))


def figures_of(name: str, answers: Scores, expected: Scores) -> GroupFigures:
    """How ``answers`` (n, outputs) differ from those ``expected`` for one group of inputs.

    Raises ValueError where they have other shapes.
    """
    difference = metrics.byte_differences(answers.view(np.int8), expected.view(np.int8))
    return GroupFigures(
        inputs=name,
        images=len(answers),
        images_differ=difference.images,
        bytes_differ=difference.values,
        largest_difference=difference.largest,
    )


def blame(traced: Trace | None, answer: Scores, expected: Scores) -> str:
    """A sentence on the cause of the first difference, from the generated C on this PC.

    ``answer`` are the board's scores and ``expected`` TFLM's, for the input that was traced.
    """
    if traced is None:
        return (
            "The generated C is not what this version of the compiler makes, so no layer is named."
        )
    if traced.difference is not None:
        same = np.array_equal(traced.output, answer)
        note = (
            "" if same else " The board's answer is yet another one: its image is older, or wrong."
        )
        return traced.difference.text + note
    if np.array_equal(traced.output, expected):
        return (
            "No layer differs when the same C runs on this PC: the board's image is older, or its "
            "compiler, its memory or its power is at fault."
        )
    return "No layer differs, and the output does: it is changed behind the last layer."


def check(
    figures: list[GroupFigures],
    board: str,
    cause: str = "",
    compared_with: str = TFLM,
    advice: str = ADVICE,
) -> None:
    """Make sure that no byte differs from those of the runner called ``compared_with``.

    Raises CheckFailedError where one does; ``cause`` and ``advice`` are sentences for its message.
    """
    differing = [group for group in figures if group["bytes_differ"]]
    if differing:
        kinds = ", ".join(f"{group['images_differ']} {group['inputs']}" for group in differing)
        largest = max(group["largest_difference"] for group in differing)
        raise CheckFailedError(
            f"{board} differs from {LONG[compared_with]} on {kinds} inputs (by at most {largest}). "
            f"{' '.join(filter(None, (cause, advice)))}"
        )
