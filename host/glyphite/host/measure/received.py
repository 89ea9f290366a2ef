"""The answers that have come of a run, each kept in a file at once: what ends the run loses none.

The file begins with a line of JSON that says what it is of; then comes a record an answer, with a
checksum of its own, so that one that a kill cut short is not read.
"""

import hashlib
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from zlib import crc32

import msgspec
import numpy as np

from glyphite.convert.documents import Date, now
from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes, remove, unwritable, write_bytes
from glyphite.convert.hold import LOCK, release, take
from glyphite.convert.manifest import Manifest, Sha256
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.measure.truth import Count
from glyphite.host.runners.base import Tensors

KEPT = "answers.part"
"""The name of the file, in the board's folder."""

_FIGURES = struct.Struct("<IIQdd")
"""Of a record: the sample's index, CRC-32 of its input, ticks, seconds, elapsed seconds."""
_CHECK_BYTES = 4


class RunOf(TypedDict):
    """What a run is of: two that differ in any of these give no common figures."""

    sha256: Sha256
    """Of the model."""
    data_sha256: Sha256
    """Of the tensors that are sent."""
    images: Count
    board: str
    """As the board calls itself."""
    firmware: str
    """As the board tells it."""
    firmware_sha256: Sha256 | None
    """Of what its image stores on the board; None of a real board."""
    port: str
    date: Date
    """When it began."""


@dataclass(frozen=True)
class Kept:
    """The content of a file of answers."""

    path: Path
    of: RunOf
    answers: dict[int, Answer]
    """By the sample's index."""
    elapsed: float
    """Seconds from the first sample sent to the last of these answers."""


class Received:
    """The answers so far of a run that sends ``tensors``; several threads may add some.

    ``place``: the folder for the board of a hello, in which they are kept, with what ``manifest``
    and ``firmware_sha256`` say of the run; None keeps them in memory alone. ``before``: those of an
    earlier run, which this one goes on with.
    """

    def __init__(
        self,
        tensors: Tensors,
        place: Callable[[Hello], Path] | None = None,
        manifest: Manifest | None = None,
        firmware_sha256: str | None = None,
        before: Kept | None = None,
    ) -> None:
        self.images = len(tensors)
        self.hello: Hello | None = None
        """The board's, or that of one of several; None before the first."""
        self.path: Path | None = None
        """The file; None before the first answer, and where another command writes it."""
        self.elapsed = before.elapsed if before else 0.0
        """Seconds that earlier runs took."""
        self._answers = dict(before.answers) if before else {}
        self._before = before
        self._tensors = tensors
        self._place = place
        self._manifest = manifest
        self._firmware_sha256 = firmware_sha256
        self._started: float | None = None
        self._ended: float | None = None
        self._lock = threading.Lock()
        self._held: tuple[Path, int] | None = None

    def missing(self) -> list[int]:
        """The indices of the samples without an answer."""
        with self._lock:
            return [index for index in range(self.images) if index not in self._answers]

    def start(self) -> None:
        """The first sample is sent now; with several boards, the first call counts."""
        with self._lock:
            self._started = self._started or time.monotonic()

    def end(self) -> None:
        """The last answer is there; with several boards, the last call counts."""
        with self._lock:
            self._ended = time.monotonic()

    @property
    def elapsed_now(self) -> float:
        """Seconds from the first sample sent until now or the end, with those of earlier runs."""
        now = time.monotonic() if self._ended is None else self._ended
        return self.elapsed + now - (now if self._started is None else self._started)

    def add(self, hello: Hello, index: int, answer: Answer, port: str = "") -> None:
        """Keep a board's answer to sample ``index``. Raises InputError where the file cannot be
        written, or the board is not that of the run which this one goes on with."""
        with self._lock:
            if self.hello is None:
                self._open(hello, port)
            self.hello = hello
            self._answers[index] = answer
            if self.path is not None:
                self._append(self.path, index, answer)

    def sorted(self) -> list[tuple[int, Answer]]:
        """Each answered sample's index with its answer."""
        with self._lock:
            return sorted(self._answers.items())

    def close(self) -> None:
        """Let another command write the file."""
        if self._held is not None:
            release(*self._held)
            self._held = None

    def forget(self) -> None:
        """Remove the file, as its answers are kept elsewhere."""
        if self.path is not None:
            remove(self.path)

    def _open(self, hello: Hello, port: str) -> None:
        """Begin the file, or go on with it, now that the board is known."""
        if self._place is None or self._manifest is None:
            return
        run = run_of(self._tensors, self._manifest, hello, port, self._firmware_sha256)
        if self._before is not None and (
            (self._before.of["board"], self._before.of["firmware"])
            != (run["board"], run["firmware"])
        ):
            raise InputError(_other(self._before, "the board"))
        path = self._place(hello) / KEPT
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(f".{KEPT}{LOCK}")
            descriptor = take(lock)
            if descriptor is None:
                return  # it is another command's
            self._held = lock, descriptor
        except OSError as error:
            raise unwritable(path, error) from error
        line = msgspec.json.encode(run) + b"\n"
        records = (_record(index, answer, self.elapsed) for index, answer in self._answers.items())
        write_bytes(path, line + b"".join(records))  # without what a kill cut short
        self.path = path

    def _append(self, path: Path, index: int, answer: Answer) -> None:
        try:
            with path.open("ab", buffering=0) as file:
                file.write(_record(index, answer, self.elapsed_now))
        except OSError as error:
            raise unwritable(path, error) from error


def _record(index: int, answer: Answer, elapsed: float) -> bytes:
    record = _FIGURES.pack(index, answer.input_crc, answer.ticks, answer.seconds, elapsed)
    record += answer.scores.tobytes()
    return record + crc32(record).to_bytes(_CHECK_BYTES, "little")


def run_of(
    tensors: Tensors, manifest: Manifest, hello: Hello, port: str, firmware_sha256: str | None
) -> RunOf:
    """What a run is of that sends ``tensors`` to the board of ``hello`` at ``port``, from now."""
    return RunOf(
        sha256=manifest.sha256,
        data_sha256=_digest(tensors),
        images=len(tensors),
        board=hello.board,
        firmware=hello.firmware,
        firmware_sha256=firmware_sha256,
        port=port,
        date=now(),
    )


def require_same(
    before: Kept, tensors: Tensors, manifest: Manifest | None, firmware_sha256: str | None
) -> None:
    """Make sure that a run may go on with the answers of ``before``. Raises InputError."""
    if manifest is None or before.of["sha256"] != manifest.sha256:
        raise InputError(_other(before, "the model"))
    if before.of["data_sha256"] != _digest(tensors):
        raise InputError(_other(before, "the data or their number"))
    if before.of["firmware_sha256"] != firmware_sha256:
        raise InputError(_other(before, "the firmware"))


def _other(before: Kept, what: str) -> str:
    return (
        f"The answers in {before.path} are of another run: {what} differs. Leave out --resume to "
        "start anew."
    )


def _digest(tensors: Tensors) -> str:
    return hashlib.sha256(np.ascontiguousarray(tensors).tobytes()).hexdigest()


def read_kept(path: Path, manifest: Manifest) -> Kept | None:
    """The answers in the file ``path``; None where it is not one, or not of such outputs."""
    try:
        line, _, records = read_bytes(path).partition(b"\n")
        of = msgspec.json.decode(line, type=RunOf)
    except (InputError, msgspec.MsgspecError):
        return None
    kind, count = np.dtype(manifest.output.dtype), int(np.prod(manifest.output.shape[1:]))
    size = _FIGURES.size + count * kind.itemsize + _CHECK_BYTES
    answers: dict[int, Answer] = {}
    elapsed = 0.0
    for at in range(0, len(records) - size + 1, size):
        record, check = records[at : at + size - _CHECK_BYTES], records[at + size - _CHECK_BYTES :]
        if crc32(record) != int.from_bytes(check[:_CHECK_BYTES], "little"):
            break  # cut short: what follows was never written
        index, crc, ticks, seconds, elapsed = _FIGURES.unpack_from(record)
        if index < of["images"]:
            scores = np.frombuffer(record, kind, count, _FIGURES.size)
            answers[index] = Answer((scores,), crc, seconds, ticks)
    return Kept(path, of, answers, elapsed)
