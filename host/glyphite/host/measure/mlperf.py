"""A small client of MLPerf Tiny's text protocol: accuracy and performance, as its runner asks.

The official runner is the one whose figures count; this one asks the same questions, and tells what
is wrong in a sentence.
"""

import math
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import serial
from numpy.typing import NDArray

from glyphite.convert.errors import LinkError
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.text import counted, printable

LINE_SECONDS = 5.0
"""For a line of an answer, as the runner waits."""
RUN_SECONDS = 120.0
"""For a line of an inference. The runner waits 30 s; a window that is longer is told of here."""
GREETINGS = 4
"""How often a board is asked for its name: opening the port may have reset it."""
GREETING_SECONDS = 1.5
LISTEN = 0.1
LOADED_BYTES = 31
"""Bytes of an input in one command."""
MOST_LINE_BYTES = 1 << 20
MOST_LINES = 100_000
WINDOWS = 5
"""Of a performance run, no more and no fewer."""
LEAST_WINDOW, MOST_WINDOW = 10.0, 30.0
"""Seconds that one must take."""
TRIAL_SECONDS = 0.5
"""Of inferences, which tell how long one takes."""
MOST_RUNS = 100_000_000
"""Of a window: more than the fastest board does."""
READY = "m-ready"


@dataclass(frozen=True)
class Inferred:
    """What one ``infer`` has told."""

    results: tuple[float, ...]
    microseconds: int
    """By the board's clock, of all measured runs."""


@dataclass(frozen=True)
class Performance:
    """A performance run."""

    runs: int
    """Of a window."""
    seconds: tuple[float, ...]
    """By the board's clock, of each window."""
    waited: tuple[float, ...]
    """By this PC's, of the same."""

    @property
    def is_valid(self) -> bool:
        """Whether each window is as long as the benchmark's rules have it, by either clock."""
        return all(LEAST_WINDOW < one < MOST_WINDOW for one in (*self.seconds, *self.waited))

    @property
    def per_second(self) -> float:
        """Inferences a second: the median over the windows."""
        return statistics.median(self.runs / seconds for seconds in self.seconds)


class Device:
    """A board at an open port whose firmware speaks the protocol."""

    def __init__(self, port: serial.SerialBase) -> None:
        port.timeout = LISTEN
        self._port = port
        self._heard = b""
        self.name = ""
        self.model = ""
        """The id of the benchmark that it is for."""

    @property
    def _called(self) -> str:
        return printable(str(self._port.port))

    def greet(self) -> None:
        """Ask for its name and its model, whatever it said before.

        Raises LinkError where it does not answer.
        """
        for _ in range(GREETINGS):
            self._send("name")
            if found := self._listen_for(r"m-name-dut-\[([^]]+)\]"):
                self.name = found
                break
        else:
            raise LinkError(
                f"The board at {self._called} does not answer as MLPerf Tiny's protocol asks. "
                "Build its firmware with `glyphite build MODEL --board BOARD --protocol mlperf`."
            )
        self._until_ready("name", LINE_SECONDS)
        for line in self.command("profile"):
            if found_model := re.fullmatch(r"m-model-\[([^]]+)\]", line):
                self.model = found_model[1]

    def load(self, data: bytes) -> None:
        """Send an input. Raises LinkError where the board has no room for it, or is silent."""
        self.command(f"db load {len(data)}")
        said: list[str] = []
        for start in range(0, len(data), LOADED_BYTES):
            said = self.command(f"db {data[start : start + LOADED_BYTES].hex()}")
        if "m-load-done" not in said:
            raise LinkError(f"The board at {self._called} did not say that the input had come.")

    def infer(self, runs: int = 1, warmups: int = 0) -> Inferred:
        """Have the input inferred. Raises LinkError where the board does not, or is silent."""
        said = self.command(f"infer {runs} {warmups}", RUN_SECONDS)
        laps = [int(lap[1]) for line in said if (lap := re.fullmatch(r"m-lap-us-(\d{1,20})", line))]
        found = [line for line in said if line.startswith("m-results-[") and line.endswith("]")]
        try:
            results = tuple(map(float, found[-1][len("m-results-[") : -1].split(",")))
            begin, end = laps
        except (IndexError, ValueError) as error:
            raise LinkError(
                f"The board at {self._called} gave no times and results behind 'infer'. "
                "Build its firmware again."
            ) from error
        return Inferred(results, end - begin)

    def command(self, text: str, seconds: float = LINE_SECONDS) -> list[str]:
        """Send a command; returns the lines of its answer, without the last.

        ``seconds``: the longest time for one line. Raises LinkError where the board refuses it, or
        says nothing for so long.
        """
        self._send(text)
        lines = self._until_ready(text, seconds)
        if refused := [line for line in lines if line.startswith("e-[")]:
            what = f"refuses {printable(text.partition(' ')[0])!r}: {printable(refused[0][3:-1])}"
            raise LinkError(f"The board at {self._called} {what}.")
        return lines

    def _send(self, text: str) -> None:
        try:
            self._port.write(f"{text}%".encode())
        except serial.SerialException as error:
            raise self._lost() from error

    def _until_ready(self, text: str, seconds: float) -> list[str]:
        lines: list[str] = []
        while (line := self._line(seconds)) != READY:
            if line is None:
                raise LinkError(
                    f"The board at {self._called} said nothing for {seconds:g} s behind "
                    f"{printable(text)!r}. Check cable and baud rate, and reset the board."
                )
            if len(lines) == MOST_LINES:
                raise LinkError(f"The board at {self._called} sends lines without end. Reset it.")
            lines.append(line)
        return lines

    def _listen_for(self, pattern: str) -> str:
        """What the group of ``pattern`` matches in a line that comes; "" where none does."""
        end = time.monotonic() + GREETING_SECONDS
        while (left := end - time.monotonic()) > 0 and (line := self._line(left)) is not None:
            if found := re.fullmatch(pattern, line):
                return found[1]
        return ""

    def _line(self, seconds: float) -> str | None:
        """The next line that is not empty; None where none comes in time."""
        end = time.monotonic() + seconds
        while True:
            line, found, rest = self._heard.partition(b"\n")
            if found:
                self._heard = rest
                if text := line.decode("ascii", errors="replace").strip("\r\0"):
                    return text
                continue
            if time.monotonic() > end:
                return None
            if len(self._heard) > MOST_LINE_BYTES:
                raise LinkError(f"The board at {self._called} sends a line without end. Reset it.")
            try:
                self._heard += self._port.read(max(1, getattr(self._port, "in_waiting", 1)))
            except (serial.SerialException, OSError) as error:
                raise self._lost() from error

    def _lost(self) -> LinkError:
        return LinkError(f"The port {self._called} is gone. Connect the board, then try again.")


def results_of(
    device: Device, inputs: Sequence[bytes], progress: Progress = ignore_progress
) -> NDArray[np.float64]:
    """The results (n, results) of all inputs, each sent and inferred once: accuracy mode.

    Raises LinkError where the board gives none, or not the same number of them each time.
    """
    rows: list[tuple[float, ...]] = []
    for data in inputs:
        device.load(data)
        rows.append(device.infer().results)
        if len(rows[-1]) != len(rows[0]):
            raise LinkError(
                f"The board {device.name!r} gave now {counted(len(rows[0]), 'result')} for an "
                f"input, now {len(rows[-1])}. Reset it."
            )
        progress(1)
    return np.array(rows, np.float64)


def runs_of(device: Device, data: bytes, seconds: float) -> int:
    """The inferences that take ``seconds`` by the mean of this PC's clock and the board's.

    That of an emulated board may be slower, and a window has to be as long as it must by either.
    """
    device.load(data)
    runs, wanted = 1, min(TRIAL_SECONDS, seconds)
    while True:
        told, waited = _timed(device, runs)
        taken = math.sqrt(told * waited)
        if taken >= wanted or runs >= MOST_RUNS or waited > LEAST_WINDOW:
            return max(1, min(MOST_RUNS, math.ceil(runs * seconds / taken)))
        runs *= 4


def perform(
    device: Device, inputs: Sequence[bytes], runs: int, progress: Progress = ignore_progress
) -> Performance:
    """Five windows of ``runs`` inferences, each of another input: performance mode."""
    times = []
    for window in range(WINDOWS):
        device.load(inputs[window % len(inputs)])
        times.append(_timed(device, runs))
        progress(1)
    seconds, waited = zip(*times, strict=True)
    return Performance(runs, seconds, waited)


def _timed(device: Device, runs: int) -> tuple[float, float]:
    """Seconds of ``runs`` inferences by the board's clock, and by this PC's."""
    begin = time.monotonic()
    inferred = device.infer(runs)
    return max(inferred.microseconds, 1) / 1e6, time.monotonic() - begin
