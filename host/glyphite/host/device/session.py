"""A session with a board: hello, then inferences, each repeated until it is answered."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from secrets import randbelow
from threading import Lock
from typing import Any

import numpy as np
import serial
from numpy.typing import NDArray

from glyphite.convert.errors import InputError, LinkError
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device import verdicts
from glyphite.host.device.course import Course, seconds_of
from glyphite.host.device.greeting import Greeting
from glyphite.host.device.pipeline import LAST_ID, Pipeline, RefusedError, Request, Trouble
from glyphite.host.device.tensors import ensure_taken, outputs_of
from glyphite.host.device.trace import Passing
from glyphite.host.device.transport import open_port
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire_port import LineBrokeError, Traffic, WirePort

TIMEOUT = 10.0
"""Seconds to wait for the first hello, and at the least for the first inference."""

GIVE_UP = 30.0
"""Seconds without any answer after which a board that says hello is given up, and in which a port
that went away may come back."""

LEAST_PATIENCE = 0.1
"""The shortest time in seconds to wait for an answer: this PC may pause, too."""

BITS_PER_BYTE = 11
"""Bits on the line per byte: start, eight data bits, stop, and one to spare."""

RESTARTS = 3
"""After so many restarts without an answer, the model's run is what restarts the board."""

ODD_INPUTS = 3
"""After so many answers in a row to another input than was sent, it is what the board computes."""

SLOWER_ENGINE = 8.0
"""So many times what is foretold of compiled C, an interpreter may take."""

ODD_LENGTHS = 3
"""After so many answers in a row of another length than the model's, they are what it sends."""

FIRST_LEAST = 3.0
"""Seconds to wait at the least for the first inference where its time is foretold."""

MISSES = 3
"""After so many requests in a row that a board which says hello neither answers nor calls damaged,
and at least MISSED_SECONDS, no later one is answered."""

MISSED_SECONDS = 5.0


def _ignore(_: str) -> None:
    """Tell nobody."""


def first_id() -> int:
    """The id before that of a session's first request: seldom that of another session."""
    return randbelow(LAST_ID + 1)


class Session:
    """Sends requests to the board at an open port and receives its answers; a Runner.

    ``timeout``: seconds to wait for hello, and at least for the first inference where its time is
    not foretold; else TIMEOUT. Later requests are repeated sooner, as the time that the board takes
    is known then. ``sha256``: that of the model that the board has to hold; ``manifest``: the whole
    description of that model; ``named``: what a command calls it. ``expected``: seconds that an
    inference will take on the board of a hello, where that is foretold. ``give_up``: seconds
    without an answer after which the board is given up, and in which a port that went away may come
    back; else GIVE_UP. ``notify`` gets sentences on what happens to the line, and ``trace`` the
    bytes that pass it. Raises InputError where a wait cannot be.
    """

    def __init__(
        self,
        port: serial.SerialBase,
        timeout: float | None = None,
        *,
        sha256: str | None = None,
        manifest: Manifest | None = None,
        named: str = "MODEL",
        expected: Callable[[Hello], float] | None = None,
        give_up: float | None = None,
        notify: Callable[[str], None] = _ignore,
        trace: Passing | None = None,
    ) -> None:
        self.timeout = seconds_of("timeout", timeout, TIMEOUT)
        self.give_up = seconds_of("give_up", give_up, GIVE_UP)
        self.repeats: Counter[Trouble] = Counter()
        """How many requests were sent again, by why."""
        self._wire = WirePort(port, self.timeout, trace)
        self._greeting = Greeting(self._wire, sha256, manifest, named)
        self._expected, self._foretold = expected, 0.0
        self._notify = notify
        self._request = first_id()
        self._slowest: float | None = None
        self._pipeline: Pipeline | None = None
        self._asking = Lock()
        self._closed = False

    def close(self) -> None:
        """Ask the board no more."""
        self._closed = True

    @property
    def name(self) -> str:
        """The key of a board among the runners."""
        return "board"

    @property
    def url(self) -> str:
        """The port's name, for messages."""
        return self._wire.name

    @property
    def board(self) -> Hello:
        """What the board said of itself at the last hello; it is asked where there was none."""
        return self._greeting.told or self.hello()

    @property
    def restarts(self) -> int:
        """How many restarts of the board were noticed."""
        return self._greeting.restarts

    @property
    def retries(self) -> int:
        """How many requests were sent again."""
        return self.repeats.total()

    @property
    def traffic(self) -> Traffic:
        """What passed over the line so far."""
        return self._wire.traffic

    def hello(self) -> Hello:
        """Send hello until the board answers with its description.

        The board then forgets its last answer, so this comes first. Raises LinkError where the
        board does not answer in time, tells what cannot be, has another version of the protocol or
        another model than the session is for, or is another board than before; and where the line
        breaks.
        """
        pipeline = self._pipeline
        if self._greeting.told is None or pipeline is None:
            return self._greeting.say(self.timeout)
        return self._ask_who(pipeline)

    def _ask_who(self, pipeline: Pipeline, *, opened: bool = False) -> Hello:
        patience = max(self.give_up, self._longest)

        def take(message: bytes) -> None:
            self._take(pipeline, message)

        return self._greeting.say(patience, take, opened=opened)

    def run(
        self, *inputs: NDArray[Any], progress: Progress = ignore_progress
    ) -> tuple[NDArray[Any], ...]:
        """What each output gives (n, values), flat and of its type; as :meth:`answers` does."""
        results = []
        for answer in self.answers(*inputs):
            results.append(answer.outputs)
            progress(1)
        if not results:
            return tuple(np.empty((0, tensor.bytes // tensor.dtype.itemsize), tensor.dtype)
                         for tensor in self.board.outputs)  # fmt: skip
        return tuple(map(np.array, zip(*results, strict=True)))

    def infer(self, samples: NDArray[Any], progress: Progress = ignore_progress) -> NDArray[Any]:
        """The scores (n, values) of the model's first output for ``samples`` (n, *shape).

        ``progress`` is called with 1 after each sample. Raises what :meth:`answers` does.
        """
        return self.run(samples, progress=progress)[0]

    def ask(self, *tensors: NDArray[Any]) -> Answer:
        """The board's answer to one sample: a tensor for each of the model's inputs.

        Raises what :meth:`answers` does.
        """
        (answer,) = self.answers(*(tensor[np.newaxis] for tensor in tensors))
        return answer

    def answers(self, *inputs: NDArray[Any]) -> Iterator[Answer]:
        """The answer to each of n samples in order, as it arrives. ``inputs``: (n, *shape) for each
        of the model's inputs.

        The next samples travel while the board computes, as far as its receive buffer holds them.
        Says hello first where nobody has, and again where a request went unanswered or other bytes
        came: the board may have been reset or changed. Raises InputError where ``inputs`` are not
        of the board's input shapes and types, or another call of this has not given all its answers
        yet; LinkError where the board does not answer, refuses,
        received other tensors, answers with what is no output of its model, or is another board
        now, or the line breaks and does not come back.
        """
        if self._closed:
            raise LinkError(
                f"The session with the board on {self.url} is over. Ask within the block of "
                "`with connect(...)`."
            )
        if not self._asking.acquire(blocking=False):
            raise InputError(
                f"The session with the board on {self.url} is giving answers already, and these "
                "would be mixed with them. Take all of those first, or close their iterator."
            )
        try:
            yield from self._answers(*inputs)
        finally:
            self._asking.release()

    def _answers(self, *inputs: NDArray[Any]) -> Iterator[Answer]:
        ensure_taken(self.url, self.board, inputs)
        if self._expected is not None:
            self._foretold, self._expected = self._expected(self.board), None
        samples = zip(*inputs, strict=True)
        pipeline = Pipeline(self.board, self._request, self.repeats)
        self._pipeline = pipeline
        course, broken = Course(self._wire.now()), None
        try:
            while True:
                while pipeline.has_room and (sample := next(samples, None)) is not None:
                    pipeline.add(b"".join(tensor.tobytes() for tensor in sample))
                    self._request = pipeline.last_id
                if not pipeline.waits:
                    return
                try:
                    if broken is not None:
                        self._wire.open_again(broken, self.give_up, self._notify)
                        self._ask_again(pipeline, course, Trouble.BROKEN)
                    broken = None
                    self._advance(pipeline, course)
                except LineBrokeError as error:
                    broken = error
                except RefusedError as error:
                    raise LinkError(verdicts.refusal(self.url, self.board, error.status)) from error
                for request in pipeline.finished():
                    yield self._answer(request, self._wire.now() - request.begun)
                    course.progress = course.since = self._wire.now()  # who asked may have paused
        finally:
            self._pipeline = None

    def _advance(self, pipeline: Pipeline, course: Course) -> None:
        """Send what may be sent, take what comes, and mend what went wrong."""
        self._wire.write(pipeline.to_send(self._wire.now()))
        for message in self._wire.messages(wait=not pipeline.may_send):
            if self._take(pipeline, message):
                now = self._wire.now()
                self._slowest = max(self._slowest or 0.0, now - course.since)
                course.answered(now)
        damaged = (self._wire.reader.damaged or self._wire.stuck) and pipeline.waits
        trouble = pipeline.trouble or (Trouble.DAMAGED if damaged else None)
        if trouble is None and self._wire.left(self._overdue_at(pipeline, course)) <= 0:
            trouble = Trouble.OVERDUE
            course.overdue += 1
        if trouble is not None:
            self._ask_again(pipeline, course, trouble)
        elif self._wire.reader.damaged:
            self.hello()

    def _take(self, pipeline: Pipeline, message: bytes) -> bool:
        answered = pipeline.take(message)
        self._greeting.ran += answered
        if len(pipeline.odd_lengths) >= ODD_LENGTHS:
            raise LinkError(verdicts.another_length(self.url, pipeline.odd_lengths[-1]))
        if len(pipeline.odd_inputs) >= ODD_INPUTS:
            raise LinkError(verdicts.another_input(self.url, *pipeline.odd_inputs[-1]))
        return answered

    def _ask_again(self, pipeline: Pipeline, course: Course, trouble: Trouble) -> None:
        """Make sure that it is the same board, and send again all that has no answer.

        What it was sent before hello it answers before hello, or never.
        """
        patience = max(self.give_up, self._longest)
        if self._wire.left(course.progress + patience) <= 0:
            ran = max(self._greeting.ran, pipeline.answered)
            raise LinkError(verdicts.unanswered(self.url, patience, ran, trouble))
        course.since = self._wire.now()
        if trouble is Trouble.CORRUPT:
            course.missed = 0
            pipeline.go_on()
            return
        asked, answered, ran = pipeline.asked, pipeline.answered, self._greeting.ran
        pipeline.break_off()
        told = self._ask_who(pipeline, opened=trouble is Trouble.BROKEN)
        if pipeline.answered > answered:
            course.answered(self._wire.now())
        text = self._greeting.heard
        self._hold_lengths(pipeline, course)
        missed = trouble is Trouble.OVERDUE and asked and not self._greeting.damaged
        missed = missed and told.inferences == ran and pipeline.answered == answered
        course.missed = course.missed + 1 if missed else 0
        if course.missed >= MISSES and self._wire.left(course.progress + MISSED_SECONDS) <= 0:
            waited = self._wire.now() - course.progress
            raise LinkError(verdicts.unanswered(self.url, waited, told.inferences, trouble))
        if trouble is not Trouble.BROKEN and told.inferences < max(ran, 1 if text else 0):
            trouble = Trouble.RESTART
            course.restarts += asked  # else it did not while it computed
        elif text:
            course.texts += asked
        if max(course.restarts, course.texts) >= RESTARTS:
            again = course.restarts >= RESTARTS
            raise LinkError(verdicts.restarts(self.url, RESTARTS, text, again=again))
        pipeline.go_back(trouble)
        course.since = self._wire.now()

    def _hold_lengths(self, pipeline: Pipeline, course: Course) -> None:
        """Raise LinkError where what comes in place of answers is longer than any frame."""
        reader = self._wire.reader
        course.overlong += bool(reader.overlong)
        if course.overlong >= ODD_LENGTHS:
            found = pipeline.of_length(reader.overlong)
            raise LinkError(verdicts.another_length(self.url, found))
        reader.overlong = 0

    @property
    def _longest(self) -> float:
        """Seconds that the first inference may take."""
        first = self.timeout
        if self._foretold:
            first = max(min(first, FIRST_LEAST), SLOWER_ENGINE * self._foretold)
        return max(first, 4.0 * (self._slowest or 0.0))

    def _overdue_at(self, pipeline: Pipeline, course: Course) -> float:
        """When an answer is overdue: after the time of the line, and four times the board's.

        Later after each try that was not answered: a bootloader may have taken it.
        """
        on_the_line = 2.0 * pipeline.in_flight * BITS_PER_BYTE / self._wire.baud
        own = self._longest
        if self._slowest is not None:
            usual = max(LEAST_PATIENCE, 4.0 * self._slowest)
            own = min(own, usual * 1.5 ** min(course.overdue, 20))
        return course.since + on_the_line + own

    def _answer(self, request: Request, wall: float) -> Answer:
        """The answer in a request's reply, after a check that it may be believed."""
        reply = request.reply
        if reply is None:
            raise LinkError(f"A request to {self.url} has no answer yet. Report this.")
        timer_hz = self.board.timer_hz
        seconds = reply.ticks / timer_hz if timer_hz else math.nan
        outputs = outputs_of(self.url, self.board, reply)
        return Answer(outputs, reply.input_crc, seconds, reply.ticks, wall)


@contextmanager
def connect(
    url: str,
    sha256: str | None = None,
    timeout: float | None = None,
    baud: int = 115200,
    *,
    manifest: Manifest | None = None,
    named: str = "MODEL",
    expected: Callable[[Hello], float] | None = None,
    notify: Callable[[str], None] = _ignore,
    trace: Passing | None = None,
) -> Iterator[Session]:
    """Open the port ``url``, say hello, and yield the session; the port is closed after the block.

    Raises PortError where the port cannot be opened; LinkError where the board does not answer, has
    another version of the protocol, or another model than that of ``sha256`` or ``manifest``, if
    one is given, which a command calls ``named``. For an emulated board, also InputError where a
    setting in ``url`` is wrong, BoardError where there is no such board, ToolError where its
    emulator is not installed. ``expected``, ``notify`` and ``trace``: as of
    :class:`Session`.
    """
    port = open_port(url, baud)
    try:
        session = Session(
            port,
            timeout,
            sha256=sha256,
            manifest=manifest,
            named=named,
            expected=expected,
            notify=notify,
            trace=trace,
        )
        session.hello()
        try:
            yield session
        finally:
            session.close()
    finally:
        port.close()
