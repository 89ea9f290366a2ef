"""The ways in for JSON and TOML: manifest, records, board files."""

import dataclasses
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from glyphite.convert.boards import BOARDS, BoardFile, load_board
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.wire.messages import Hello
from glyphite.host.measure import compare, stream_record
from glyphite.host.measure.by_board import Judge
from glyphite.host.measure.stream import Link, Streamed
from glyphite.host.measure.stream_figures import summarize
from glyphite.host.measure.times import PC
from glyphite.host.report.records import Records
from glyphite.host.runners.litert import read_manifest
from tests.builders.results import WIRE
from tests.builders.truth import labelled
from tests.hostile import trees
from tests.hostile.way import Rng, bytes_damaged, one_of, require
from tests.paths import PROJECT

UNO = PROJECT / "models" / "uno"
SOUND = 0.01
"""The share of inputs that are left as they are."""


class ManifestWay:
    """``manifest.json`` beside its .tflite. Half of the changed ones have a checksum that fits."""

    def __init__(self, folder: Path) -> None:
        self.original = Manifest.load(UNO / "manifest.json")
        self.text = (UNO / "manifest.json").read_text()
        tflite = folder / "model_int8.tflite"
        tflite.write_bytes((UNO / "model_int8.tflite").read_bytes())
        self.folder = ModelFolder(folder, tflite)

    def make(self, rng: Rng) -> bytes:
        """Change the document, its bytes, or both."""
        how = rng.random()
        if how < SOUND:
            return self.text.encode()
        if how < 0.25:
            return bytes_damaged(self.text.encode(), rng)
        text = trees.json_text(trees.mutate(trees.json_tree(self.text), trees.ODD_JSON, rng))
        return _sealed(text).encode() if rng.random() < 0.5 else text.encode()

    def read(self, content: bytes) -> bool:
        """Read it with its .tflite."""
        self.folder.manifest.write_bytes(content)
        found = read_manifest(self.folder)
        original = self.original
        require(trees.same(json.loads(content), dataclasses.asdict(found)), "read otherwise")
        for name in ("sha256", "input", "output"):
            require(getattr(found, name) == getattr(original, name), f"another {name}")
        require(found.checksum != original.checksum or found == original, "changed, and sealed")
        require(len(set(found.labels)) == 10, "labels are missing")
        require(found.preprocessing.divisor > 0, "no divisor")
        return True


def _sealed(text: str) -> str:
    """With the checksum that its own fields have, if it is a manifest at all."""
    try:
        document = json.loads(text)
        fields = dataclasses.asdict(msgspec.convert(document, Manifest)) | {"checksum": ""}
        said = json.dumps(fields, sort_keys=True, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text
    return json.dumps(document | {"checksum": hashlib.sha256(said).hexdigest()})


BENCHED = {
    "model": "uno", "board": "cortex-m4", "goal": "speed", "firmware_sha256": "f" * 64,
    "date": "2026-11-29T10:00:00+00:00", "unit": "instructions", "count": 50, "count_least": 40,
    "count_most": 60, "macs": 100, "count_per_mac": 0.5, "cycles": 75, "cycle_model": "cortex-m4",
    "milliseconds": 1000 * (75 / 25_000_000), "timed_by": "modelled cycles", "weights_bytes": 9,
    "code_bytes": 8, "flash_bytes": 99, "static_ram_bytes": 7, "stack_bytes": None,
    "inputs": "5 random int8 inputs", "inferences": 5,
    "tflm": {"title": "a", "count": 1, "static_ram_bytes": 2, "code_bytes": 3, "method": "b"},
}  # fmt: skip


VERIFIED = {
    "model": "uno", "board": "native", "port": None, "goal": "speed", "firmware_sha256": "f" * 64,
    "date": "2026-11-29T10:00:00+00:00", "reference": "int8_tflm", "words": ["--count", "5"],
    "groups": [{"inputs": "random", "images": 5, "images_differ": 1, "bytes_differ": 2,
                "largest_difference": 3}],
}  # fmt: skip


class RecordWay:
    """``compare.json``, ``history.json``, and the records of boards, in a model's folder."""

    def __init__(self, folder: Path) -> None:
        self.manifest = Manifest.load(UNO / "manifest.json")
        self.folder = ModelFolder(folder, UNO / "model_int8.tflite")
        self.folder = dataclasses.replace(self.folder, tflite=folder / "model_int8.tflite")
        self.folder.history.write_bytes((UNO / "history.json").read_bytes())
        self.paths = [self.folder.history, *_records(self.folder, self.manifest)]
        self.texts = [path.read_text() for path in self.paths]

    def make(self, rng: Rng) -> bytes:
        """The first byte says which record it is."""
        which = int(rng.integers(len(self.texts)))
        content, how = self.texts[which].encode(), rng.random()
        if SOUND < how < 0.25:
            content = bytes_damaged(content, rng)
        elif how >= 0.25:
            tree = trees.mutate(trees.json_tree(self.texts[which]), trees.ODD_JSON, rng)
            content = trees.json_text(tree).encode()
        return bytes([which]) + content

    def read(self, content: bytes) -> bool:
        """Read it as a report does."""
        which, document = content[0], content[1:]
        self.paths[which].write_bytes(document)
        records = Records(self.folder, self.manifest, "uno")
        found: Any
        if which == 0:
            found = records.history()
        elif which == 1:
            found = records.comparison()
            records.scores(found)
        else:
            verbs = records.streams, records.sizes, records.benches, records.verifications
            found = next(iter(verbs[which - 2]()), None)
        if found is None:
            require(len(records.left_out) == 1, "left out without a word")
            return False
        said = json.loads(document)
        known = {key: one for key, one in said.items() if key in found and key != "name"}
        known.pop("parts", None)
        require(trees.same(known, found), "read otherwise")
        require(json.dumps(found, allow_nan=False), "not finite")
        for one in (found, *found.get("runners", [])):
            if "correct" in one:
                require(one["correct"] == one["accuracy"] * found["images"], "another accuracy")
        return True


def _records(folder: ModelFolder, manifest: Manifest) -> tuple[Path, ...]:
    """Write a record of each kind, and the arrays of compare.json and stream.json."""
    labels = np.arange(400, dtype=np.uint8) % 10
    scores = np.eye(10, dtype=np.int8)[(labels + (np.arange(400) % 16 == 0)) % 10]
    truth = labelled(labels)
    both = {"int8_tflm": scores, "c": scores}
    compared = compare.summarize(manifest, both, truth, {"numpy": "2.0"})
    tensors = np.zeros((400, *manifest.input.shape[1:]), np.int8)
    misread = compare.misread_arrays(manifest, both, truth, tensors)
    compare.save(folder, compared, both, truth, misread)
    hello, times = Hello(1, "Glyphite 1", "native", timer_hz=1), np.linspace(0.0097, 0.0099, 400)
    streamed = Streamed(hello, scores, times, np.arange(400), 18.5, WIRE, timed_by=PC)
    judge, link = Judge("int8_tflm", scores, truth), Link("sim://native", manifest.sha256)
    told = summarize(manifest, link, streamed, judge)
    stream_record.save(folder.board("native"), told, streamed, judge)
    size = {"flash": 4000, "ram": 900, "stack": 100, "sections": {".text": 4000, ".bss": 900},
            "sha256": manifest.sha256, "firmware_sha256": "f" * 64, "goal": "speed",
            "compiler": "cc -O2", "date": "2026-11-29T10:00:00+00:00",
            "parts": [{"name": "weights", "bytes": 3000, "memory": "flash"}],
            "stack_measured": True}  # fmt: skip
    sizes = folder.board("native") / "size.json"
    sizes.write_text(json.dumps(size))
    bench = folder.board("cortex-m4") / "bench.json"
    bench.parent.mkdir()
    bench.write_text(json.dumps(BENCHED | {"sha256": manifest.sha256}))
    verified = folder.board("native") / "verify.json"
    verified.write_text(json.dumps(VERIFIED | {"sha256": manifest.sha256}))
    return folder.compare, folder.board("native") / "stream.json", sizes, bench, verified


class BoardWay:
    """A board file of the user's own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mine.toml"
        files = sorted(BOARDS.glob("*.toml"))
        self.texts = [path.read_text().replace(f'"{path.stem}"', '"mine"', 1) for path in files]

    def make(self, rng: Rng) -> bytes:
        """Change the document, or its bytes."""
        text, how = one_of(rng, self.texts), rng.random()
        if how < SOUND:
            return text.encode()
        if how < 0.3:
            return bytes_damaged(text.encode(), rng)
        tree = trees.mutate(trees.toml_tree(text), trees.ODD_TOML, rng)
        return trees.toml_text(tree).encode(errors="surrogatepass")

    def read(self, content: bytes) -> bool:
        """Read it as ``--board`` with its path does."""
        self.path.write_bytes(content)
        found = load_board(str(self.path))
        fields = dataclasses.asdict(found)
        require(trees.same(tomllib.loads(content.decode()), fields), "read otherwise")
        require(msgspec.convert(_plain(fields), BoardFile), "not a board")
        require(found.name.isascii() and len(found.name) <= 31, "no name")
        require(0 < found.mcu.timer_hz < 1 << 32 and found.serial.baud > 0, "no rate")
        require(all(map(str.isprintable, found.definitions)), "definitions that end a line")
        return True


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in fields.items() if key != "path"}
