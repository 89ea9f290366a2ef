"""The bytes that go to and come from an emulated board, by threads.

No system can wait for a pipe in all the ways that another can: Windows has no ``select`` for one.
So a thread waits for bytes of the board, and another for the board to take those of this PC.
"""

import os
import queue
import time
from contextlib import suppress

from glyphite.convert.beside import Beside

_PIECE_BYTES = 1 << 16
_PIECES = 64
"""Of what the board has not taken yet, at most so many writes are kept."""
_CLOSE_SECONDS = 1.0


class Line:
    """Two open files: one that a board writes, one that it reads. They may be the same.

    Both are closed by :meth:`close`, behind the board's own end. Raises MemoryError where there is
    none for the threads; both are closed then, too.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._leaving: queue.Queue[bytes] = queue.Queue(_PIECES)
        self._waiting = b""
        self._ended = False
        self._files = {reading, writing}
        self._threads: list[Beside] = []
        try:
            self._threads.append(Beside(lambda: self._receive(reading)))
            self._threads.append(Beside(lambda: self._send(writing)))
            for thread in self._threads:
                thread.require_begun()
        except BaseException:
            self.close()
            raise

    @property
    def in_waiting(self) -> int:
        """The number of bytes that have arrived and were not read."""
        while not self._arrived.empty():
            self._take(0.0)
        return len(self._waiting)

    def read(self, size: int, seconds: float | None) -> bytes:
        """``size`` bytes, or those that arrive within ``seconds``; None waits for all of them.

        Fewer where the board has ended.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while len(self._waiting) < size and not self._ended:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not self._take(left):
                break
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken

    def write(self, data: bytes, seconds: float | None) -> bool:
        """Send ``data``; whether the board took enough of what came before within ``seconds``."""
        try:
            if data:  # no bytes are how the line ends
                self._leaving.put(data, timeout=seconds)
        except queue.Full:
            return False
        return True

    def drop(self) -> None:
        """Forget what has arrived."""
        self._waiting = self._waiting[self.in_waiting :]

    def close(self) -> None:
        """Close both files, once the threads have left them."""
        with suppress(queue.Full):
            self._leaving.put_nowait(b"")
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        while self._files:
            with suppress(OSError):
                os.close(self._files.pop())

    def _take(self, seconds: float | None) -> bool:
        """Add what arrives next to what waits; False where nothing comes in time."""
        try:
            piece = self._arrived.get(timeout=seconds)
        except queue.Empty:
            return False
        self._waiting += piece
        self._ended = self._ended or not piece
        return True

    def _receive(self, reading: int) -> None:
        try:
            with suppress(OSError):  # a terminal whose other end is closed
                while piece := os.read(reading, _PIECE_BYTES):
                    self._arrived.put(piece)
        finally:  # also without memory for a piece: who reads would wait for ever
            self._arrived.put(b"")

    def _send(self, writing: int) -> None:
        with suppress(OSError):  # the board has ended, which its reader is told
            while piece := self._leaving.get():
                while piece:
                    piece = piece[os.write(writing, piece) :]
