"""Signs of life: a line on stderr where a command has said nothing for some seconds.

A log of a long run shows that it goes on, and at what, where no progress bar can be drawn.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from glyphite.convert.beside import Beside

SILENCE = 8.0
"""Seconds: a log in which nothing comes for ten looks like a program that hangs."""

END_SECONDS = 1.0
"""For the thread to end; one that could not begin never does."""


class _Watch:
    """What is known of the one command that runs, by the thread that looks at it."""

    def __init__(self) -> None:
        self.runs = False
        self.expected = True
        """Whether a line is missed: a progress bar moves by itself, a board may run for hours."""
        self.doing: Callable[[], str] = lambda: "still at work"
        self.last = 0.0
        """When something was last said, by the monotonic clock."""


_WATCH = _Watch()


def said() -> None:
    """Called by all that prints."""
    _WATCH.last = time.monotonic()


@contextmanager
def at(doing: Callable[[], str]) -> Iterator[None]:
    """What goes on within the block, as a line would name it."""
    before, _WATCH.doing = _WATCH.doing, doing
    try:
        yield
    finally:
        _WATCH.doing = before


@contextmanager
def silence_is_meant() -> Iterator[None]:
    """No line is missed within the block."""
    before, _WATCH.expected = _WATCH.expected, False
    try:
        yield
    finally:
        _WATCH.expected = before
        said()


@contextmanager
def signs_of_life(spoken: str) -> Iterator[None]:
    """Say every some seconds what ``spoken`` is at, where nothing else is said within the block."""
    if _WATCH.runs:  # a stage of the demo
        yield
        return
    over = threading.Event()
    began, stream = time.monotonic(), _own_stderr()
    said()
    _WATCH.runs = True
    thread: Beside | None = None
    with suppress(MemoryError):  # the command itself will tell of it
        thread = Beside(lambda: _watch(over, spoken, began, stream))
    try:
        yield
    finally:
        over.set()
        if thread is not None:
            thread.join(END_SECONDS)
        _WATCH.runs = False
        if stream is not sys.stderr:
            with suppress(OSError):
                stream.close()


def _own_stderr() -> TextIO:
    """stderr by a descriptor of its own: while TensorFlow works, the program's leads elsewhere."""
    stderr = sys.stderr
    try:
        copy = os.dup(stderr.fileno())
    except (OSError, io.UnsupportedOperation):
        return stderr
    return os.fdopen(copy, "w", 1, newline=None, encoding=stderr.encoding, errors=stderr.errors)


def _watch(over: threading.Event, spoken: str, began: float, stream: TextIO) -> None:
    with suppress(MemoryError):  # which the command itself will tell of
        while not over.wait(max(0.0, _WATCH.last + SILENCE - time.monotonic())):
            now = time.monotonic()
            if now - _WATCH.last < SILENCE:
                continue
            if _WATCH.expected:
                line = f"{spoken}: {_WATCH.doing()} ({now - began:.0f} s)"
                with suppress(OSError, ValueError):  # nobody reads it any more
                    print(line, file=stream, flush=True)
            said()
