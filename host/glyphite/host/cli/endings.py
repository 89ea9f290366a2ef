"""How a verb ends where it does not end well: signals, a lack of memory, an output nobody takes."""

import errno
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from glyphite.convert.errors import GlyphiteError, InputError, ToolError
from glyphite.convert.files import FULL, OTHER_BUILD, SCARCE
from glyphite.convert.text import printable

DEBUG = "GLYPHITE_DEBUG"
"""The environment variable that shows tracebacks, for developers."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
NO_SUCH_NAME = {errno.ENAMETOOLONG, errno.ELOOP}
"""What every use of a name fails with that no file can have."""
MORE_TO_LOAD = "End other programs, as memory or open files may lack, or install it anew."
SIGNALLED = 128
"""An exit code beyond it tells of a signal, as shells have it."""


class EndedError(KeyboardInterrupt):
    """A signal has ended the program, or a part of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does: what it has begun is cleaned up.

    A signal that is ignored, as SIGHUP is behind `nohup`, stays so, and the second one of a kind
    does not disturb the cleaning up. Raises EndedError where a signal came.
    """
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_IGN)
        interrupt = signal.getsignal(signal.SIGINT)  # TensorFlow's C++ is not to be interrupted
        if not callable(interrupt):
            raise EndedError(number)
        interrupt(signal.SIGINT, frame)

    before = {}
    if threading.current_thread() is threading.main_thread():  # no other may say
        before = {number: signal.getsignal(number) for number in SIGNALS}
        before = {number: now for number, now in before.items() if now is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt as error:
        if came and not isinstance(error, EndedError):
            raise EndedError(came[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_output() -> None:
    """Make sure that there is an stdout, and that no file is opened under the number of a stream.

    What prints to a closed stdout would else write into that file. Raises InputError where stdout
    is closed.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    if sys.stdout is None:
        raise InputError("stdout is closed, so nobody learns the result. Send it to a file, say.")


def require_system() -> None:
    """Make sure that the packages have wheels for this system.

    Raises ToolError on a Mac with an Intel processor.
    """
    if sys.platform == "darwin" and os.uname().machine == "x86_64":
        raise ToolError(
            "Glyphite does not run on Macs with Intel processors: LiteRT has no wheels for them. "
            "Use a Mac with Apple silicon, Linux or Windows."
        )


def drop_output() -> None:
    """Let what cannot be printed go nowhere, as it would fail again when Python ends."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            away = os.open(os.devnull, os.O_WRONLY)
            os.dup2(away, sys.stdout.fileno())
            os.close(away)


def describe(error: Exception) -> str:
    """What is said of ``error``, as one sentence or two, and how to go on."""
    if isinstance(error, GlyphiteError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory. End other programs, or take a smaller model or image."
    if isinstance(error, RecursionError):
        return "What was read is nested too deeply. Check that the file is what it should be."
    if _is_not_loaded(error):
        reason = printable(str(error).rstrip("."))
        return f"A library cannot be loaded ({reason}). {MORE_TO_LOAD}"
    if isinstance(error, OSError):
        return _describe_system(error)
    text = printable(f"{type(error).__name__}: {error}".rstrip(": ").rstrip("."))
    return (
        f"This should not happen ({_place(error)}): {text}. Please report it; with {DEBUG}=1 in "
        "the environment there is more to see."
    )


def _is_not_loaded(error: Exception) -> bool:
    """Whether a package that is installed cannot be loaded, which for our own would be a mistake
    in it."""
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        return not str(error.name).startswith("glyphite.")
    return isinstance(error, OSError) and "shared object" in str(error)


def exit_code(error: BaseException) -> int:
    """1 for a failure, 2 where what the user named cannot be used, 128 and more for a signal."""
    if isinstance(error, KeyboardInterrupt):
        return SIGNALLED + (error.number if isinstance(error, EndedError) else signal.SIGINT)
    if isinstance(error, SystemExit):
        return InputError.exit_code
    if isinstance(error, GlyphiteError):
        return error.exit_code
    unusable = isinstance(error, OSError) and error.errno in FULL | NO_SUCH_NAME
    return InputError.exit_code if unusable else GlyphiteError.exit_code


def show_traceback(error: BaseException) -> None:
    """Print the traceback to stderr, where a developer asked for it."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)


def _describe_system(error: OSError) -> str:
    reason = printable(error.strerror or str(error))
    named = f"{printable(os.fsdecode(error.filename))}: " if error.filename else ""
    if error.errno in FULL and named:
        return f"{named}{reason}. {OTHER_BUILD}"
    if error.errno in FULL:  # of files the name is known
        return f"What is printed cannot be written ({reason}). Send it to another file."
    if error.errno in SCARCE:
        return f"{named}{reason}. {SCARCE[error.errno]}"
    return f"{named}{reason}. Check that it may be used; {DEBUG}=1 in the environment shows more."


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "nowhere"
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
