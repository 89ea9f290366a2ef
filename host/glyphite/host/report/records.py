"""The records in a model's folder that a report is made of: what they hold, and of which model."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.arrays import read_npz
from glyphite.convert.boards import load_board
from glyphite.convert.documents import read_json
from glyphite.convert.errors import BoardError, InputError
from glyphite.convert.manifest import Manifest, MaybeSha256, Sha256, Share
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.compare import Comparison, Count
from glyphite.host.measure.stream import Streaming
from glyphite.host.runners.base import TITLES

PARTS = 12
"""How many of an image's largest parts are listed."""

Document = dict[str, Any]


class _Part(TypedDict):
    """An entry of the parts in size.json."""

    name: str
    bytes: Count
    memory: str


class _Size(TypedDict):
    """The content of size.json."""

    flash: Count
    ram: Count
    stack: Count
    sections: dict[str, Count]
    parts: list[_Part]
    stack_measured: bool
    sha256: Sha256
    """That of the .tflite."""


@dataclass(frozen=True)
class _History:
    """The content of history.json; the figures of a run that was judged at its end have one."""

    network: str
    epochs: Count
    batch_size: Count
    seed: int
    parameters: Count
    loss: list[float]
    accuracy: list[Share]
    val_loss: list[float]
    val_accuracy: list[Share]
    keras_sha256: MaybeSha256 = ""
    """That of the float model; empty where it is not known."""


class Records:
    """The records in a model's folder that are of its .tflite; the others are noted, and left out.

    A record that is damaged is refused with the verb that makes it anew.
    """

    def __init__(self, folder: ModelFolder, manifest: Manifest, named: str) -> None:
        self.folder = folder
        self.manifest = manifest
        self.named = named
        self.left_out: list[str] = []
        """A sentence for each that was left out."""

    def comparison(self) -> Document | None:
        """The content of compare.json.

        Raises InputError where they cannot be read or are damaged.
        """
        path, again = self.folder.compare, self.again("compare", self.named)
        if not path.is_file():
            return None
        found = read_json(path, Comparison, again)
        if not self.is_current(path, found["sha256"], again):
            return None
        for figures in found["runners"]:
            _check_share(path, figures["correct"], found["images"], figures["accuracy"], again)
        if found["oracle"] not in [figures["name"] for figures in found["runners"]]:
            raise InputError(f"{path} has no figures of {TITLES[found['oracle']]}. {again}")
        return dict(found)

    def streams(self) -> list[Document]:
        """Every board's streaming results, the latest first.

        Raises InputError where they cannot be read or are damaged.
        """
        again, found = self.again("stream", self.named, "--port", "PORT"), []
        for path in sorted(self.folder.root.glob("*/stream.json"), key=_age):
            one = read_json(path, Streaming, again)
            if self.is_current(path, one["sha256"], again):
                _check_share(path, one["correct"], one["images"], one["accuracy"], again)
                found.append({"name": one["board"], **one})
        return found

    def sizes(self) -> list[Document]:
        """The memory that the firmware takes of each board for which it was built.

        Raises InputError where they cannot be read or are damaged.
        """
        found = []
        for path in sorted(self.folder.root.glob("*/size.json")):
            name = path.parent.name
            again = self.again("build", self.named, "--board", name)
            size = read_json(path, _Size, again)
            if self.is_current(path, size["sha256"], again):
                flash, ram = _limits(name)
                entry = {"name": name, "flash": size["flash"], "flash_limit": flash}
                entry |= {"ram": size["ram"], "ram_limit": ram, "stack": size["stack"]}
                found.append(entry | {"parts": size["parts"][:PARTS]})
        return found

    def history(self) -> Document | None:
        """The content of history.json, if it is of the .tflite's float model.

        Raises InputError where they cannot be read or are damaged.
        """
        path, again = self.folder.history, self.again("train", self.folder.name)
        if not path.is_file():
            return None
        found = dataclasses.asdict(read_json(path, _History, again))
        if found.pop("keras_sha256") == self.manifest.keras_sha256:
            return found
        again = self.again("convert", self.folder.name)
        self.left_out.append(f"{path} is of another float model, and left out. {again}")
        return None

    def scores(self, comparison: Document | None) -> dict[str, NDArray[Any]] | None:
        """The arrays of scores.npz if they are those of the comparison.

        Raises InputError where they cannot be read or are damaged.
        """
        path, again = self.folder.scores, self.again("compare", self.named)
        if comparison is None or not path.is_file():
            return None
        scores = read_npz(path)
        digest = scores.pop("sha256", np.zeros(0, np.uint8)).tobytes().hex()
        if not self.is_current(path, digest, again):
            return None
        if not _are_scores(scores, comparison, len(self.manifest.labels)):
            raise InputError(f"{path} does not hold the scores of {self.folder.compare}. {again}")
        return scores

    def again(self, *words: str) -> str:
        """The sentence on how a record is made anew."""
        return f"Make it anew with `{command('glyphite', *words)}`."

    def is_current(self, path: Path, sha256: str, again: str) -> bool:
        """Whether a record is of the .tflite there is; it is noted where it is not."""
        if sha256 == self.manifest.sha256:
            return True
        self.left_out.append(f"{path} is of another model, and left out. {again}")
        return False


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _limits(name: str) -> tuple[int | None, int | None]:
    """A board's flash and RAM in bytes; None where it has no limits or no board file here."""
    try:
        memory = load_board(name).memory
    except BoardError:
        return None, None
    return (memory.flash, memory.ram) if memory else (None, None)


def _check_share(path: Path, correct: int, images: int, share: float, again: str) -> None:
    if share != correct / images:
        of = f"{correct:,} of {images:,}"
        raise InputError(f"{path} has an accuracy of {share:g}, and {of} is another. {again}")


def _are_scores(scores: dict[str, NDArray[Any]], comparison: Document, classes: int) -> bool:
    """Whether the arrays have the shapes that the comparison's have, and give its figures."""
    count, correct = (
        comparison["images"],
        {figures["name"]: figures["correct"] for figures in comparison["runners"]},
    )
    if scores.keys() != {"labels", "misread", "misread_tensors", *correct}:
        return False
    labels, misread = scores["labels"], scores["misread"]
    fit = [scores[name].shape == (count, classes) for name in correct]
    fit += [labels.shape == (count,), labels.dtype == np.uint8, misread.dtype.kind == "i"]
    fit += [scores["misread_tensors"].shape[:1] == misread.shape, misread.ndim == 1]
    if not all(fit) or labels.max() >= classes:
        return False
    if misread.size and not 0 <= misread.min() <= misread.max() < count:
        return False
    return all(
        metrics.accuracy(metrics.answers(scores[name]), labels).correct == right
        for name, right in correct.items()
    )
