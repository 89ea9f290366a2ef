"""Ends each writing verb at each of its file operations, and looks at what the others make of it.

``python -m tools.kills [--verb VERB] [--json]``. A killed verb leaves the folder of the model as it
was, as it would have become, or so that those who read it refuse it with a sentence. A figure that
is neither the earlier nor the later one is a fault, and so is a traceback.

Each verb runs in a process of its own, forked from this one, which has loaded all packages already.
An audit hook counts the file operations below the folder, and ends the process at one of them by
SIGKILL. States that are the same byte for byte are looked at once.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from glyphite.convert.files import BEGIN, END
from glyphite.convert.hold import LOCK
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.host.cli import main as glyphite
from glyphite.train.data.mnist import Mnist, load_mnist

MODEL = "seed"
COUNT = "20"
IMAGES = 500
"""Of MNIST, for training: the figures need not be good."""
OPERATIONS = {
    *("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate"),
    *("os.link", "os.symlink", "shutil.copyfile", "shutil.rmtree", "ctypes.dlsym"),
}
"""Audit events before which a kill makes a difference; the last is for the exchange of folders."""
TIMES = {
    *("images_per_second", "seconds_per_image", "wall_seconds", "jobs", "retries", "seconds"),
    *("tries", "tools"),
}
"""Figures that are others each time."""

CHAIN = (
    ("train", (MODEL, "--epochs", "1", "--seed", "2")),
    ("convert", (MODEL, "--calibration-images", "50")),
    ("compare", (MODEL, "--count", COUNT)),
    ("compile", (MODEL,)),
    ("export-tflm", (MODEL, "--tflm")),
    ("export-arduino", (MODEL, "--arduino")),
    ("build", (MODEL, "--board", "native")),
    ("stream", (MODEL, "--port", "sim://native", "--count", COUNT)),
    ("report", (MODEL,)),
)
"""Each is killed where the ones before it have worked with another model than those behind it."""
READERS = (
    ("report", (MODEL, "--json")),
    ("predict", ("digit.png", MODEL, "--json")),
    ("compile", (MODEL, "--json")),
    ("stream", (MODEL, "--port", "sim://native", "--count", COUNT, "--json")),
    ("verify", (MODEL, "--board", "native", "--count", "5", "--json")),
    ("compare", (MODEL, "--count", COUNT, "--json")),
)
SLOW = {"compare"}
"""Readers that load TensorFlow: left out with ``--quick``."""


@dataclass(frozen=True)
class Ended:
    """A verb that has ended: its exit code, minus a signal's number, and what it said."""

    code: int
    output: str
    errors: str
    operations: int

    @property
    def result(self) -> object:
        """The figures; None where it refused in a sentence. Raises FaultError at anything else."""
        if self.code == 0:
            return _figures(json.loads(self.output))
        lines = [line for line in self.errors.splitlines() if line.startswith("glyphite ")]
        if self.code not in (1, 2) or "Traceback" in self.errors or len(lines) != 1:
            raise FaultError(f"exit code {self.code}: {self.errors.strip()[-300:]}")
        if "This should not happen" in lines[0]:
            raise FaultError(lines[0])
        return None


class FaultError(Exception):
    """A verb that ended neither well nor with a sentence."""


@dataclass
class Tried:
    """What became of one verb's kills."""

    verb: str
    points: int = 0
    states: int = 0
    refusals: int = 0
    faults: list[str] = field(default_factory=list)


def run(verb: str, arguments: Sequence[str], kill_at: int = 0) -> Ended:
    """Run a verb in the current folder; it is ended at its file operation number ``kill_at``."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(prefix="glyphite-kills-") as scratch:
        process = context.Process(target=_child, args=(verb, arguments, kill_at, Path(scratch)))
        process.start()
        process.join()
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # the workers that it had
        out, err = ((Path(scratch) / name).read_text(errors="replace") for name in ("out", "err"))
        counted = Path(scratch) / "count"
        operations = int(counted.read_text()) if counted.exists() else kill_at
        return Ended(process.exitcode or 0, out, err, operations)


def _child(verb: str, arguments: Sequence[str], kill_at: int, scratch: Path) -> None:
    os.setsid()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(scratch / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
    sys.argv = ["glyphite", verb, *arguments]
    counter = _Counter(Path.cwd(), kill_at)
    sys.addaudithook(counter)
    code = glyphite([verb.partition("-")[0], *arguments])
    sys.stdout.flush()
    sys.stderr.flush()
    counter.kill_at = 0
    (scratch / "count").write_text(str(counter.count))
    os._exit(code)


class _Counter:
    """Counts operations below ``root``, and ends the process at one of them."""

    def __init__(self, root: Path, kill_at: int) -> None:
        self.root = str(root / "build")
        self.kill_at = kill_at
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event not in OPERATIONS or not self._counts(event, arguments):
            return
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "ctypes.dlsym":
            return bool(arguments[1] == "renameat2")
        if event == "open" and not _writes(arguments):
            return False
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.root)  # noqa: PTH100


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _figures(document: object) -> object:
    """A verb's JSON without what is another each time."""
    if isinstance(document, dict):
        return {key: _figures(value) for key, value in document.items() if key not in TIMES}
    if isinstance(document, list):
        return [_figures(value) for value in document]
    return document


class Trials:
    """A folder in which one state after the other is put, always under the same path."""

    def __init__(self, scratch: Path, readers: Sequence[tuple[str, Sequence[str]]]) -> None:
        self.work = scratch / "work"
        self.states = scratch / "states"
        self.readers = readers

    def prepare(self, verbs: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Make every file by another model than that of the chain."""
        self.work.mkdir(parents=True)
        os.chdir(self.work)
        Image.fromarray(255 - load_mnist().test_images[0]).save("digit.png")
        for verb, arguments in verbs:
            first = ("--seed", "1") if verb == "train" else ()
            self._well(run(verb, (*arguments, *first)))

    def try_verb(self, verb: str, arguments: Sequence[str], most: int | None = None) -> Tried:
        """End it at each operation (of ``most``, at some) and look; then let it do its work."""
        before = self._keep("before")
        earlier = self._read("before")
        count = self._well(run(verb, arguments)).operations
        after = self._keep("after")
        later = self._read("after")
        tried, seen = Tried(verb), {_digest(before), _digest(after)}
        for point in _points(count, most):
            self._restore("before")
            if run(verb, arguments, point).code != -signal.SIGKILL:
                continue
            tried.points += 1
            if (digest := _digest(self.work)) not in seen:
                seen.add(digest)
                tried.states += 1
                self._look(tried, point, earlier, later)
        self._again(tried, verb, arguments, count)
        self._restore("after")
        return tried

    def _look(
        self, tried: Tried, point: int, earlier: dict[str, object], later: dict[str, object]
    ) -> None:
        self._keep("killed")
        for reader, found in self._read("killed").items():
            if isinstance(found, FaultError):
                tried.faults.append(f"{tried.verb} ended at {point}, {reader}: {found}")
            elif found is None:
                tried.refusals += 1
            elif found not in (earlier[reader], later[reader]):
                what = f"neither the earlier nor the later figures{_first(found, later[reader])}"
                tried.faults.append(f"{tried.verb} ended at {point}, {reader}: {what}")

    def _again(self, tried: Tried, verb: str, arguments: Sequence[str], count: int) -> None:
        """What a kill left does not stay behind the next run."""
        self._restore("before")
        run(verb, arguments, count // 2 + 1)
        code = run(verb, arguments).code
        left = [str(path) for path in self.work.glob(f"build/{MODEL}/**/{BEGIN}*{END}")]
        if code != 0 or left or any(self.work.glob(f"build/**/{LOCK}")):
            tried.faults.append(f"{verb} again behind a kill: exit code {code}, left {left}")

    def _read(self, state: str) -> dict[str, object]:
        """Each reader's figures, None for a sentence, or the FaultError."""
        found: dict[str, object] = {}
        for reader, arguments in self.readers:
            self._restore(state)
            try:
                found[reader] = run(reader, arguments).result
            except FaultError as error:
                found[reader] = error
        self._restore(state)
        return found

    def _keep(self, name: str) -> Path:
        shutil.rmtree(self.states / name, ignore_errors=True)
        return Path(shutil.copytree(self.work, self.states / name, symlinks=True))

    def _restore(self, name: str) -> None:
        for path in self.work.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.states / name, self.work, symlinks=True, dirs_exist_ok=True)

    def _well(self, ended: Ended) -> Ended:
        if ended.code != 0:
            raise SystemExit(f"kills: the verb itself fails ({ended.code}): {ended.errors}")
        return ended


def _points(count: int, most: int | None) -> list[int]:
    """All of 1 to ``count``, or ``most`` of them, evenly."""
    chosen = np.linspace(1, count, min(count, most or count))
    return sorted({round(float(point)) for point in chosen})


def _digest(folder: Path) -> str:
    """Of names and contents, without what is not finished."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if (BEGIN in name and END in name) or path.name == LOCK:
            continue  # nobody reads it
        digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _first(found: object, expected: object, where: str = "") -> str:
    """Where two documents differ first."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in found:
            if found[key] != expected.get(key):
                return _first(found[key], expected.get(key), f"{where}.{key}")
    return f" (at {where or 'the whole'}: {str(found)[:60]})"


@contextmanager
def little_data() -> Iterator[None]:
    """Training on a few images."""
    whole = load_mnist()
    few = Mnist(
        whole.train_images[:IMAGES], whole.train_labels[:IMAGES],
        whole.test_images[:IMAGES], whole.test_labels[:IMAGES],
    )  # fmt: skip
    with mock.patch("glyphite.host.cli.train.load_mnist", lambda **_: few):
        yield


def main() -> int:
    """Try all verbs or one; returns 1 where there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tools.kills", description=__doc__)
    names = [verb for verb, _ in CHAIN]
    parser.add_argument("--verb", choices=names, help="only this one")
    parser.add_argument("--quick", action="store_true", help="without the readers that are slow")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    arguments = parser.parse_args()
    readers = [each for each in READERS if not (arguments.quick and each[0] in SLOW)]
    load_tensorflow()  # once, and not in each process
    results = []
    with tempfile.TemporaryDirectory(prefix="glyphite-kills-") as scratch, little_data():
        trials = Trials(Path(scratch), readers)
        os.environ.pop("GLYPHITE_BUILD", None)
        trials.prepare(CHAIN)
        for verb, words in CHAIN:
            if arguments.verb in (None, verb):
                results.append(trials.try_verb(verb, words))
                print(_line(results[-1]), file=sys.stderr, flush=True)
            else:
                run(verb, words)
        os.chdir("/")
    if arguments.json:
        print(json.dumps([vars(tried) for tried in results], indent=2))
    print(f"{sum(tried.points for tried in results)} points were tried.", file=sys.stderr)
    return int(any(tried.faults for tried in results))


def _line(tried: Tried) -> str:
    head = (
        f"{tried.verb}: ended at {tried.points} operations, {tried.states} states unlike before "
        f"and after, {tried.refusals} refusals, {len(tried.faults)} faults"
    )
    return "\n  ".join([head, *tried.faults])


if __name__ == "__main__":
    sys.exit(main())
