"""Streams inputs over a bad line, and holds each answer against the good line's."""

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import GlyphiteError, LinkError
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device.session import Session
from glyphite.host.device.transport import open_port
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.device.transport.protocol_fault import Serial

BAUD = 115200
COMMON = ("flip", "lose", "double", "insert", "delay", "split")
"""Kinds that hit single frames."""
RARE = ("reset", "vanish")
"""Kinds that end the session with the board as it is."""


def faulty_url(firmware: Path, settings: dict[str, float]) -> str:
    """A native board with that firmware, behind a line with such settings."""
    words = "&".join(f"{name}={value:g}" for name, value in settings.items())
    url = emulated_url("native", firmware)
    return f"fault://{url}&{words}"


def rates(common: float, rare: float, seed: int) -> dict[str, float]:
    """Each kind at its rate, all at once."""
    return {**dict.fromkeys(COMMON, common), **dict.fromkeys(RARE, rare), "seed": seed}


@dataclass
class Run:
    """How one campaign went."""

    asked: int
    answers: int = 0
    wrong: int = 0
    """Answers with other scores than the good line's, or of another input."""
    seconds: float = 0.0
    ended_by: str = ""
    """Why it ended early; "" where it did not."""
    hits: "Counter[str]" = field(default_factory=Counter)
    """How often each kind of fault occurred."""
    repeats: "Counter[str]" = field(default_factory=Counter)
    """How many requests were sent again, by why."""
    restarts: int = 0
    sent: int = 0
    """Bytes."""
    received: int = 0

    @property
    def exact(self) -> bool:
        """Whether every input was answered once, and rightly."""
        return not self.ended_by and not self.wrong and self.answers == self.asked


@contextmanager
def opened(url: str) -> Iterator[tuple[Serial, Session]]:
    """A session on a port that is closed after the block; nobody has said hello yet."""
    port = open_port(url, BAUD)
    try:
        assert isinstance(port, Serial)
        yield port, Session(port)
    finally:
        port.close()


def run(
    url: str, inputs: NDArray[Any], right: NDArray[Any], progress: Progress = ignore_progress
) -> Run:
    """Stream ``inputs`` (n, *shape), whose scores are ``right`` (n, values)."""
    found = Run(len(inputs))
    started = time.monotonic()
    with opened(url) as (port, session):
        try:
            for number, answer in enumerate(session.answers(inputs)):
                found.answers += 1
                same = np.array_equal(answer.scores, right[number])
                found.wrong += not (same and answer.input_crc == crc32(inputs[number].tobytes()))
                progress(1)
        except LinkError as error:
            found.ended_by = str(error)
        found.seconds = time.monotonic() - started
        found.hits, found.restarts = port.hits, session.restarts
        found.repeats = Counter({str(kind): n for kind, n in session.repeats.items()})
        found.sent, found.received = session.traffic.sent, session.traffic.received
    return found


def good_scores(firmware: Path, inputs: NDArray[Any]) -> NDArray[Any]:
    """What the board answers without any fault. Raises GlyphiteError where it does not."""
    with opened(faulty_url(firmware, {"seed": 0})) as (_, session):
        scores = session.infer(inputs)
        if session.retries:
            raise GlyphiteError(
                "A line without faults lost requests. Try again on an idle machine."
            )
        return scores


def pace(firmware: Path, inputs: NDArray[Any], baud: int, encodings: tuple[int, ...]) -> Run:
    """Stream over a line without faults of ``baud`` bits a second, with these encodings alone."""
    with opened(faulty_url(firmware, {"baud": baud})) as (_, session):
        session._greeting.told = dataclasses.replace(session.hello(), encodings=encodings)
        before, started = dataclasses.replace(session.traffic), time.monotonic()
        session.infer(inputs)
        seconds = time.monotonic() - started
        traffic = session.traffic
        return Run(
            len(inputs),
            len(inputs),
            seconds=seconds,
            sent=traffic.sent - before.sent,
            received=traffic.received - before.received,
        )
