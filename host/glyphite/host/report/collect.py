"""Collects a model's results from the files in its folder in one document.

Results of another .tflite than the one there now are out of date: they are left out, and the report
says so.
"""

import dataclasses
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.preprocessing import Preprocessing, word_of
from glyphite.convert.text import command
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.truth import Task
from glyphite.host.report import curves, samples
from glyphite.host.report.engines import Engine, agreement, confusions, described, engines
from glyphite.host.report.memory_time import Rectangle, try_over_time
from glyphite.host.report.more import More, more
from glyphite.host.report.records import Document, Records, plain_board
from glyphite.host.report.samples import Shown
from glyphite.host.runners.base import FLOATS
from glyphite.host.runners.litert import read_manifest

SCHEMA = "glyphite.report/2"
"""Of report.json: the second was the first to have one."""
MOST_EPOCHS = 1_000
"""Of the curves of a training run, in report.json and on the page."""


@dataclass(frozen=True)
class Results:
    """``document`` is report.json; the rest is shown on the page alone."""

    document: Document
    named: str
    """How a command names the model: by its name, or by the path of its .tflite."""
    more: More
    """The records of ``document["layers"]``, ``["schemes"]`` and ``["robustness"]``."""
    shown: list[Shown] = field(default_factory=list)
    """The samples of ``document["misread"]``, or of ``document["far_off"]``."""
    drawn: list[list[Rectangle]] = field(default_factory=list)
    """What is drawn of each of the buffers of ``document["memory"]``."""


def collect(folder: ModelFolder, others: Sequence[ModelFolder] = ()) -> Results:
    """All current results of a model, and of the ``others`` what boards did, in rows of their own.

    Raises InputError where there are none or a file of them is damaged, ModelError where the
    .tflite cannot be used, ToolError where no LiteRT is installed.
    """
    manifest = read_manifest(folder)
    records = Records(folder, manifest, folder.named)
    comparison, streams = records.comparison(), records.streams()
    kinds = _Kinds.of(records, streams)
    kept = more(records)
    if comparison is None and not kinds.any and not kept.any:
        raise InputError(
            f"There is nothing to report on {folder.name!r} yet. "
            f"Run `{command('glyphite', 'compare', folder.named)}` or "
            f"`{command('glyphite', 'build', folder.named, '--board', 'native')}` first."
        )
    history = records.history()
    content = read_bytes(folder.tflite)
    document = _document(manifest, len(content), comparison, streams)
    document["sizes"]["boards"] = kinds.sizes
    document["builds"] = _builds(manifest, folder.named, kinds)
    for other in others:
        described_other = read_manifest(other)
        found = Records(other, described_other, other.named)
        of_other = _Kinds.of(found, found.streams())
        document["builds"] += _builds(described_other, other.named, of_other)
        records.left_out += found.left_out
    document["training"] = history and _training(history)
    document["classes"] = list(_classes(manifest))
    scores = records.scores(comparison)
    shown = []
    if comparison and scores:
        every = engines(comparison, scores, list(zip(streams, records.answers, strict=True)))
        shown = _judge(document, manifest, every, scores)
    document["memory"], drawn = _memory(document, manifest, content)
    document |= kept.as_document()
    document["left_out"] = records.left_out
    return Results(document, folder.named, kept, shown, drawn)


def _document(
    manifest: Manifest, size: int, comparison: Document | None, streams: list[Document]
) -> Document:
    runners = comparison["runners"] if comparison else []
    figures = {runner["name"]: runner for runner in runners}
    if streams:
        figures["board"] = streams[0]
    return {
        "schema": SCHEMA,
        "model": manifest.name,
        "sha256": manifest.sha256,
        "labels": list(manifest.labels),
        "input": dataclasses.asdict(manifest.input),
        "output": dataclasses.asdict(manifest.output),
        "calibration": manifest.calibration,
        "preprocessing": manifest.preprocessing.text,
        "scheme": manifest.scheme,
        "data": manifest.data and dataclasses.asdict(manifest.data),
        "accuracy": _known(figures, "accuracy"),
        "intervals": _known(figures, "interval"),
        "errors": _known(figures, "error"),
        "compare": comparison,
        "board": streams[0] if streams else None,
        "boards": streams,
        "sizes": {"tflite": size},
        "tools": _tools(manifest, comparison),
        "engines": [], "agreement": [], "confusions": [], "reliability": [], "misread": [],
        "far_off": [], "distribution": None, "answers": [], "roc": [],
    }  # fmt: skip


def _known(figures: dict[str, Document], key: str) -> Document:
    """One figure of each runner that has it."""
    return {name: runner[key] for name, runner in figures.items() if runner[key] is not None}


def _judge(
    document: Document, manifest: Manifest, every: list[Engine], scores: dict[str, NDArray[Any]]
) -> list[Shown]:
    """Put what the saved scores tell into the document; returns the samples that are shown."""
    comparison, names = document["compare"], document["classes"]
    task, oracle = comparison["task"], comparison["oracle"]
    has_classes = task == Task.CLASSES
    document["engines"] = [described(engine) for engine in every]
    document["agreement"] = agreement(manifest, every, has_classes)
    two = [one for one in every if one.name == oracle or one.name in FLOATS]
    if has_classes:
        labels = scores["labels"]
        document["confusions"] = confusions(manifest, every, labels, oracle, len(names))
        document["reliability"] = curves.reliability(manifest, two, labels)
        shown = samples.misread(manifest, every, scores, names, oracle)
        document["misread"] = [one.entry for one in shown]
        return shown
    if task == Task.BYTES:
        return []
    values, gives_back = scores["values"], task == Task.INPUTS
    odd = scores["labels"] > 0 if "labels" in scores else None
    shown = samples.far_off(manifest, every, scores, oracle, gives_back)
    document["far_off"] = [one.entry for one in shown]
    document["distribution"] = curves.distribution(manifest, two, values, odd, gives_back)
    if not gives_back:
        document["answers"] = curves.answers(manifest, two, values)
    elif odd is not None:
        document["roc"] = curves.roc(manifest, two, values, odd)
    return shown


def _memory(
    document: Document, manifest: Manifest, content: bytes
) -> tuple[Document | None, list[list[Rectangle]]]:
    """The memory over time, of the firmware that the page has the latest figures of."""
    own = [build for build in document["builds"] if build["sha256"] == manifest.sha256]
    latest = next((one for one in own if one["stream"] == document["board"]), None)
    build = latest or (own[0] if own else {"board": None, "goal": None})
    return try_over_time(content, manifest.name, build["board"], build["goal"])


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
    """The settings of the training, its figures by epoch, and those of its last one."""
    keys = ("network", "recipe", "epochs", "batch_size", "seed", "judged_by", "parameters", "data")
    lists = {key: values for key, values in history.items() if isinstance(values, list)}
    ended = {key: values[-1] for key, values in lists.items() if values}
    by_epoch = {key: values[-MOST_EPOCHS:] for key, values in lists.items()}
    known = {key: history[key] for key in keys if key in history}
    if (done := history["preprocessing"]) is not None:
        known["preprocess"] = word_of(Preprocessing(**done))
    return known | {"last_epoch": ended, "by_epoch": by_epoch}


def _classes(manifest: Manifest) -> tuple[str, ...]:
    """The names of the classes: of a single output, which tells two apart, their numbers."""
    return manifest.labels if len(manifest.labels) > 1 else ("0", "1")


def pixels_of(shown: Shown) -> list[NDArray[np.uint8]]:
    """The pictures of a sample; none where it is no picture."""
    found = [samples.pixels(raw) for _, raw in shown.inputs]
    return [one for one in found if one is not None]
