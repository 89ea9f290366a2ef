"""What ``glyphite predict`` reads and says where a model reads no digits.

A picture of the model's size and colours, values in a file, or test samples of a data set.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.arrays import read_npy
from glyphite.convert.data.options import NO_LABEL, Kind, Options, Shares
from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import counted
from glyphite.host.cli.console import print_json, say
from glyphite.host.cli.data import Source, load_data, test_samples
from glyphite.host.cli.doubts import note_cut_off, note_random
from glyphite.host.measure.truth import Task, Truth, classes_of
from glyphite.host.runners.base import Scores, Tensors

VALUES = (".npy", ".csv")
"""Endings of files that hold values."""
LEAST_SIDE = 4
"""Of a picture that a model reads."""
BAR = 30


@dataclass(frozen=True, eq=False)
class Given:
    """Samples as the model takes them, and what is known of them."""

    tensors: Tensors
    names: list[str]
    """What each is called."""
    truth: Truth | None = None
    """What is right for them, where a data set says so."""


def given(arguments: argparse.Namespace, manifest: Manifest) -> Given:
    """The samples that are named: those of ``--data``, or of a file.

    Raises InputError where the file cannot be read or its values do not fit the model, ImageError
    where it is no picture or the model reads none, DataError where the data set does not fit.
    """
    if arguments.data is not None:
        return _of_data(arguments, manifest)
    note_random(manifest)
    path = Path(arguments.image)
    if path.suffix.lower() in VALUES:
        raw = _values(path, manifest.input.shape[1:])
        names = [f"{path.name}, sample {index}" for index in range(len(raw))]
        places = _asked(arguments, len(raw), path)
        raw, names = raw[places], names[places] if len(raw) > 1 else [path.name]
    else:
        raw, names = _picture(path, manifest), [path.name]
    note_cut_off(manifest, path.name, raw)
    return Given(manifest.quantize(raw), names)


def _asked(arguments: argparse.Namespace, there: int, path: Path) -> slice:
    """The samples that ``--index`` and ``--count`` name. InputError where there are fewer."""
    first = arguments.index
    end = there if arguments.count is None else first + arguments.count
    if end > there or first >= there:
        raise InputError(
            f"{path} holds {counted(there, 'sample')}, counted from 0, and --index {first}"
            f"{'' if arguments.count is None else f' --count {arguments.count}'} asks for more."
        )
    return slice(first, end)


def _of_data(arguments: argparse.Namespace, manifest: Manifest) -> Given:
    count = 1 if arguments.count is None else arguments.count
    first, end = arguments.index, arguments.index + count
    tested = test_samples(arguments, manifest, end)
    whole = tested.truth
    truth = Truth(
        whole.task,
        whole.data,
        count,
        None if whole.labels is None else whole.labels[first:],
        None if whole.values is None else whole.values[first:],
    )
    names = [f"test sample {index}" for index in range(first, end)]
    return Given(tested.tensors[first:], names, truth)


def _values(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """Raw samples (n, *shape) of a file of values, whose axes of 1 say nothing."""
    if path.suffix.lower() == ".csv":
        options = Options(label=(NO_LABEL,), shares=Shares(0, 0, 1), kind=Kind.VECTOR)
        return load_data(Source(str(path), options), shape).test.inputs
    values = read_npy(path)
    plain, wanted = _plain(values.shape), _plain(shape)
    if plain == wanted:
        return values.reshape(1, *shape)
    if plain[1:] == wanted or (plain[1:] == (prod(shape),)):
        return values.reshape(-1, *shape)
    raise InputError(
        f"{path} holds values of shape {values.shape}, and the model takes {shape}: one sample of "
        f"that shape, or {('n', *shape)}. Save them so."
    )


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _picture(path: Path, manifest: Manifest) -> NDArray[np.uint8]:
    """(1, height, width, channels): the picture, scaled to what the model takes."""
    from glyphite.convert.data.picture_file import decode

    shape = manifest.input.shape[1:]
    size = shape if len(shape) == 3 else (*shape, 1) if len(shape) == 2 else None
    if size is None or size[2] not in (1, 3, 4) or min(size[:2]) < LEAST_SIDE:
        raise ImageError(
            f"{manifest.name} takes inputs of shape {shape}, which is no picture. Name a file of "
            f"values ({' or '.join(VALUES)}), or samples of a data set: `glyphite predict "
            f"{manifest.name} --data SOURCE`."
        )
    try:
        return decode(path, (size[0], size[1], size[2]))[np.newaxis]
    except ImageError as error:
        raise ImageError(f"{path} cannot be read as a picture: {error}.") from error


def tell(manifest: Manifest, samples: Given, scores: Scores, where: str, *, as_json: bool) -> None:
    """Print what the model answers to each sample, in words that fit its task."""
    task = _task(manifest, samples.truth)
    answers = [
        {"sample": name, **one}
        for name, one in zip(samples.names, _answers(manifest, samples, scores, task), strict=True)
    ]
    if as_json:
        known = {"model": manifest.name, "sha256": manifest.sha256, "read_by": where}
        print_json({**known, "task": task, "answers": answers})
        return
    say(f"{manifest.name} by {where}:")
    for answer in answers:
        _say(answer)


def classes_told(manifest: Manifest) -> tuple[str, ...] | None:
    """The classes that a model's outputs are shares of; None of one that answers numbers."""
    return _names(manifest) if _task(manifest, None) is Task.CLASSES else None


def _names(manifest: Manifest) -> tuple[str, ...]:
    return manifest.labels if len(manifest.labels) > 1 else ("0", "1")


def _task(manifest: Manifest, truth: Truth | None) -> Task:
    """That of the data; without any, classes where the outputs are shares or have names."""
    if truth is not None and truth.task is not Task.BYTES:
        return truth.task
    named = manifest.labels != tuple(map(str, range(len(manifest.labels))))
    is_fixed = bool(manifest.output.scale) and manifest.gives_shares
    return Task.CLASSES if named or is_fixed else Task.BYTES


def _answers(
    manifest: Manifest, samples: Given, scores: Scores, task: Task
) -> list[dict[str, Any]]:
    real, truth = manifest.dequantize_output(scores), samples.truth
    if task is Task.CLASSES:
        return _classes(manifest, scores, None if truth is None else truth.labels)
    answers: list[dict[str, Any]] = [{"values": [float(f"{v:.6g}") for v in row]} for row in real]
    right = None if truth is None else truth.values
    for index, answer in enumerate(answers if right is not None else ()):
        if right is not None and task is Task.INPUTS:
            answer["mean_squared_error"] = float(np.square(real[index] - right[index]).mean())
        elif right is not None:
            answer["right"] = [float(f"{value:.6g}") for value in right[index]]
    return answers


def _classes(
    manifest: Manifest, scores: Scores, labels: NDArray[Any] | None
) -> list[dict[str, Any]]:
    """The class of each, and the share of every one: of a single output, that of both."""
    names = _names(manifest)
    shares = manifest.shares(scores)
    if shares.shape[1] == 1:
        shares = np.hstack([1 - shares, shares])
    answers: list[dict[str, Any]] = []
    for index, found in enumerate(classes_of(manifest, scores)):
        rounded = [round(float(share), 6) for share in shares[index]]
        right = {} if labels is None else {"right": names[int(labels[index])]}
        answers.append({
            "class": names[found], **right, "shares": dict(zip(names, rounded, strict=True)),
        })  # fmt: skip
    return answers


def _say(answer: dict[str, Any]) -> None:
    right = answer.get("right")
    if "class" in answer:
        beside = "" if right is None else f" (right: {right})"
        say(f"{answer['sample']}: {answer['class']}{beside}")
        _say_shares(answer["shares"])
        return
    say(f"{answer['sample']}: {_numbers(answer['values'])}")
    if right is not None:
        say(f"  right: {_numbers(right)}")
    if (error := answer.get("mean_squared_error")) is not None:
        say(f"  mean squared error against the input: {error:.4g}")


def _say_shares(shares: dict[str, float]) -> None:
    width = max(map(len, shares))
    for name, share in shares.items():
        say(f"  {name:{width}} {'█' * round(BAR * share):{BAR}} {100 * share:5.1f} %")


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)
