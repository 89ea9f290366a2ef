"""Results of the seed model as the verbs write them, made without running it; and its page."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.wire.messages import Hello
from glyphite.host.measure import compare, stream_record, verify_record
from glyphite.host.measure.bench import record as bench_record
from glyphite.host.measure.bench.record import BenchRecord
from glyphite.host.measure.by_board import Judge
from glyphite.host.measure.running import Firmware
from glyphite.host.measure.stream import Link, Streamed
from glyphite.host.measure.stream_figures import summarize
from glyphite.host.measure.times import clock_at
from glyphite.host.measure.verify import GroupFigures
from glyphite.host.measure.verify_record import VerifyRecord
from glyphite.host.measure.wire_use import Wire
from glyphite.host.runners.base import Scores
from tests.builders.truth import labelled

COUNT = 400
MISREAD = [5, 17, 200]
"""By TFLM; the float model misreads the first, and LiteRT that one and 9."""
WIRE = Wire(
    images=COUNT,
    seconds=18.5,
    sent=80_000,
    received=12_000,
    waited_seconds=15.0,
    delayed_seconds=0.0,
    repeats={},
    earlier_repeats={},
)


def scores_of(labels: np.ndarray, wrong: list[int]) -> Scores:
    """Sure int8 answers, right but for the images ``wrong``, which are read as the next digit."""
    scores = np.full((len(labels), 10), -128, np.int8)
    answers = labels.astype(int)
    answers[wrong] = (answers[wrong] + 1) % 10
    scores[np.arange(len(labels)), answers] = 127
    scores[wrong, labels[wrong]] = 3 * np.arange(len(wrong)) - 100
    scores[wrong, answers[wrong]] -= (3 * np.arange(len(wrong))).astype(np.int8)
    return scores


def put_comparison(seed: ModelFolder) -> ModelFolder:
    """A comparison in which TFLM misread the images ``MISREAD``."""
    manifest, mnist = Manifest.load(seed.manifest), load_mnist()
    labels = mnist.test_labels[:COUNT]
    truth = labelled(labels)
    scores: dict[str, Scores] = {
        "float": scores_of(labels, [5]).astype(np.float32),
        "int8_litert": scores_of(labels, [5, 9]),
        "int8_tflm": scores_of(labels, MISREAD),
    }
    comparison = compare.summarize(manifest, scores, truth, {"ai-edge-litert": "2.0"})
    tensors = manifest.quantize(mnist.test_images[:COUNT])
    misread = compare.misread_arrays(manifest, scores, truth, tensors)
    compare.save(seed, comparison, scores, truth, misread)
    return seed


def put_stream(
    folder: ModelFolder, board: str, *, sha256: str | None = None, wrong: int = 0,
    right: int = 987, goal: str = "speed", place: str = "", misread: list[int] | None = None,
) -> Path:  # fmt: skip
    """A board's stream.json and size.json, as streaming and building write them."""
    manifest, labels = Manifest.load(folder.manifest), load_mnist().test_labels[:1000]
    scores = scores_of(labels, misread or [])
    scores[right:] = np.roll(scores[right:], 1, axis=1)
    reference = scores.copy()
    for difference, row in zip(range(1, wrong + 1), reference, strict=False):
        row[row.argmin()] += difference
    seconds = np.linspace(0.0097, 0.0099, len(labels))
    ticks = np.full(len(labels), 246_764)  # of 40 instructions each
    ticks[:50] -= 1
    streamed = Streamed(
        Hello(1, "Glyphite 1", board, timer_hz=1), scores, seconds, ticks, 46.5, WIRE,
        timed_by=clock_at(f"sim://{board}", board),
    )  # fmt: skip
    judge = Judge("int8_tflm", reference, labelled(labels))
    digest = {"speed": "f", "size": "e"}[goal] * 64
    firmware = Firmware(Path(), digest, goal)
    link = Link(f"sim://{board}", manifest.sha256, jobs=2, firmware=firmware)
    streaming = summarize(manifest, link, streamed, judge)
    streaming["sha256"] = sha256 or manifest.sha256
    path = folder.board(board) / place / "stream.json"
    stream_record.save(path.parent, streaming, streamed, judge)
    parts = [{"name": "weights <b>", "bytes": 37_440, "memory": "flash"}]
    size = {"flash": 102_880, "ram": 22_068, "stack": 8192, "parts": parts}
    size |= {
        "sections": {".text": 100_000, ".data": 2_880, ".bss": 19_188},
        "stack_measured": False,
    }
    size |= {"sha256": streaming["sha256"], "firmware_sha256": digest, "goal": goal}
    size |= {"compiler": "gcc -O2", "date": "2026-11-29T10:00:00+00:00"}
    (path.parent / "size.json").write_text(json.dumps(size))
    return path


def put_bench(folder: ModelFolder, board: str) -> Path:
    """A board's bench.json, as ``glyphite bench`` writes it, of the firmware of ``put_stream``."""
    record = BenchRecord(
        model="seed", sha256=Manifest.load(folder.manifest).sha256, board=board, goal="speed",
        firmware_sha256="f" * 64, date="2026-11-29T10:00:00+00:00", unit="instructions",
        count=1_360_000, count_least=1_350_000, count_most=1_370_000, macs=2_720_000,
        count_per_mac=0.5, cycles=2_100_000, cycle_model="cortex-m4", milliseconds=84.0,
        timed_by="modelled cycles", weights_bytes=179_824, code_bytes=5_896, flash_bytes=188_512,
        static_ram_bytes=9_648, stack_bytes=584, inputs="the first 5 test images of MNIST",
        inferences=5, tflm=None,
    )  # fmt: skip
    folder.board(board).mkdir(exist_ok=True)
    bench_record.save(folder.board(board), record)
    return folder.board(board) / "bench.json"


def put_verify(folder: ModelFolder, board: str, port: str | None = None) -> Path:
    """A board's verify.json, as the verb writes it, of the firmware of ``put_stream``."""
    random = GroupFigures(
        inputs="random", images=100, images_differ=2, bytes_differ=5, largest_difference=3
    )
    extreme = GroupFigures(
        inputs="extreme", images=16, images_differ=0, bytes_differ=0, largest_difference=0
    )
    record = VerifyRecord(
        model="seed", sha256=Manifest.load(folder.manifest).sha256, board=board, port=port,
        goal=None if port else "speed", firmware_sha256=None if port else "f" * 64,
        date="2026-11-29T10:00:00+00:00", reference="int8_tflm",
        words=["--count", "100", "--seed", "7"], groups=[random, extreme],
    )  # fmt: skip
    folder.board(board).mkdir(exist_ok=True)
    verify_record.save(folder.board(board), record)
    return folder.board(board) / "verify.json"


def put(path: Path, where: tuple[Any, ...], value: object) -> None:
    """Write another value at a place of the JSON document ``path``."""
    document = json.loads(path.read_text())
    inner = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path.write_text(json.dumps(document))


class Page(HTMLParser):
    """Collects what a check of the page needs; a tag closed out of turn fails."""

    VOID = ("meta", "link", "img", "br", "source", "hr", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]
