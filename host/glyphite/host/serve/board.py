"""The board behind the page, in a thread of its own, which connects again whenever it was away."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import serial

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.manifest import Manifest
from glyphite.host.device.session import Session
from glyphite.host.device.transport import open_port
from glyphite.host.device.wire.messages import Hello
from glyphite.host.serve.messages import BoardState
from glyphite.host.serve.messages import State as StateName
from glyphite.host.serve.turns import Job, Turns

LOOK_SECONDS = 2.0
"""Between two hellos where nobody asks: so soon a board that was pulled away is missed."""
AGAIN_SECONDS = 1.0
"""Between two tries to connect again."""
GIVE_UP = 3.0
"""Seconds without an answer after which the line is opened anew."""
HELLO_SECONDS = 10.0
GONE_SECONDS = 60.0
"""After so long, the page says that the board will not come back by itself."""
END_SECONDS = 5.0


class Board(threading.Thread):
    """Asks the board at ``url`` what browsers want to know, and says how it stands with it.

    ``told`` is called, in this thread, with each new state.
    """

    def __init__(
        self,
        url: str,
        baud: int,
        manifest: Manifest,
        named: str,
        *,
        turns: Turns,
        told: Callable[[BoardState], None],
    ) -> None:
        super().__init__(name="board", daemon=True)
        self.turns = turns
        self.hello: Hello | None = None
        """What the board said of itself last."""
        self.failure: BaseException | None = None
        """Why the first try to connect failed: this thread ends then."""
        self._url, self._baud, self._named = url, baud, named
        self._manifest, self._told = manifest, told
        self._port: serial.SerialBase | None = None
        self._job: Job | None = None
        self._ending, self._first = threading.Event(), threading.Event()
        self.state = self._described("connecting", f"Connecting to the board on {url}.")

    def begin(self) -> None:
        """Connect. Raises what opening a port does, and LinkError as a session's hello does."""
        self.start()
        self._first.wait()
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """Close the port, and end the thread."""
        self._ending.set()
        self.turns.dismiss()
        if not self.is_alive():
            return
        self.join(LOOK_SECONDS / 2)
        if self.is_alive() and self._port is not None:
            with suppress(Exception):  # it may be closed by its own thread just now
                self._port.close()
        self.join(END_SECONDS)

    def answers(self) -> bool:
        """Whether the board answers now."""
        return self.state.state == "connected"

    def run(self) -> None:
        """Until :meth:`end`: connect, answer, and connect again."""
        lost = 0.0
        while not self._ending.is_set():
            try:
                self._session()
            except GlyphiteError as error:
                now = time.monotonic()
                lost = now if self.answers() or not lost else lost
                self._failed(error, gone=now - lost > GONE_SECONDS)
            except Exception as error:  # such as of an adapter's driver
                self._failed(error, gone=False)
            if not self._first.is_set():
                self._first.set()
                return
            self._ending.wait(AGAIN_SECONDS)

    def _session(self) -> None:
        """One time from the board's coming to its going."""
        self._port = port = open_port(self._url, self._baud)
        try:
            session = Session(
                port,
                HELLO_SECONDS,
                manifest=self._manifest,
                named=self._named,
                give_up=GIVE_UP,
                notify=self._away,
            )
            self.hello = session.hello()
            self._tell("connected", f"Connected to {self.hello.board} on {self._url}.")
            self._first.set()
            while not self._ending.is_set():
                self._job = self.turns.next(LOOK_SECONDS)
                if self._ending.is_set():
                    return
                if self._job is None:
                    self.hello = session.hello()
                else:
                    self._job.settle(session.ask(self._job.tensor))
                    self._job = None
                self._back()
        finally:
            self._port = None
            with suppress(OSError, serial.SerialException):
                port.close()

    def _away(self, text: str) -> None:
        """The session says that the line broke, or is back."""
        if not text.endswith(" is back."):
            self._lose("reconnecting", text)

    def _back(self) -> None:
        if not self.answers() and self.hello is not None:
            self._tell("connected", f"Connected to {self.hello.board} on {self._url}.")

    def _failed(self, error: BaseException, *, gone: bool) -> None:
        if self._ending.is_set():
            return
        if not self._first.is_set():
            self.failure = error
        text = str(error) if isinstance(error, GlyphiteError) else f"The line failed ({error})."
        self._lose("gone" if gone else "reconnecting", text)

    def _lose(self, state: StateName, text: str) -> None:
        """Let nobody wait for a board that is away."""
        self._tell(state, text)
        if self._job is not None:
            self._job.settle(None)
        self.turns.dismiss()

    def _tell(self, state: StateName, text: str) -> None:
        self.state = self._described(state, text)
        self._told(self.state)

    def _described(self, state: StateName, text: str) -> BoardState:
        name = self.hello.board if self.hello else ""
        return BoardState(state, text, name, self._manifest.name, self._manifest.sha256)
