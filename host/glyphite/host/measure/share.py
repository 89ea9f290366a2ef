"""Shares samples among boards, in small portions, so that a faster board takes more of them.

Portions go to boards through executors of the standard library's interface. Where a board is lost,
the others get what it has not answered.
"""

import queue
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from glyphite.convert.beside import Beside
from glyphite.convert.errors import GlyphiteError, InputError, LinkError
from glyphite.convert.text import MOST_OF_A_LINE, counted, printable
from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.trace import Passing
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire_port import Traffic
from glyphite.host.measure.portion import Answered, BoardAt, OpenBoards, Portion, answer_here
from glyphite.host.runners.base import Tensors

PORTION_SECONDS = 0.4
"""How long a board should take for a portion: what a kill loses, and what the last one waits."""
GROWTH = 4
"""So many times the portion before, a portion may be."""
LOOK_SECONDS = 0.5
"""The longest wait for an answer in one go, so that Ctrl-C is heard on every system."""
SILENT_SECONDS = 180.0
"""After which a portion that an executor was given is nobody's: longer than any board is awaited
for, beside the time that its inferences take."""
AT = " at "
"""Between a port and the machine that has it, where that is another one."""


def url_of(port: str) -> str:
    """The URL of a port, which may be on another machine."""
    return port.partition(AT)[0]


@dataclass
class Part:
    """What the boards at one port did in a run."""

    port: str
    """The URL, and behind AT the machine, where that is another one."""
    boards: int = 0
    """How many answered; several only where they are emulated."""
    answered: int = 0
    """Samples in this run."""
    hello: Hello | None = None
    traffic: Traffic = field(default_factory=Traffic)
    repeats: Counter[Trouble] = field(default_factory=Counter)
    restarts: int = 0
    asked_seconds: float = 0.0
    """In which a board had a portion, summed over the boards."""
    lost: list[str] = field(default_factory=list)
    """A sentence for each board that was lost: why."""


@dataclass(frozen=True)
class Shared:
    """What came of a run."""

    answers: dict[int, Answer]
    """By the sample's index."""
    parts: list[Part]
    """In the order of the boards."""
    none: Tensors
    """(0, values): the scores where nothing was sent."""

    @property
    def scores(self) -> Tensors:
        """(n, values): the first output for each sample that was sent."""
        if not self.answers:
            return self.none
        return np.array([answer.scores for _, answer in sorted(self.answers.items())])


OnShared = Callable[[Part, int, Answer], None]
"""Called with whose answer it is, the sample's index and the answer, in the caller's thread."""


def _ignore(*_: object) -> None:
    """Tell nobody."""


class OwnThread(Executor):
    """One thread, in order; unlike those of the library, it does not hold the program's end up
    while a board is silent. Raises MemoryError where there is no memory for a thread."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        Beside(self._run)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Have ``fn`` called behind what was asked before."""
        future: Future[Any] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        self._work.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the thread end behind what was asked before; nobody waits for that."""
        self._work.put(None)

    def _run(self) -> None:
        while (call := self._work.get()) is not None:
            call()


Submit = Callable[[Portion], "Future[Answered]"]


@dataclass(eq=False)
class _Slot:
    """A board as the sharing sees it: it has one portion at a time."""

    board: BoardAt
    submit: Submit
    is_elsewhere: bool
    """Whether its executor is the caller's, which may forget a portion."""
    part: Part | None = None
    """Of the last answers; None before the first."""
    indices: list[int] = field(default_factory=list)
    """Of the portion that it has."""
    future: Future[Answered] | None = None
    given: float = 0.0
    """When it got it, by the monotonic clock."""
    done: int = 0
    """Answers to the portion before."""
    rate: float = 0.0
    """Samples a second of the portion before."""
    lost_by: GlyphiteError | None = None

    def size(self, left: int, boards: int) -> int:
        """Samples for its next portion, where ``boards`` share the ``left`` ones: the end should
        find them all at work."""
        if not self.rate:
            return 1
        wanted = min(GROWTH * self.done, int(self.rate * PORTION_SECONDS))
        return max(1, min(wanted, -(-left // (2 * boards))))

    def overdue(self) -> bool:
        """Whether its executor should have said something."""
        own = 20.0 * len(self.indices) / self.rate if self.rate else 0.0
        return time.monotonic() - self.given > SILENT_SECONDS + own


def share(
    boards: Sequence[BoardAt],
    samples: Tensors,
    told: OnShared = _ignore,
    *,
    executors: Executor | Sequence[Executor] | None = None,
    indices: Iterable[int] | None = None,
    notify: Callable[[str], None] = _ignore,
    trace: Passing | None = None,
) -> Shared:
    """The answers to ``samples`` (n, *shape), or to those of ``indices`` alone, of whichever board.

    ``executors``: one for all boards, or one for each; by default, each has a thread of this
    program. One of another process or machine opens the port there, on whatever worker it has.
    ``notify`` gets sentences on what happens to boards and lines, ``trace`` the bytes that pass the
    ports of this program. Raises InputError where there are no ``boards``, and what opening raises
    where a port cannot be what is meant; where no board is left, what the last one was lost by.
    """
    if not boards:
        raise InputError("Samples are to be shared among no boards. Name one or more.")
    left = deque(range(len(samples)) if indices is None else indices)
    opened, threads = OpenBoards(trace=trace), list[OwnThread]()
    if executors is None:
        threads = [OwnThread() for _ in boards]
        submits = [_here(thread, opened, notify) for thread in threads]
    else:
        each = [executors] * len(boards) if isinstance(executors, Executor) else executors
        submits = [_elsewhere(executor) for executor in each]
    slots = [
        _Slot(board, submit, not threads) for board, submit in zip(boards, submits, strict=True)
    ]
    run = _Run(slots, samples, left, told, notify)
    try:
        run.work()
    finally:
        opened.close()
        for slot in slots:
            if slot.future is not None:
                slot.future.cancel()
        for thread in threads:
            thread.shutdown()
    return Shared(run.answers, run.parts(), _no_scores(boards, run.parts()))


def _no_scores(boards: Sequence[BoardAt], parts: Sequence[Part]) -> Tensors:
    """(0, values) of the first output, as the model is described or a board tells it."""
    for board in boards:
        if board.manifest is not None:
            output = board.manifest.output
            return np.empty((0, prod(output.shape[1:])), output.dtype)
    for part in parts:
        if part.hello is not None and part.hello.outputs:
            told = part.hello.outputs[0]
            return np.empty((0, told.bytes // told.dtype.itemsize), told.dtype)
    return np.empty((0, 0))


def _here(thread: OwnThread, opened: OpenBoards, notify: Callable[[str], None]) -> Submit:
    return lambda portion: thread.submit(opened.answer, portion, notify)


def _elsewhere(executor: Executor) -> Submit:
    return lambda portion: executor.submit(answer_here, portion)


class _Run:
    """Who has which samples, and what came of them."""

    def __init__(
        self,
        slots: Sequence[_Slot],
        samples: Tensors,
        left: deque[int],
        told: OnShared,
        notify: Callable[[str], None],
    ) -> None:
        self.answers: dict[int, Answer] = {}
        self._slots = slots
        self._samples = samples
        self._left = left
        self._told = told
        self._notify = notify
        self._parts: dict[str, Part] = {}
        self._given = 0
        self._host = socket.gethostname()

    def parts(self) -> list[Part]:
        """In the order of the boards."""
        urls = [slot.board.url for slot in self._slots]
        return sorted(self._parts.values(), key=lambda part: urls.index(url_of(part.port)))

    def work(self) -> None:
        """Until all is answered."""
        if not len(self._samples) and all(slot.board.manifest is None for slot in self._slots):
            self._give(self._slots[0], 1)  # nothing: for its hello, which tells of the outputs
        while True:
            alive = [slot for slot in self._slots if slot.lost_by is None]
            for slot in alive:
                if slot.future is None and self._left:
                    self._give(slot, len(alive))
            asked = {slot.future: slot for slot in self._slots if slot.future is not None}
            if not asked and not self._left:
                return
            if not asked:
                raise self._none_left()
            done, _ = wait(asked, LOOK_SECONDS, FIRST_COMPLETED)
            for future, slot in asked.items():
                if future in done:
                    self._take(slot, future)
                elif slot.is_elsewhere and slot.overdue():
                    future.cancel()
                    self._lose(slot, LinkError("Its executor says nothing any more."))

    def _give(self, slot: _Slot, boards: int) -> None:
        size = min(slot.size(len(self._left), boards), len(self._left))
        slot.indices = [self._left.popleft() for _ in range(size)]
        slot.given = time.monotonic()
        self._given += 1
        portion = Portion(self._given, slot.board, self._samples[slot.indices])
        try:
            slot.future = slot.submit(portion)
        except Exception as error:  # an executor that is broken or shut down
            self._lose(slot, error)

    def _take(self, slot: _Slot, future: "Future[Answered]") -> None:
        """Take what came of a portion. Raises what makes a port another than was meant."""
        try:
            answered = future.result()
        except MemoryError:
            raise
        except (Exception, CancelledError) as error:  # whatever an executor fails by
            self._lose(slot, error)
            return
        for note in answered.notes:
            self._notify(note)
        if answered.hello is not None:
            self._count(slot, answered, answered.hello)
        if answered.failure is not None:
            if slot.part is None and answered.failure.exit_code == InputError.exit_code:
                raise answered.failure
            self._lose(slot, answered.failure)
            return
        slot.rate = slot.done / max(answered.seconds, 1e-6)
        slot.future, slot.indices = None, []

    def _count(self, slot: _Slot, answered: Answered, hello: Hello) -> None:
        part = self._part_of(slot, answered.host)
        part.hello = hello
        if slot.part is not part and answered.answers:
            part.boards += 1
            slot.part = part
        part.repeats += answered.repeats
        part.restarts += answered.restarts
        part.asked_seconds += answered.seconds
        part.traffic.sent += answered.traffic.sent
        part.traffic.received += answered.traffic.received
        part.traffic.waited += answered.traffic.waited
        part.traffic.delayed += answered.traffic.delayed
        count = len(answered.answers)
        ready, slot.indices = slot.indices[:count], slot.indices[count:]
        part.answered += count
        for index, answer in zip(ready, answered.answers, strict=True):
            self.answers[index] = answer
            self._told(part, index, answer)
        slot.done = count

    def _part_of(self, slot: _Slot, host: str) -> Part:
        url = slot.board.url
        port = url if host == self._host else f"{url}{AT}{host}"
        return self._parts.setdefault(port, Part(port))

    def _lose(self, slot: _Slot, error: BaseException) -> None:
        """The others get what the board of ``slot`` has not answered."""
        if isinstance(error, GlyphiteError):
            slot.lost_by = error
        else:
            said = printable(f"{type(error).__name__}: {error}", MOST_OF_A_LINE)
            slot.lost_by = LinkError(f"The executor of {slot.board.url} failed ({said}).")
            slot.lost_by.__cause__ = error
        part = slot.part or self._part_of(slot, self._host)
        part.lost.append(str(slot.lost_by))
        self._left.extendleft(reversed(slot.indices))
        slot.future, slot.indices = None, []
        if any(other.lost_by is None for other in self._slots):
            self._notify(
                f"The board on {part.port} was lost after {counted(part.answered, 'answer')}: "
                f"{slot.lost_by} The others take its samples."
            )

    def _none_left(self) -> GlyphiteError:
        last = next(slot.lost_by for slot in reversed(self._slots) if slot.lost_by is not None)
        return last if len(self._slots) == 1 else type(last)(f"No board is left. {last}")
