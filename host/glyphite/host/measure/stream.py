"""Sends test images to a board, and compares its scores with TensorFlow Lite Micro's."""

import io
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import load_board
from glyphite.convert.errors import BoardError, CheckFailedError, InputError
from glyphite.convert.files import remove, write_bytes, write_text
from glyphite.convert.manifest import Manifest
from glyphite.host.device.session import connect
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.board import BoardRunner

OnAnswer = Callable[[int, Answer], None]
"""Called with each image's index and answer as it arrives; with several boards, from threads."""

EMULATED = "sim://"
BAUD = 115200


@dataclass(frozen=True)
class Link:
    """The board to stream to: a serial port or pyserial URL, and the model it has to hold."""

    url: str
    sha256: str
    baud: int = BAUD
    jobs: int = 1
    """The number of emulated boards that share the images."""


@dataclass(frozen=True)
class Streamed:
    """The answers of the board, or of several that shared the images."""

    hello: Hello
    scores: Tensors
    """(n, classes)."""
    seconds: NDArray[np.float64]
    """(n,): the board's own time for each image; nan where its timer's rate is not known."""
    ticks: NDArray[np.int64]
    """(n,): the same in ticks of the board's timer."""
    wall_seconds: float
    """Seconds from the first image sent to the last answer, without the hello."""
    retries: int


class Streaming(TypedDict):
    """The content of stream.json."""

    model: str
    sha256: str
    board: str
    port: str
    firmware: str
    jobs: int
    images: int
    correct: int
    accuracy: float
    interval: list[float]
    scores: int
    """Bytes that were compared: images times classes."""
    mismatched_bytes: int
    """Bytes that differ from TensorFlow Lite Micro's."""
    mismatched_images: int
    largest_difference: int
    retries: int
    images_per_second: float
    seconds_per_image: dict[str, float] | None
    """Mean, minimum and maximum of the board's own time; None where its rate is not known."""
    instructions_per_image: int | None
    """The mean, where the board's timer counts instructions, as its board file says."""


def stream(link: Link, tensors: Tensors, on_answer: OnAnswer) -> Streamed:
    """Send each of ``tensors`` (n, *shape), wait for its answer, and call ``on_answer``.

    Raises InputError where several jobs are asked of a real board or a setting of an emulated one
    is wrong, PortError where the port cannot be opened, LinkError where a board does not answer,
    holds another model or answers wrongly, BoardError and ToolError where one cannot be emulated.
    """
    if link.jobs > 1 and not link.url.startswith(EMULATED):
        raise InputError(
            f"--jobs {link.jobs} starts as many emulated boards, and {link.url} is one board. "
            f"Leave --jobs out, or name a port that begins with {EMULATED}."
        )
    shares = np.array_split(np.arange(len(tensors)), min(link.jobs, len(tensors)))
    stop = threading.Event()

    def one(share: NDArray[np.int64]) -> Streamed:
        try:
            return _stream_share(link, tensors, share, on_answer, stop)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(len(shares)) as pool:
        try:
            return join(list(pool.map(one, shares)))
        except BaseException:  # Ctrl-C comes here, to the main thread
            stop.set()
            raise


def _stream_share(
    link: Link,
    tensors: Tensors,
    share: NDArray[np.int64],
    on_answer: OnAnswer,
    stop: threading.Event,
) -> Streamed:
    with connect(link.url, link.sha256, baud=link.baud) as session:
        answers = []
        started = time.monotonic()
        for index, answer in zip(share, BoardRunner(session).answers(tensors[share]), strict=False):
            answers.append(answer)
            on_answer(int(index), answer)
            if stop.is_set():
                break
        return Streamed(
            session.board,
            np.array([answer.scores for answer in answers], np.int8),
            np.array([answer.seconds for answer in answers], np.float64),
            np.array([answer.ticks for answer in answers], np.int64),
            time.monotonic() - started,
            session.retries,
        )


def join(parts: list[Streamed]) -> Streamed:
    """The answers of several boards that ran at the same time, in the order of the images."""
    return Streamed(
        parts[0].hello,
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        np.concatenate([part.ticks for part in parts]),
        max(part.wall_seconds for part in parts),
        sum(part.retries for part in parts),
    )


def summarize(
    manifest: Manifest,
    link: Link,
    streamed: Streamed,
    reference: Scores,
    labels: NDArray[np.uint8],
) -> Streaming:
    """The figures of one run against the labels (n,) and TFLM's scores (n, classes).

    Raises ValueError where the numbers of images or the types of the scores differ.
    """
    accuracy = metrics.accuracy(metrics.answers(streamed.scores), labels)
    difference = metrics.byte_differences(streamed.scores, reference)
    return Streaming(
        model=manifest.name,
        sha256=manifest.sha256,
        board=board_name(streamed.hello),
        port=link.url,
        firmware=streamed.hello.firmware,
        jobs=link.jobs,
        images=len(labels),
        correct=accuracy.correct,
        accuracy=accuracy.value,
        interval=list(accuracy.interval),
        scores=streamed.scores.size,
        mismatched_bytes=difference.values,
        mismatched_images=difference.images,
        largest_difference=difference.largest,
        retries=streamed.retries,
        images_per_second=len(labels) / streamed.wall_seconds,
        seconds_per_image=_times(streamed.seconds),
        instructions_per_image=_instructions(streamed),
    )


def board_name(hello: Hello) -> str:
    """The board's own name as the name of a folder; "board" where it gives none."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in hello.board)
    return name or "board"


def _times(seconds: NDArray[np.float64]) -> dict[str, float] | None:
    if not np.isfinite(seconds).all():
        return None
    return {"mean": float(seconds.mean()), "min": float(seconds.min()), "max": float(seconds.max())}


def _instructions(streamed: Streamed) -> int | None:
    try:
        emulator = load_board(streamed.hello.board).emulator
    except BoardError:
        return None  # a board without a board file here: nothing is known of its timer
    if emulator is None or emulator.instructions_per_tick is None:
        return None
    return round(float(streamed.ticks.mean()) * emulator.instructions_per_tick)


def save(folder: Path, streaming: Streaming, streamed: Streamed) -> None:
    """Write stream.npz (scores and times of each image) and stream.json to a board's folder.

    Until both are written there is no stream.json. Raises InputError where the folder cannot be
    written.
    """
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        allow_pickle=False,
        scores=streamed.scores,
        seconds=streamed.seconds,
        ticks=streamed.ticks,
    )
    remove(folder / "stream.json")
    write_bytes(folder / "stream.npz", packed.getvalue())
    write_text(folder / "stream.json", json.dumps(streaming, indent=2) + "\n")


def check(streaming: Streaming) -> None:
    """Make sure that every byte of the board's scores is TFLM's.

    Raises CheckFailedError where one differs.
    """
    if streaming["mismatched_bytes"]:
        raise CheckFailedError(
            f"{streaming['board']} differs from TensorFlow Lite Micro in "
            f"{streaming['mismatched_bytes']} bytes of {streaming['mismatched_images']} images "
            f"(by at most {streaming['largest_difference']}). Compile, build and flash the model "
            "again; where it still differs, `glyphite verify` narrows it down."
        )


class RunningAccuracy:
    """The fraction of right answers so far; several threads may add answers."""

    def __init__(self, labels: NDArray[np.uint8]) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._answered = 0
        self._right = 0

    def add(self, index: int, answer: Answer) -> float:
        """Count the answer to image ``index``; returns the accuracy so far, 0 to 1."""
        with self._lock:
            self._answered += 1
            self._right += int(answer.scores.argmax() == self._labels[index])
            return self._right / self._answered
