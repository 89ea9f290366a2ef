"""A few samples for a board, and its answers: what crosses to another thread, process or machine.

Whoever works at a portion opens its board once and keeps it open for the next ones.
"""

import atexit
import dataclasses
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.manifest import Manifest
from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.session import Session, connect
from glyphite.host.device.trace import Passing
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire_port import Traffic
from glyphite.host.runners.base import Tensors

BAUD = 115200
IDLE_SECONDS = 5.0
"""After which a board that nobody asks is closed, where nobody says that the run is over."""

Expected = Callable[[Hello], float]
"""Seconds that an inference will take on the board of a hello; picklable."""


def _ignore(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class BoardAt:
    """A board to share samples with: its serial port or pyserial URL, and the model it holds."""

    url: str
    sha256: str | None = None
    """That of the model that the board has to hold; None takes any."""
    baud: int = BAUD
    manifest: Manifest | None = None
    """With it, the board's tensors have to be the model's, too."""
    named: str = "MODEL"
    """What a command calls the model."""
    expected: Expected | None = None

    def is_line_of(self, other: "BoardAt") -> bool:
        """Whether both are reached in the same way, for the same model."""
        return (self.url, self.sha256, self.baud) == (other.url, other.sha256, other.baud)


@dataclass(frozen=True)
class Portion:
    """Samples for a board."""

    number: int
    """No two of a run have the same, so none is taken for another."""
    board: BoardAt
    tensors: Tensors
    """(n, *shape)."""


@dataclass
class Answered:
    """What came of a portion."""

    host: str
    """The name of the machine that the board was opened on."""
    hello: Hello | None = None
    """None where the board did not say it."""
    answers: list[Answer] = field(default_factory=list)
    """To the first samples; to all of them where there is no ``failure``."""
    traffic: Traffic = field(default_factory=Traffic)
    repeats: Counter[Trouble] = field(default_factory=Counter)
    restarts: int = 0
    seconds: float = 0.0
    """From the first sample sent to the last answer."""
    notes: list[str] = field(default_factory=list)
    """What happened to the line."""
    failure: GlyphiteError | None = None


@dataclass(eq=False)
class _Open:
    """A board that is open."""

    board: BoardAt
    session: Session
    context: AbstractContextManager[Session]
    notify: Callable[[str], None] = _ignore
    since: float = 0.0
    """When it was last asked."""

    def close(self) -> None:
        with suppress(GlyphiteError, OSError):
            self.context.__exit__(None, None, None)


class OpenBoards:
    """Boards that stay open from one portion to the next; several threads may ask."""

    def __init__(self, idle_seconds: float | None = None, trace: Passing | None = None) -> None:
        self._trace = trace
        self._idle_seconds = idle_seconds
        self._idle: list[_Open] = []
        self._asked: list[_Open] = []
        self._lock = threading.Lock()
        self._stopped = False

    def answer(self, portion: Portion, notify: Callable[[str], None] | None = None) -> Answered:
        """Ask the board of ``portion``; what goes wrong with it is told, and not raised.

        ``notify`` gets at once what happens to the line; without it, the notes have it.
        """
        found = Answered(socket.gethostname())
        try:
            opened = self._take(portion.board, notify or found.notes.append)
        except GlyphiteError as error:
            found.failure = error
            return found
        session, before = opened.session, dataclasses.replace(opened.session.traffic)
        repeats, restarts, began = session.repeats.copy(), session.restarts, time.monotonic()
        try:
            found.hello = session.board
            for answer in session.answers(portion.tensors):
                found.answers.append(answer)
                if self._stopped:
                    break
        except GlyphiteError as error:
            found.failure = error
        except BaseException:
            self._give_up(opened)
            raise
        found.seconds, found.restarts = time.monotonic() - began, session.restarts - restarts
        found.traffic, found.repeats = session.traffic.since(before), session.repeats - repeats
        if found.failure is None:
            self._put_back(opened)
        else:
            self._give_up(opened)
        return found

    def close(self) -> None:
        """Close all boards, also one that is being asked, whose answers then end."""
        self._stopped = True
        with self._lock:
            boards, self._idle, self._asked = [*self._idle, *self._asked], [], []
        for opened in boards:
            opened.close()

    def _take(self, board: BoardAt, notify: Callable[[str], None]) -> _Open:
        """An idle board, or one that is opened now. Raises what :func:`connect` does."""
        with self._lock:
            at_port = [each for each in self._idle if each.board.url == board.url]
            fit = next((each for each in at_port if each.board.is_line_of(board)), None)
            leaving = [fit] if fit else at_port
            self._idle = [each for each in self._idle if each not in leaving]
            if fit is not None:
                self._asked.append(fit)
        if fit is not None:
            fit.notify = notify
            return fit
        for other in leaving:  # another model's, by whom the port is held
            other.close()
        opened: list[_Open] = []

        def tell(note: str) -> None:  # to whoever asks the board just then
            (opened[0].notify if opened else notify)(note)

        context = connect(
            board.url,
            board.sha256,
            baud=board.baud,
            manifest=board.manifest,
            named=board.named,
            expected=board.expected,
            notify=tell,
            trace=self._trace,
        )
        session = context.__enter__()
        session.traffic.waited = 0.0
        opened.append(_Open(board, session, context, notify))
        with self._lock:
            if not self._stopped:
                self._asked.append(opened[0])
                return opened[0]
        opened[0].close()
        raise GlyphiteError("The run has ended.")

    def _put_back(self, opened: _Open) -> None:
        with self._lock:
            if opened not in self._asked:  # closed meanwhile
                return
            self._asked.remove(opened)
            opened.since = time.monotonic()
            self._idle.append(opened)
        if self._idle_seconds is not None:
            timer = threading.Timer(1.1 * self._idle_seconds, self._close_idle)
            timer.daemon = True
            timer.start()

    def _give_up(self, opened: _Open) -> None:
        with self._lock:
            if opened in self._asked:
                self._asked.remove(opened)
        opened.close()

    def _close_idle(self) -> None:
        end = time.monotonic() - (self._idle_seconds or 0.0)
        with self._lock:
            over = [each for each in self._idle if each.since < end]
            self._idle = [each for each in self._idle if each.since >= end]
        for each in over:
            each.close()


class _Here:
    """The boards that this process has opened for portions from elsewhere."""

    boards: OpenBoards | None = None
    lock = threading.Lock()


def answer_here(portion: Portion) -> Answered:
    """Ask the board of ``portion`` from this process, which keeps it open for a while."""
    with _Here.lock:
        if _Here.boards is None:
            _Here.boards = OpenBoards(IDLE_SECONDS)
            atexit.register(_Here.boards.close)
    return _Here.boards.answer(portion)
