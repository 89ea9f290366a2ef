"""Collects a model's results from the files in its folder in one document.

Results of another .tflite than the one there now are out of date and left out.
"""

import dataclasses
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import load_board
from glyphite.convert.errors import BoardError, InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import command
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.digit_picture import SIDE
from glyphite.host.runners.base import TITLES
from glyphite.host.runners.litert import read_manifest

ORACLE = "int8_tflm"
PARTS = 12
"""How many of an image's largest parts are listed."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Misread:
    """A test image for which TensorFlow Lite Micro's answer is wrong."""

    index: int
    label: str
    answer: str
    others: dict[str, str]
    """The other runners' answers, by title."""
    scores: list[float]
    """By class, dequantized."""
    pixels: NDArray[np.uint8]
    """(28, 28)."""


@dataclass(frozen=True)
class Results:
    """``document`` is report.json; the rest is shown on the page alone."""

    document: Document
    named: str
    """How a command names the model: by its name, or by the path of its .tflite."""
    misread: list[Misread]
    """Sorted by the highest score, the highest first."""
    history: Document | None


def collect(folder: ModelFolder) -> Results:
    """All current results of a model.

    Raises InputError where there are none or a file of them is damaged, ModelError where the
    .tflite cannot be used, ToolError where it has no manifest and no LiteRT is installed.
    """
    manifest = read_manifest(folder)
    comparison = _current(folder.compare, manifest)
    streams = _streams(folder, manifest)
    if comparison is None and not streams:
        raise InputError(
            f"There is nothing to report on {folder.name!r} yet. "
            f"Run `{command('glyphite', 'compare', folder.named)}` first."
        )
    history = _read(folder.history) if folder.history.is_file() else None
    document = _document(folder, manifest, comparison, streams)
    document["training"] = history and _training(history)
    scores = _scores(folder, comparison)
    document["confusion"] = scores and _confusion(manifest, scores)
    misread = _misread(manifest, scores) if scores else []
    document["misread"] = [_entry(image) for image in misread]
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
        "accuracy": {name: runner["accuracy"] for name, runner in figures.items()},
        "intervals": {name: runner["interval"] for name, runner in figures.items()},
        "compare": comparison,
        "board": streams[0] if streams else None,
        "boards": streams,
        "sizes": {"tflite": len(read_bytes(folder.tflite)), "boards": _sizes(folder)},
        "tools": _tools(manifest, comparison),
    }


def _read(path: Path) -> Document:
    try:
        content: Document = json.loads(read_bytes(path))
    except ValueError as error:
        raise InputError(
            f"{path} is damaged: it is not JSON. Delete it, and make it again."
        ) from error
    return content


def _current(path: Path, manifest: Manifest) -> Document | None:
    """The results in ``path`` if it exists and is of this .tflite."""
    if not path.is_file():
        return None
    content = _read(path)
    return content if content.get("sha256") == manifest.sha256 else None


def _streams(folder: ModelFolder, manifest: Manifest) -> list[Document]:
    """Every board's streaming results, the latest first."""
    paths = sorted(folder.root.glob("*/stream.json"), key=_age)
    found = [_current(path, manifest) for path in paths]
    return [{"name": content["board"], **content} for content in found if content is not None]


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _sizes(folder: ModelFolder) -> list[Document]:
    """The memory that the firmware takes of each board for which it was built."""
    sizes = []
    for path in sorted(folder.root.glob("*/size.json")):
        size, name = _read(path), path.parent.name
        flash, ram = _limits(name)
        entry = {"name": name, "flash": size["flash"], "flash_limit": flash}
        entry |= {"ram": size["ram"], "ram_limit": ram, "stack": size["stack"]}
        sizes.append(entry | {"parts": size["parts"][:PARTS]})
    return sizes


def _limits(name: str) -> tuple[int | None, int | None]:
    """A board's flash and RAM in bytes; None where it has no limits or no board file here."""
    try:
        memory = load_board(name).memory
    except BoardError:
        return None, None
    return (memory.flash, memory.ram) if memory else (None, None)


def _tools(manifest: Manifest, comparison: Document | None) -> dict[str, str]:
    own = {"glyphite": __version__, "python": platform.python_version()}
    return own | manifest.tools | (comparison["tools"] if comparison else {})


def _training(history: Document) -> Document:
    """The settings of the training, and the figures of its last epoch."""
    keys = ("network", "epochs", "batch_size", "seed", "parameters")
    ended = {key: values[-1] for key, values in history.items() if isinstance(values, list)}
    return {key: history[key] for key in keys if key in history} | {"last_epoch": ended}


def _scores(folder: ModelFolder, comparison: Document | None) -> dict[str, NDArray[Any]] | None:
    """The arrays of scores.npz if they are those of the comparison."""
    if comparison is None or not folder.scores.is_file():
        return None
    with np.load(folder.scores, allow_pickle=False) as packed:
        scores = {name: packed[name] for name in packed.files}
    return scores if len(scores["labels"]) == comparison["images"] else None


def _confusion(manifest: Manifest, scores: dict[str, NDArray[Any]]) -> Document:
    given = metrics.answers(scores[ORACLE])
    matrix = metrics.confusion_matrix(scores["labels"], given, len(manifest.labels))
    return {"runner": ORACLE, "rows": "label", "columns": "answer", "matrix": matrix.tolist()}


def _misread(manifest: Manifest, scores: dict[str, NDArray[Any]]) -> list[Misread]:
    """The images for which the oracle is wrong, those with the highest score first."""
    given = {name: metrics.answers(scores[name]) for name in TITLES if name in scores}
    output = manifest.output
    real = (scores[ORACLE].astype(float) - output.zero_point) * output.scale
    images = []
    for index, tensor in zip(scores["misread"], scores["misread_tensors"], strict=True):
        label, answer = scores["labels"][index], given[ORACLE][index]
        if label == answer:
            continue
        others = {
            TITLES[name]: manifest.labels[answers[index]]
            for name, answers in given.items()
            if name != ORACLE
        }
        shares = [round(float(share), 6) for share in real[index]]
        pixels = _pixels(manifest, tensor)
        images.append(
            Misread(
                int(index), manifest.labels[label], manifest.labels[answer], others, shares, pixels
            )
        )
    return sorted(images, key=lambda image: (-max(image.scores), image.index))


def _pixels(manifest: Manifest, tensor: NDArray[np.int8]) -> NDArray[np.uint8]:
    """The pixels (28, 28) of an input tensor: the inverse of ``quantize_pixels``."""
    real = manifest.dequantize_input(tensor) * manifest.pixel_divisor
    return np.clip(np.round(real), 0, 255).astype(np.uint8).reshape(SIDE, SIDE)


def _entry(image: Misread) -> Document:
    return {
        "index": image.index,
        "label": image.label,
        "answer": image.answer,
        "others": image.others,
        "scores": image.scores,
    }
