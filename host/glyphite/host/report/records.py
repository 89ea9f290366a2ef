"""The records in a model's folder that a report is made of: what they hold, and of which model."""

import dataclasses
import re
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.arrays import read_npz
from glyphite.convert.boards import PATH_DIGITS, load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.documents import MOST_SHOWN, read_json
from glyphite.convert.errors import BoardError, InputError
from glyphite.convert.history import History
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.text import command, printable
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure import compare
from glyphite.host.measure.bench.record import BENCH, BenchRecord, bench_flaw
from glyphite.host.measure.compare import Comparison, RunnerFigures
from glyphite.host.measure.size_record import SizeRecord, own_board, size_flaw
from glyphite.host.measure.stream_figures import Streaming
from glyphite.host.measure.stream_record import figures_of
from glyphite.host.measure.truth import kept_truth
from glyphite.host.measure.verify_record import VERIFIED, VerifyRecord, verify_flaw
from glyphite.host.runners.base import FLOATS, TITLES

BUILD: tuple[Literal["firmware_sha256", "goal", "compiler", "date"], ...] = (
    "firmware_sha256", "goal", "compiler", "date",
)  # fmt: skip
PARTS = 12
"""How many of an image's largest parts are listed."""

Document = dict[str, Any]


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
        self.answers: list[dict[str, NDArray[Any]]] = []
        """The arrays of stream.npz of each of :meth:`streams`, once that was called."""

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
            _check_figures(path, figures, found["images"], again)
            _check_drop(path, figures, found, again)
        if found["oracle"] not in [figures["name"] for figures in found["runners"]]:
            raise InputError(f"{path} has no figures of {TITLES[found['oracle']]}. {again}")
        return dict(found)

    def streams(self) -> list[Document]:
        """Every board's streaming results, the latest first.

        Raises InputError where they cannot be read or are damaged.
        """
        again = self.again("stream", self.named, "--port", "PORT")
        found: list[tuple[Document, dict[str, NDArray[Any]]]] = []
        for path in sorted(self._paths("stream.json"), key=_age):
            one = read_json(path, Streaming, again)
            if self.is_current(path, one["sha256"], again):
                arrays = self._answers_of(path, one, again)
                found.append(({"name": one["board"], **one}, arrays))
        found.sort(key=lambda one: one[0]["date"], reverse=True)
        self.answers = [arrays for _, arrays in found]
        return [one for one, _ in found]

    def _paths(self, name: str) -> list[Path]:
        """The files of that name of all boards, and of all builds for them; of one build, where the
        folder means that."""
        root = self.folder.root
        if self.folder.build:
            return [path for path in [root / self.folder.build / name] if path.is_file()]
        return sorted([*root.glob(f"*/{name}"), *root.glob(f"*/*/{name}")])

    def _board_of(self, path: Path) -> str:
        """The name of the board's folder that ``path`` lies in."""
        return path.relative_to(self.folder.root).parts[0]

    def _named_board(self, path: Path) -> str:
        """What a command calls the board of a record: its name, or its file's path."""
        return own_board(path.parent) or self._board_of(path)

    def _build_again(self, verb: str, path: Path) -> str:
        """The sentence on how the record of a build is made anew."""
        goal = path.relative_to(self.folder.root).parts[1]
        words = ("--optimize", goal) if goal in list(Goal) and goal != Goal.SPEED else ()
        return self.again(verb, self.named, "--board", self._named_board(path), *words)

    def _answers_of(self, path: Path, one: Streaming, again: str) -> dict[str, NDArray[Any]]:
        """The arrays beside the record, from which its figures follow; the folder is the board's.

        Raises InputError where either is not so.
        """
        self._check_board(path, one["board"], again)
        beside = path.with_suffix(".npz")
        if not beside.is_file():
            raise InputError(f"{path} has no {beside.name} beside it. {again}")
        arrays = _arrays(beside, again)
        figures = figures_of(self.manifest, one, arrays)
        if figures is None:
            raise InputError(f"{beside} does not hold the answers of {path}. {again}")
        said: Document = dict(one)
        for key, value in figures.items():
            if said[key] != value:
                raise InputError(
                    f"{path} has {_quoted(said[key])} as {key!r}, and its answers give "
                    f"{_quoted(value)}. {again}"
                )
        return arrays

    def _check_board(self, path: Path, board: str, again: str) -> None:
        name = self._board_of(path).casefold()
        if self.folder.board(board).name.casefold() not in (name, plain_board(name)):
            raise InputError(f"{path} is of {_quoted(board)}, another board. {again}")

    def benches(self) -> list[Document]:
        """What an inference costs, of each build that was measured.

        Raises InputError where they cannot be read or are damaged.
        """
        found = []
        for path in self._paths(BENCH):
            again = self._build_again("bench", path)
            one = read_json(path, BenchRecord, again)
            if self.is_current(path, one["sha256"], again):
                self._check_board(path, one["board"], again)
                if flaw := bench_flaw(one):
                    raise InputError(f"{path} {flaw}. {again}")
                found.append(dict(one))
        return found

    def verifications(self) -> list[Document]:
        """What each build that was verified answered to random and extreme inputs.

        Raises InputError where they cannot be read or are damaged.
        """
        found = []
        for path in self._paths(VERIFIED):
            again = self._build_again("verify", path)
            one = read_json(path, VerifyRecord, again)
            if self.is_current(path, one["sha256"], again):
                self._check_board(path, one["board"], again)
                if flaw := verify_flaw(one):
                    raise InputError(f"{path} {flaw}. {again}")
                found.append(dict(one))
        return found

    def sizes(self) -> list[Document]:
        """The memory that the firmware takes of each board for which it was built.

        Raises InputError where they cannot be read or are damaged.
        """
        found = []
        for path in self._paths("size.json"):
            name, board = self._board_of(path), self._named_board(path)
            again = self._build_again("build", path)
            size = read_json(path, SizeRecord, again)
            if self.is_current(path, size["sha256"], again):
                if flaw := size_flaw(path, size, name):
                    raise InputError(f"{path} {flaw}. {again}")
                flash, ram = _limits(board)
                entry = {"name": name, "flash": size["flash"], "flash_limit": flash}
                entry |= {"ram": size["ram"], "ram_limit": ram, "stack": size["stack"]}
                entry |= {key: size[key] for key in BUILD}
                found.append(entry | {"parts": size["parts"][:PARTS]})
        return found

    def history(self) -> Document | None:
        """The content of history.json, if it is of the .tflite's float model.

        Raises InputError where they cannot be read or are damaged.
        """
        path, again = self.folder.history, self.again("train", self.folder.name)
        if not path.is_file():
            return None
        found = dataclasses.asdict(read_json(path, History, again))
        if found["network"] != self.folder.name:
            again = self.again("train", found["network"], "--name", self.folder.name)
        _check_curves(path, found, again)
        if (trained := found.pop("float_sha256")) == self.manifest.float_sha256:
            return found
        if self.folder.keras.is_file() and sha256_of(self.folder.keras) == trained:
            again = self.again("convert", self.folder.name)
        self.left_out.append(f"{path} is of another float model, and left out. {again}")
        return None

    def scores(self, comparison: Document | None) -> dict[str, NDArray[Any]] | None:
        """The arrays of scores.npz, which all figures of the comparison follow from.

        Raises InputError where they cannot be read or are not those of the comparison.
        """
        path, again = self.folder.scores, self.again("compare", self.named)
        if comparison is None:
            return None
        if not path.is_file():
            raise InputError(f"{self.folder.compare} has no {path.name} beside it. {again}")
        scores = _arrays(path, again)
        digest = scores.pop("sha256", np.zeros(0, np.uint8)).tobytes().hex()
        is_current = digest == self.manifest.sha256
        if not (is_current and _are_scores(scores, comparison, self.manifest)):
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


def plain_board(folder: str) -> str:
    """A board's name by that of its folder, which has digits of the path of the user's own file."""
    return re.sub(rf"-[0-9a-f]{{{PATH_DIGITS}}}$", "", folder)


def _arrays(path: Path, again: str) -> dict[str, NDArray[Any]]:
    try:
        return read_npz(path)
    except InputError as error:
        raise InputError(f"{error} {again}") from error


def _quoted(value: object) -> str:
    return printable(repr(value), MOST_SHOWN)


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _limits(name: str) -> tuple[int | None, int | None]:
    """A board's flash and RAM in bytes; None where it has no limits or no board file here."""
    try:
        memory = load_board(name).memory
    except BoardError:
        return None, None
    return (memory.flash, memory.ram) if memory else (None, None)


def _check_figures(path: Path, figures: RunnerFigures, images: int, again: str) -> None:
    """Accuracy and interval are those of the answers that were counted."""
    correct, share, interval = figures["correct"], figures["accuracy"], figures["interval"]
    if correct is None or share is None or interval is None:
        return
    of = f"{correct:,} of {images:,}"
    if share != correct / images:
        raise InputError(f"{path} has an accuracy of {share:g}, and {of} is another. {again}")
    if not np.allclose(interval, metrics.wilson_interval(correct, images), rtol=0, atol=1e-9):
        low, high = interval
        raise InputError(
            f"{path} has an interval of {low:g} to {high:g}, and that of {of} is another. {again}"
        )


def _check_drop(path: Path, figures: RunnerFigures, found: Comparison, again: str) -> None:
    """The drop is that against the float model."""
    judged = {**{one["name"]: one for one in found["runners"]}, figures["name"]: figures}
    drop = compare.drop_of(figures["name"], judged, found["images"])
    if figures["drop_points"] != drop:
        raise InputError(
            f"{path} has a drop of {figures['drop_points']} points for {figures['name']}, and its "
            f"answers have one of {drop}. {again}"
        )


def _check_curves(path: Path, history: Document, again: str) -> None:
    """Each epoch has its figures; on the test images, the last one alone may have them."""
    epochs, tested = len(history["loss"]), len(history["val_loss"])
    shares, judged = history["accuracy"], history["val_accuracy"]
    fit = [(shares is None) == (judged is None)]
    if shares is not None and judged is not None:
        fit += [len(shares) == epochs, len(judged) == tested]
    if not all(fit) or tested not in (1, epochs):
        raise InputError(f"{path} has lists of different lengths. {again}")
    if history["epochs"] != epochs:
        raise InputError(
            f"{path} has {history['epochs']:,} epochs, and the losses of {epochs:,}. {again}"
        )


def _are_scores(scores: dict[str, NDArray[Any]], comparison: Document, manifest: Manifest) -> bool:
    """Whether the arrays have the shapes that the comparison's have, and give its figures."""
    count, names = comparison["images"], [figures["name"] for figures in comparison["runners"]]
    outputs = prod(manifest.output.shape[1:])
    truth = kept_truth(comparison["task"], comparison["data"], count, scores, outputs)
    if truth is None or scores.keys() != {"misread", "misread_tensors", *truth.arrays(), *names}:
        return False
    misread, tensors = scores["misread"], scores["misread_tensors"]
    fit = [scores[name].shape == (count, outputs) for name in names]
    fit += [misread.dtype.kind == "i", tensors.dtype == np.dtype(manifest.input.dtype)]
    fit += [tensors.shape == (misread.size, *manifest.input.shape[1:])]
    given = {name: scores[name] for name in names}
    if not all(fit):
        return False
    outputs_type = np.dtype(manifest.output.dtype)
    if any(given[name].dtype != outputs_type for name in given if name not in FLOATS):
        return False
    if not np.array_equal(misread, compare.misread_of(manifest, given, truth)):
        return False
    said, missing = (comparison["tools"], comparison["date"]), comparison.get("left_out", ())
    again = compare.summarize(manifest, given, truth, *said, left_out=missing)
    return again == comparison
