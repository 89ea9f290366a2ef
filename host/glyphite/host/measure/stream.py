"""Sends test images to a board, and compares its scores with TensorFlow Lite Micro's."""

import math
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import known_board
from glyphite.convert.documents import Date, now
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.manifest import Manifest, Sha256, Share
from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.session import connect
from glyphite.host.device.trace import Passing
from glyphite.host.device.transport import EMULATED
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire_port import Traffic
from glyphite.host.measure.compare import Images, TaskName
from glyphite.host.measure.doubt import doubt
from glyphite.host.measure.received import Received
from glyphite.host.measure.running import Firmware
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.times import OnBoard, clock_at
from glyphite.host.measure.truth import (
    Count,
    DataOf,
    ErrorFigures,
    Judgement,
    Task,
    Truth,
    classes_of,
)
from glyphite.host.measure.wire_use import Bound, Wire, bound_of
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.oracle import LONG, Reference

OnAnswer = Callable[[int, Answer], None]
"""Called with each image's index and answer as it arrives; with several boards, from threads."""

BAUD = 115200
UNKNOWN_CAUSE = (
    "Compile, build and flash the model again; where it still differs, `glyphite verify` narrows "
    "it down."
)


@dataclass(frozen=True)
class Link:
    """The board to stream to: a serial port or pyserial URL, and the model it has to hold."""

    url: str
    sha256: str
    baud: int = BAUD
    jobs: int = 1
    """The number of emulated boards that share the images."""
    manifest: Manifest | None = None
    """With it, the board's tensors have to be the model's, too."""
    named: str = "MODEL"
    """What a command calls the model."""
    firmware: Firmware | None = None
    """That of an emulated board, where it is known."""
    notify: Callable[[str], None] = lambda _: None
    """Gets sentences on what happens to the line."""
    expected: Callable[[Hello], float] | None = None
    """Seconds that an inference will take on the board of a hello."""
    trace: Passing | None = None
    """What gets the bytes that pass."""


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
    wire: Wire
    """What passed over the line; where the run was resumed, since then."""
    restarts: int = 0
    """How many restarts of the board were noticed."""
    doubt: str = ""
    """A sentence on why the board's times are not believed; empty where they are."""
    timed_by: str | None = None
    """Whose clock the times are by; None where they are an emulator's own."""


@dataclass(frozen=True)
class _Share:
    """What one board's part of a run was like."""

    hello: Hello
    traffic: Traffic
    repeats: Counter[Trouble]
    restarts: int


@dataclass(frozen=True)
class Judge:
    """What is right for the samples, and the scores that the board has to give."""

    runner: str
    """The name of the runner that gave the scores."""
    scores: Scores
    """(n, classes)."""
    truth: Truth


class Times(TypedDict):
    """The board's own time for an image, in seconds, of which a million are eleven days."""

    mean: Annotated[float, Meta(gt=0, le=1e6)]
    min: Annotated[float, Meta(ge=0, le=1e6)]
    """0 where the image took less than a tick."""
    max: Annotated[float, Meta(gt=0, le=1e6)]


class Streaming(Judgement):
    """The content of stream.json: the board's judgement, and what it is of."""

    model: str
    sha256: Sha256
    board: str
    port: str
    firmware: str
    """The program that answers, and its version, as the board tells them."""
    firmware_sha256: Sha256 | None
    """That of what its image stores on the board; None where it is not known."""
    goal: GoalName | None
    """What was asked of the compiler by ``--optimize``; None where it is not known."""
    date: Date
    baud: Annotated[int, Meta(ge=1)]
    jobs: Images
    """At most one for each image."""
    task: TaskName
    data: DataOf
    images: Images
    """Samples of the data."""
    scores: Count
    """Bytes that were compared: images times outputs."""
    reference: Reference
    """The runner whose bytes are the right ones."""
    reference_correct: Count | None
    """How many of the same samples it has right; this and the next are None without classes."""
    reference_accuracy: Share | None
    reference_error: ErrorFigures | None
    """Where there are no classes."""
    mismatched_bytes: Count
    """Bytes that differ from TensorFlow Lite Micro's."""
    mismatched_images: Count
    largest_difference: Count
    retries: Annotated[int, Meta(ge=0, le=1_000_000)]
    wire: Wire
    bound_by: Bound
    """What bounded the rate."""
    images_per_second: Annotated[float, Meta(gt=0, le=1e9)]
    seconds_per_image: Times | None
    """Mean, minimum and maximum of the board's own time; None where its rate is not known, and of
    an emulated board."""
    timed_by: OnBoard | None
    """Whose clock that is; None where there is no time."""
    instructions_per_image: Count | None
    """The mean, where the board's timer counts instructions, as its board file says."""


def stream(
    link: Link, tensors: Tensors, on_answer: OnAnswer, received: Received | None = None
) -> Streamed:
    """Send each of ``tensors`` (n, *shape) to the board, and call ``on_answer`` with each answer.

    ``received`` has each answer as soon as it is there, also where the run ends early; samples that
    it has an answer for are not sent. Raises InputError where several jobs are asked of a real
    board, a setting of an emulated one is wrong or an answer cannot be kept, PortError where the
    port cannot be opened, LinkError where a board does not answer, holds another model or answers
    wrongly, BoardError and ToolError where one cannot be emulated.
    """
    if link.jobs > 1 and not link.url.startswith(EMULATED):
        raise InputError(
            f"--jobs {link.jobs} starts as many emulated boards, and {link.url} is one board. "
            f"Leave --jobs out, or name a port that begins with {EMULATED}."
        )
    kept = received or Received(tensors)
    for index, answer in kept.sorted():
        on_answer(index, answer)
    missing = np.array(kept.missing(), np.int64)
    shares = np.array_split(missing, max(1, min(link.jobs, len(missing))))
    stop = threading.Event()

    def told(hello: Hello, index: int, answer: Answer) -> bool:
        kept.add(hello, index, answer, link.url)
        on_answer(index, answer)
        return not stop.is_set()

    def one(share: NDArray[np.int64]) -> _Share:
        try:
            return _stream_share(link, tensors, share, kept, told)
        except BaseException:
            stop.set()
            raise

    if len(shares) == 1:  # in this thread, which Ctrl-C then reaches while the board is silent
        return _joined(link, kept, [one(shares[0])])
    with ThreadPoolExecutor(len(shares)) as pool:
        try:
            parts = list(pool.map(one, shares))
        except BaseException:  # Ctrl-C comes here, to the main thread
            stop.set()
            raise
    return _joined(link, kept, parts)


def _stream_share(
    link: Link,
    tensors: Tensors,
    share: NDArray[np.int64],
    received: Received,
    told: Callable[[Hello, int, Answer], bool],
) -> _Share:
    """``told`` gets each answer, and says whether the run goes on."""
    with connect(
        link.url,
        link.sha256,
        baud=link.baud,
        manifest=link.manifest,
        named=link.named,
        expected=link.expected,
        notify=link.notify,
        trace=link.trace,
    ) as session:
        received.start()
        session.traffic.waited = 0.0
        for index, answer in zip(share, session.answers(tensors[share]), strict=False):
            if not told(session.board, int(index), answer):
                break
        received.end()
        return _Share(session.board, session.traffic, session.repeats, session.restarts)


def _joined(link: Link, received: Received, parts: list[_Share]) -> Streamed:
    """The answers of a board, or of several that ran at the same time, in the order of images."""
    answers = [answer for _, answer in received.sorted()]
    hello, repeats = parts[0].hello, sum((part.repeats for part in parts), Counter[Trouble]())
    return Streamed(
        hello,
        np.array([answer.scores for answer in answers]),
        np.array([answer.seconds for answer in answers], np.float64),
        np.array([answer.ticks for answer in answers], np.int64),
        max(received.elapsed_now, 1e-9),
        Wire(
            sent=sum(part.traffic.sent for part in parts),
            received=sum(part.traffic.received for part in parts),
            waited_seconds=sum(part.traffic.waited for part in parts),
            repeats={str(trouble): count for trouble, count in sorted(repeats.items())},
        ),
        sum(part.restarts for part in parts),
        doubt(link.url, hello, answers),
        clock_at(link.url, hello.board),
    )


def summarize(
    manifest: Manifest, link: Link, streamed: Streamed, judge: Judge, date: str = ""
) -> Streaming:
    """The figures of one run, which ended at ``date``; by default at this moment.

    Raises ValueError where the numbers of images or the types of the scores differ.
    """
    judged = judge.truth.judge(manifest, streamed.scores)
    expected = judge.truth.judge(manifest, judge.scores)
    count = judge.truth.count
    compared = streamed.scores.view(np.int8)
    difference = metrics.byte_differences(compared, judge.scores.view(np.int8))
    times = None if streamed.doubt or not streamed.timed_by else _times(streamed.seconds)
    return Streaming(
        model=manifest.name,
        sha256=manifest.sha256,
        board=board_name(streamed.hello),
        port=link.url,
        firmware=streamed.hello.firmware,
        firmware_sha256=link.firmware.sha256 if link.firmware else None,
        goal=link.firmware.goal if link.firmware else None,
        date=date or now(),
        baud=link.baud,
        jobs=min(link.jobs, count),
        task=judge.truth.task,
        data=judge.truth.data,
        images=count,
        **judged,
        scores=compared.size,
        reference=judge.runner,
        reference_correct=expected["correct"],
        reference_accuracy=expected["accuracy"],
        reference_error=expected["error"],
        mismatched_bytes=difference.values,
        mismatched_images=difference.images,
        largest_difference=difference.largest,
        retries=sum(streamed.wire["repeats"].values()),
        wire=streamed.wire,
        bound_by=bound_of(
            streamed.wire,
            streamed.wall_seconds,
            jobs=min(link.jobs, count),
            baud=None if link.url.startswith(EMULATED) else link.baud,
            computing=_computing(link, streamed),
        ),
        images_per_second=count / streamed.wall_seconds,
        seconds_per_image=times,
        timed_by=streamed.timed_by if times else None,
        instructions_per_image=_instructions(streamed),
    )


def _computing(link: Link, streamed: Streamed) -> float | None:
    """Seconds that a real board says it computed; None of an emulated one. 0 where it has no time
    that is believed."""
    if link.url.startswith(EMULATED):
        return None
    total = math.fsum(streamed.seconds)
    return 0.0 if streamed.doubt or not math.isfinite(total) else total


def board_name(hello: Hello) -> str:
    """The board's own name as the name of a folder; "board" where it gives none."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in hello.board)
    return name or "board"


def _times(seconds: NDArray[np.float64]) -> Times | None:
    if not np.isfinite(seconds).all():
        return None
    mean = math.fsum(seconds) / len(seconds)  # the same on every processor
    return {"mean": mean, "min": float(seconds.min()), "max": float(seconds.max())}


def _instructions(streamed: Streamed) -> int | None:
    board = known_board(streamed.hello.board)  # of any other, nothing is known of its timer
    emulator = board.emulator if board else None
    if streamed.doubt or not streamed.hello.timer_hz:
        return None
    if emulator is None or emulator.instructions_per_tick is None:
        return None
    return round(float(streamed.ticks.mean()) * emulator.instructions_per_tick)


def check(streaming: Streaming, cause: str = "") -> None:
    """Make sure that every byte of the board's scores is that of the reference.

    ``cause``: the sentence on the cause and the way out, where they are known. Raises
    CheckFailedError where one differs.
    """
    if streaming["mismatched_bytes"]:
        raise CheckFailedError(
            f"{streaming['board']} differs from {LONG[streaming['reference']]} in "
            f"{streaming['mismatched_bytes']} bytes of {streaming['mismatched_images']} images "
            f"(by at most {streaming['largest_difference']}). {cause or UNKNOWN_CAUSE}"
        )


class RunningAccuracy:
    """The fraction of right answers so far, where there are classes; several threads may add."""

    def __init__(self, manifest: Manifest, truth: Truth) -> None:
        self._manifest = manifest
        self._labels = truth.labels if truth.task is Task.CLASSES else None
        self._lock = threading.Lock()
        self._answered = 0
        self._right = 0

    def add(self, index: int, answer: Answer) -> float | None:
        """Count the answer to sample ``index``; returns the accuracy so far, 0 to 1."""
        if self._labels is None:
            return None
        given = classes_of(self._manifest, answer.scores[np.newaxis])[0]
        with self._lock:
            self._answered += 1
            self._right += int(given == self._labels[index])
            return self._right / self._answered
