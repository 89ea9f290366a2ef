"""Collects a model's results from the files in its folder in one document.

Results of another .tflite than the one there now are out of date: they are left out, and the report
says so.
"""

import dataclasses
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.data.mnist import SIDE
from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import command
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.truth import Task, classes_of
from glyphite.host.report.records import Document, Records, plain_board
from glyphite.host.runners.base import TITLES
from glyphite.host.runners.litert import read_manifest

LEAST_SIDE = 8
"""Of a picture: what is smaller are readings."""


@dataclass(frozen=True)
class Misread:
    """A test sample for which the oracle's answer is wrong."""

    index: int
    label: str
    answer: str
    others: dict[str, str]
    """The other runners' answers, by title."""
    scores: list[float]
    """By output, as shares of 1."""
    pixels: NDArray[np.uint8] | None
    """(height, width) or (height, width, 3); None where the sample is no picture."""


@dataclass(frozen=True)
class Results:
    """``document`` is report.json; the rest is shown on the page alone."""

    document: Document
    named: str
    """How a command names the model: by its name, or by the path of its .tflite."""
    misread: list[Misread]
    """Sorted by the highest score, the highest first."""
    history: Document | None


def collect(folder: ModelFolder, others: Sequence[ModelFolder] = ()) -> Results:
    """All current results of a model, and of the ``others`` what boards did, in rows of their own.

    Raises InputError where there are none or a file of them is damaged, ModelError where the
    .tflite cannot be used, ToolError where no LiteRT is installed.
    """
    manifest = read_manifest(folder)
    records = Records(folder, manifest, folder.named)
    comparison, streams = records.comparison(), records.streams()
    kinds = _Kinds.of(records, streams)
    if comparison is None and not kinds.any:
        raise InputError(
            f"There is nothing to report on {folder.name!r} yet. "
            f"Run `{command('glyphite', 'compare', folder.named)}` or "
            f"`{command('glyphite', 'build', folder.named, '--board', 'native')}` first."
        )
    history = records.history()
    document = _document(folder, manifest, comparison, streams)
    document["sizes"]["boards"] = kinds.sizes
    document["builds"] = _builds(manifest, folder.named, kinds)
    for other in others:
        described = read_manifest(other)
        found = Records(other, described, other.named)
        document["builds"] += _builds(described, other.named, _Kinds.of(found, found.streams()))
        records.left_out += found.left_out
    document["training"] = history and _training(history)
    scores = records.scores(comparison)
    oracle = comparison["oracle"] if comparison else ""
    document["classes"] = list(_classes(manifest))
    has_classes = comparison is not None and comparison["task"] == Task.CLASSES
    document["confusion"] = scores and has_classes and _confusion(manifest, scores, oracle)
    misread = _misread(manifest, scores, oracle) if scores and has_classes else []
    document["misread"] = [_entry(image) for image in misread]
    document["left_out"] = records.left_out
    return Results(document, folder.named, misread, history)


def _document(
    folder: ModelFolder, manifest: Manifest, comparison: Document | None, streams: list[Document]
) -> Document:
    runners = comparison["runners"] if comparison else []
    figures = {runner["name"]: runner for runner in runners}
    if streams:
        figures["board"] = streams[0]
    return {
        "model": manifest.name,
        "sha256": manifest.sha256,
        "labels": list(manifest.labels),
        "input": dataclasses.asdict(manifest.input),
        "output": dataclasses.asdict(manifest.output),
        "calibration": manifest.calibration,
        "preprocessing": manifest.preprocessing.text,
        "data": manifest.data and dataclasses.asdict(manifest.data),
        "accuracy": _known(figures, "accuracy"),
        "intervals": _known(figures, "interval"),
        "errors": _known(figures, "error"),
        "compare": comparison,
        "board": streams[0] if streams else None,
        "boards": streams,
        "sizes": {"tflite": len(read_bytes(folder.tflite))},
        "tools": _tools(manifest, comparison),
    }


def _known(figures: dict[str, Document], key: str) -> Document:
    """One figure of each runner that has it."""
    return {name: runner[key] for name, runner in figures.items() if runner[key] is not None}


@dataclass(frozen=True)
class _Kinds:
    """The records of boards, by what made them."""

    streams: list[Document]
    benches: list[Document]
    verifications: list[Document]
    sizes: list[Document]

    @classmethod
    def of(cls, records: Records, streams: list[Document]) -> "_Kinds":
        """Those of a model. Raises InputError where one is damaged."""
        return cls(streams, records.benches(), records.verifications(), records.sizes())

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.streams or self.benches or self.verifications or self.sizes)


def _builds(manifest: Manifest, named: str, kinds: _Kinds) -> list[Document]:
    """A row for each firmware, with what is known of it and of no other one.

    A real board does not tell which firmware it runs, so its run has a row of its own.
    """
    rows: dict[tuple[object, ...], Document] = {}
    for kind, name, records in (
        ("stream", "name", kinds.streams),
        ("bench", "board", kinds.benches),
        ("verify", "board", kinds.verifications),
        ("size", "name", kinds.sizes),
    ):
        for record in records:
            build = record["firmware_sha256"], record["goal"]
            board = plain_board(record[name])
            place = (board, *build) if build[0] else (board, record["port"])
            row = rows.setdefault(
                place,
                {
                    "model": manifest.name, "named": named, "sha256": manifest.sha256,
                    "board": record[name], "goal": build[1], "firmware_sha256": build[0],
                    "stream": None, "bench": None, "verify": None, "size": None,
                },
            )  # fmt: skip
            row[kind] = record
    return list(rows.values())


def _tools(manifest: Manifest, comparison: Document | None) -> dict[str, str]:
    own = {"glyphite": __version__, "python": platform.python_version()}
    return own | manifest.tools | (comparison["tools"] if comparison else {})


def _training(history: Document) -> Document:
    """The settings of the training, and the figures of its last epoch."""
    keys = ("network", "epochs", "batch_size", "seed", "parameters", "data")
    ended = {key: values[-1] for key, values in history.items() if isinstance(values, list)}
    return {key: history[key] for key in keys if key in history} | {"last_epoch": ended}


def _classes(manifest: Manifest) -> tuple[str, ...]:
    """The names of the classes: of a single output, which tells two apart, their numbers."""
    return manifest.labels if len(manifest.labels) > 1 else ("0", "1")


def _confusion(manifest: Manifest, scores: dict[str, NDArray[Any]], oracle: str) -> Document:
    given = classes_of(manifest, scores[oracle])
    matrix = metrics.confusion_matrix(scores["labels"], given, len(_classes(manifest)))
    return {"runner": oracle, "rows": "label", "columns": "answer", "matrix": matrix.tolist()}


def _misread(manifest: Manifest, scores: dict[str, NDArray[Any]], oracle: str) -> list[Misread]:
    """The samples that the runner called ``oracle`` misreads, the highest score first."""
    given = {name: classes_of(manifest, scores[name]) for name in TITLES if name in scores}
    names, real = _classes(manifest), manifest.shares(scores[oracle])
    images = []
    for index, tensor in zip(scores["misread"], scores["misread_tensors"], strict=True):
        label, answer = scores["labels"][index], given[oracle][index]
        if label == answer:
            continue
        others = {
            TITLES[name]: names[answers[index]] for name, answers in given.items() if name != oracle
        }
        shown = [round(float(score), 6) for score in real[index]]
        pixels = _pixels(manifest, tensor)
        images.append(Misread(int(index), names[label], names[answer], others, shown, pixels))
    return sorted(images, key=lambda image: (-max(image.scores), image.index))


def _pixels(manifest: Manifest, tensor: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The pixels (height, width) or (height, width, 3) of an input tensor, as it was before.

    None where it is no picture.
    """
    shape = tuple(size for size in tensor.shape if size != 1)
    if shape == (SIDE * SIDE,):
        shape = (SIDE, SIDE)
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if not is_picture or min(shape[:2]) < LEAST_SIDE:
        return None
    raw = manifest.preprocessing.undo(manifest.dequantize_input(tensor))
    scale = 255 if raw.max(initial=0) <= 1 else 1
    return np.asarray(np.clip(np.round(raw * scale), 0, 255), np.uint8).reshape(shape)


def _entry(image: Misread) -> Document:
    return {
        "index": image.index,
        "label": image.label,
        "answer": image.answer,
        "others": image.others,
        "scores": image.scores,
    }
