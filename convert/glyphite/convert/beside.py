"""Work in a thread of its own, of which no lack of memory makes the program wait for ever.

``threading.Thread.start`` waits until the thread runs, and one that gets no memory for its first
call never does.
"""

import _thread
import threading
from collections.abc import Callable

BEGIN_SECONDS = 5.0
"""A thread begins within milliseconds; longer than this it takes on no machine, however busy."""


class Beside:
    """``work`` as it runs beside the rest of the program, which may end before it.

    Raises MemoryError where there is no memory for a thread.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._begun, self._ended = threading.Event(), threading.Event()
        try:
            _thread.start_new_thread(self._run, (work,))
        except RuntimeError as error:  # "can't start new thread"
            raise MemoryError from error

    def require_begun(self) -> None:
        """Wait until the work has begun. Raises MemoryError where it does not."""
        if not self._begun.wait(BEGIN_SECONDS):
            raise MemoryError

    def join(self, seconds: float) -> None:
        """Wait until the work is over, for ``seconds`` at most."""
        self._ended.wait(seconds)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            self._begun.set()
            work()
        finally:
            self._ended.set()
