"""Makes and reads inputs in a process of its own, within bounds of memory and time."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
import traceback
import zlib
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np

from glyphite.convert.errors import GlyphiteError
from tests.fuzz.compiling import MOST_MEMORY, MOST_SECONDS, PATIENCE, is_sentence, limit_time, peak
from tests.hostile.way import Way, WrongError


@dataclass(frozen=True)
class Batch:
    """Inputs of one kind, of consecutive numbers."""

    way: type[Way]
    seed: int
    first: int
    count: int

    @property
    def end(self) -> int:
        """One behind the last number."""
        return self.first + self.count


@dataclass(frozen=True)
class Defect:
    """An input that was not read or refused as it should."""

    number: int
    kind: str
    """``traceback``, ``memory``, ``hang``, ``crash``, ``sentence``, ``wrong``."""
    text: str


@dataclass
class Found:
    """What became of a batch."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """How many were accepted, refused, left out."""
    defects: list[Defect] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    """Seconds of the processor, and the input's number."""
    peak_bytes: int = 0
    """Of the process's memory."""

    def add(self, other: Found) -> None:
        """Count what became of another batch as well."""
        self.outcomes.update(other.outcomes)
        self.defects += other.defects
        self.slowest = max(self.slowest, other.slowest)
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


def made(way: Way, seed: int, number: int) -> bytes:
    """The input of that number: it follows from the way's name, the seed and the number alone."""
    kind = zlib.crc32(type(way).__name__.encode())
    return way.make(np.random.default_rng([seed, kind, number]))


class Worker:
    """The process; ended and started anew where an input hangs or kills it."""

    def __init__(self, seconds: int = MOST_SECONDS, patience: float = PATIENCE) -> None:
        self.seconds, self.patience = seconds, patience
        self._context = get_context("spawn")
        self._number: Synchronized[int] = self._context.Value("q", -1)
        self._start()

    def run(self, batch: Batch) -> Found:
        """What becomes of a batch; of one in which the process dies, the rest is done as well."""
        found = Found()
        while batch.count > 0:
            one = self._try(batch)
            if isinstance(one, Found):
                found.add(one)
                break
            found.defects.append(one)
            done = one.number - batch.first
            found.add(self.run(Batch(batch.way, batch.seed, batch.first, done)))
            batch = Batch(batch.way, batch.seed, one.number + 1, batch.count - done - 1)
        return found

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _try(self, batch: Batch) -> Found | Defect:
        try:
            self._pipe.send(batch)
            last, silent = -1, time.monotonic() + self.patience
            while not self._pipe.poll(min(1.0, self.patience)):
                if self._number.value != last:
                    last, silent = self._number.value, time.monotonic() + self.patience
                if time.monotonic() > silent:
                    return self._ended("hang", f"no answer after {self.patience:g} s")
            found: Found = self._pipe.recv()
            return found
        except (EOFError, ConnectionError):
            self._process.join()
            if self._process.exitcode == -signal.SIGXCPU:
                return self._ended("hang", f"more than {self.seconds} s of the processor")
            return self._ended("crash", f"the process ended with {self._process.exitcode}")

    def _ended(self, kind: str, text: str) -> Defect:
        defect = Defect(self._number.value, kind, text)
        self.stop()
        self._start()
        return defect

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=_serve, args=(theirs, self._number, self.seconds), daemon=True
        )
        self._process.start()
        theirs.close()


def _serve(pipe: Connection, number: Synchronized[int], seconds: int) -> None:
    """Do what comes, until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = Path("/dev/shm")  # files in memory: a disk would be the slowest part
    ways: dict[type[Way], Way] = {}
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        while True:
            try:
                batch: Batch = pipe.recv()
            except EOFError:
                return
            if batch.way not in ways:
                own = Path(folder) / batch.way.__name__
                own.mkdir()
                ways[batch.way] = batch.way(own)
            pipe.send(_done(ways[batch.way], batch, number, seconds))


def _done(way: Way, batch: Batch, number: Synchronized[int], seconds: int) -> Found:
    found = Found()
    for one in range(batch.first, batch.end):
        number.value = one
        limit_time(seconds)
        content = made(way, batch.seed, one)
        began = time.process_time()
        outcome, text = _outcome(way, content)
        took = time.process_time() - began
        found.slowest = max(found.slowest, (took, one))
        if took > seconds:
            outcome, text = "hang", f"{took:.1f} s of the processor"
        if text:
            found.defects.append(Defect(one, outcome, text))
        else:
            found.outcomes[outcome] += 1
    found.peak_bytes = peak()
    return found


def _outcome(way: Way, content: bytes) -> tuple[str, str]:
    """What became of an input, and a text if that is a defect."""
    try:
        return ("accepted" if way.read(content) else "left out"), ""
    except GlyphiteError as error:
        return ("refused", "") if is_sentence(str(error)) else ("sentence", repr(str(error)))
    except WrongError:
        return "wrong", traceback.format_exc()
    except MemoryError:
        return "memory", traceback.format_exc()
    except Exception:
        return "traceback", traceback.format_exc()
