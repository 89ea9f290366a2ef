"""The answers that have come of a run, each kept in a file at once: what ends the run loses none.

The file begins with a line of JSON that says what it is of; then comes a record an answer, with a
checksum of its own, so that one that a kill cut short is not read.
"""

import hashlib
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict
from zlib import crc32

import msgspec
import numpy as np

from glyphite.convert.documents import Date, now
from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes, remove, unwritable, write_bytes
from glyphite.convert.hold import LOCK, release, take
from glyphite.convert.manifest import Manifest, Sha256
from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire.protocol import PROTOCOL
from glyphite.host.measure.truth import Count
from glyphite.host.runners.base import Tensors

KEPT = "answers.part"
"""The name of the file, in the board's folder."""

_FIGURES = struct.Struct("<IHIQdd")
"""Of a record: the sample's index, the board's place in the list, CRC-32 of the input, ticks,
seconds, elapsed seconds."""
KINDS = tuple(map(str, Trouble))
_COUNTS = struct.Struct(f"<{len(KINDS)}I")
"""Behind those, how many requests to that board had been repeated by then, of each of KINDS."""
_CHECK_BYTES = 4


class BoardOf(TypedDict):
    """A board that answered: another one gives no common figures."""

    port: str
    board: str
    """As the board calls itself."""
    firmware: str
    """As the board tells it."""
    firmware_sha256: Sha256 | None
    """Of what its image stores on the board; None of a real board."""
    timer_hz: Count
    """As the board tells it; 0 where it does not know it."""


class RunOf(TypedDict):
    """What a run is of: two that differ in any of these give no common figures."""

    sha256: Sha256
    """Of the model."""
    data_sha256: Sha256
    """Of the tensors that are sent."""
    images: Count
    boards: list[BoardOf]
    date: Date
    """When it began."""
    repeats: NotRequired[list[str]]
    """The kinds of repeats that each record counts; an earlier version's records count none."""


Repeats = Counter[str]
"""How many requests were sent again, by why."""


@dataclass(frozen=True)
class ByBoard:
    """The answers of the board, or of the emulated boards, at one port."""

    of: BoardOf
    answers: dict[int, Answer]
    """By the sample's index."""
    earlier: Repeats | None
    """Requests that earlier parts of the run repeated, up to the last answer of each; None where
    they were not counted."""

    @property
    def hello(self) -> Hello:
        """What is known of the board, whether it answered now or in an earlier run."""
        of = self.of
        return Hello(PROTOCOL, of["firmware"], of["board"], timer_hz=of["timer_hz"])


@dataclass(frozen=True)
class Kept:
    """The content of a file of answers."""

    path: Path
    of: RunOf
    answers: dict[int, Answer]
    """By the sample's index."""
    owners: dict[int, int]
    """Whose each is: the board's place in the list."""
    elapsed: float
    """Seconds from the first sample sent to the last of these answers."""
    repeats: dict[int, Repeats] | None
    """By the board's place, up to its last answer; None where they were not counted."""


class Received:
    """The answers so far of a run that sends ``tensors``; several threads may add some.

    ``place``: the folder for the board of a port and hello; they are kept in that of the first one,
    with what ``manifest`` and ``firmwares``, the SHA-256 of emulated boards' images by port, say of
    the run; None keeps them in memory alone. ``before``: those of an earlier run, which this one
    goes on with.
    """

    def __init__(
        self,
        tensors: Tensors,
        place: Callable[[str, Hello], Path] | None = None,
        manifest: Manifest | None = None,
        firmwares: Mapping[str, str | None] | None = None,
        before: Kept | None = None,
    ) -> None:
        self.images = len(tensors)
        self.path: Path | None = None
        """The file; None before the first answer, and where another command writes it."""
        self.elapsed = before.elapsed if before else 0.0
        """Seconds that earlier runs took."""
        self._answers = dict(before.answers) if before else {}
        self._owners = dict(before.owners) if before else {}
        self._boards = list(before.of["boards"]) if before else []
        self._seen: dict[str, int] = {}
        self._earlier = before.repeats if before else {}
        self._repeats = dict(self._earlier) if self._earlier is not None else {}
        self._before = before
        self._tensors = tensors
        self._place = place
        self._manifest = manifest
        self._firmwares = firmwares or {}
        self._started: float | None = None
        self._ended: float | None = None
        self._lock = threading.Lock()
        self._held: tuple[Path, int] | None = None

    def missing(self) -> list[int]:
        """The indices of the samples without an answer."""
        with self._lock:
            return [index for index in range(self.images) if index not in self._answers]

    def start(self, ago: float = 0.0) -> None:
        """The first sample was sent so many seconds ago; with several boards, the first call
        counts."""
        with self._lock:
            self._started = self._started or time.monotonic() - ago

    def end(self) -> None:
        """The last answer is there; with several boards, the last call counts."""
        with self._lock:
            self._ended = time.monotonic()

    @property
    def elapsed_now(self) -> float:
        """Seconds from the first sample sent until now or the end, with those of earlier runs."""
        now = time.monotonic() if self._ended is None else self._ended
        return self.elapsed + now - (now if self._started is None else self._started)

    def add(
        self,
        hello: Hello,
        index: int,
        answer: Answer,
        port: str = "",
        repeats: Mapping[Trouble, int] | None = None,
    ) -> None:
        """Keep a board's answer to sample ``index``, with what was repeated in this part so far.

        Raises InputError where the file cannot be written, or the board is not that of the run
        which this one goes on with.
        """
        with self._lock:
            if port not in self._seen:
                self._seen[port] = self._known(hello, port)
                self._write_all(hello, port)
            place = self._seen[port]
            self._answers[index], self._owners[index] = answer, place
            self._repeats[place] = (self._earlier or {}).get(place, Repeats()) + Repeats(
                {str(why): count for why, count in (repeats or {}).items()}
            )
            if self.path is not None:
                self._append(self.path, index)

    def sorted(self) -> list[tuple[int, Answer]]:
        """Each answered sample's index with its answer."""
        with self._lock:
            return sorted(self._answers.items())

    def by_board(self) -> list[ByBoard]:
        """The answers of each board that gave one."""
        with self._lock:
            found = [
                ByBoard(of, {}, self._of_earlier(place)) for place, of in enumerate(self._boards)
            ]
            for index, answer in sorted(self._answers.items()):
                found[self._owners[index]].answers[index] = answer
        return [one for one in found if one.answers]

    def _of_earlier(self, place: int) -> Repeats | None:
        return None if self._earlier is None else self._earlier.get(place, Repeats())

    def went_on(self, port: str) -> bool:
        """Whether some of the answers from ``port`` are of an earlier run."""
        return self._before is not None and any(
            board["port"] == port for board in self._before.of["boards"]
        )

    def close(self) -> None:
        """Let another command write the file."""
        if self._held is not None:
            release(*self._held)
            self._held = None

    def forget(self) -> None:
        """Remove the file, as its answers are kept elsewhere."""
        if self.path is not None:
            remove(self.path)

    def _known(self, hello: Hello, port: str) -> int:
        """The place in the list of a board that now answers. Raises InputError where an earlier run
        had another one there."""
        of = BoardOf(
            port=port,
            board=hello.board,
            firmware=hello.firmware,
            firmware_sha256=self._firmwares.get(port),
            timer_hz=hello.timer_hz,
        )
        ports = [board["port"] for board in self._boards]
        if port not in ports:
            self._boards.append(of)
            return len(ports)
        place = ports.index(port)
        if self._before is not None and self._boards[place] != of:
            raise InputError(_other(self._before, "the board"))
        return place

    def _write_all(self, hello: Hello, port: str) -> None:
        """Begin the file, or write it anew, now that a board is known."""
        if self._place is None or self._manifest is None:
            return
        if self._held is None:
            self._hold(self._before.path if self._before else self._place(port, hello) / KEPT)
        if self.path is None:
            return
        run = run_of(self._tensors, self._manifest, self._boards)
        if self._earlier is not None:
            run["repeats"] = list(KINDS)
        records = map(self._record, self._answers)
        # Without what a kill cut short.
        write_bytes(self.path, msgspec.json.encode(run) + b"\n" + b"".join(records))

    def _hold(self, path: Path) -> None:
        """Keep the answers at ``path``, unless another command does."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(f".{KEPT}{LOCK}")
            descriptor = take(lock)
        except OSError as error:
            raise unwritable(path, error) from error
        if descriptor is not None:
            self._held = lock, descriptor
            self.path = path

    def _append(self, path: Path, index: int) -> None:
        try:
            with path.open("ab", buffering=0) as file:
                file.write(self._record(index))
        except OSError as error:
            raise unwritable(path, error) from error

    def _record(self, index: int) -> bytes:
        answer, owner = self._answers[index], self._owners[index]
        record = _FIGURES.pack(
            index, owner, answer.input_crc, answer.ticks, answer.seconds, self.elapsed_now
        )
        if self._earlier is not None:
            counts = self._repeats.get(owner, Repeats())
            record += _COUNTS.pack(*(counts[kind] for kind in KINDS))
        record += answer.scores.tobytes()
        return record + crc32(record).to_bytes(_CHECK_BYTES, "little")


def run_of(tensors: Tensors, manifest: Manifest, boards: list[BoardOf]) -> RunOf:
    """What a run is of that sends ``tensors`` to the ``boards``, from now."""
    return RunOf(
        sha256=manifest.sha256,
        data_sha256=_digest(tensors),
        images=len(tensors),
        boards=boards,
        date=now(),
    )


def require_same(
    before: Kept, tensors: Tensors, manifest: Manifest | None, firmwares: Mapping[str, str | None]
) -> None:
    """Make sure that a run may go on with the answers of ``before``. Raises InputError.

    ``firmwares``: the SHA-256 of the firmware by port, as it is now.
    """
    if manifest is None or before.of["sha256"] != manifest.sha256:
        raise InputError(_other(before, "the model"))
    if before.of["data_sha256"] != _digest(tensors):
        raise InputError(_other(before, "the data or their number"))
    for board in before.of["boards"]:
        if firmwares.get(board["port"], board["firmware_sha256"]) != board["firmware_sha256"]:
            raise InputError(_other(before, "the firmware"))


def _other(before: Kept, what: str) -> str:
    return (
        f"The answers in {before.path} are of another run: {what} differs. Leave out --resume to "
        "start anew."
    )


def _digest(tensors: Tensors) -> str:
    return hashlib.sha256(np.ascontiguousarray(tensors).tobytes()).hexdigest()


def is_written(path: Path) -> bool:
    """Whether another command writes the answers at ``path`` just now."""
    lock = path.with_name(f".{KEPT}{LOCK}")
    try:
        descriptor = take(lock) if lock.exists() else -1
    except OSError:
        return False
    if descriptor is not None and descriptor >= 0:
        release(lock, descriptor)
    return descriptor is None


def read_kept(path: Path, manifest: Manifest) -> Kept | None:
    """The answers in the file ``path``; None where it is not one, or not of such outputs."""
    try:
        line, _, records = read_bytes(path).partition(b"\n")
        of = msgspec.json.decode(line, type=RunOf)
    except (InputError, msgspec.MsgspecError):
        return None
    kind, count = np.dtype(manifest.output.dtype), int(np.prod(manifest.output.shape[1:]))
    kinds = of.get("repeats", [])
    counts = struct.Struct(f"<{len(kinds)}I")
    head = _FIGURES.size + counts.size
    size = head + count * kind.itemsize + _CHECK_BYTES
    repeats: dict[int, Repeats] = {}
    answers: dict[int, Answer] = {}
    owners: dict[int, int] = {}
    elapsed = 0.0
    for at in range(0, len(records) - size + 1, size):
        record, check = records[at : at + size - _CHECK_BYTES], records[at + size - _CHECK_BYTES :]
        if crc32(record) != int.from_bytes(check[:_CHECK_BYTES], "little"):
            break  # cut short: what follows was never written
        index, owner, crc, ticks, seconds, elapsed = _FIGURES.unpack_from(record)
        if index < of["images"] and owner < len(of["boards"]):
            scores = np.frombuffer(record, kind, count, head)
            answers[index], owners[index] = Answer((scores,), crc, seconds, ticks), owner
            if kinds:
                found = counts.unpack_from(record, _FIGURES.size)
                repeats[owner] = Repeats(dict(zip(kinds, found, strict=True)))
    return Kept(path, of, answers, owners, elapsed, repeats if kinds else None)
