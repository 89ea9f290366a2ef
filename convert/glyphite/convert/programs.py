"""The one way to run another program: within a time limit, and with nothing left behind.

Each program leads a process group of its own, so that whatever it starts (a compiler's passes, an
emulator's helpers) is ended with it. Ctrl-C reaches this program alone, which then ends the others.
What a program writes is read as UTF-8; bytes that are not UTF-8 become U+FFFD.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Self

from glyphite.convert.beside import Beside
from glyphite.convert.errors import TimeLimitError, ToolError
from glyphite.convert.files import FULL, OTHER_TEMPORARY, SCARCE
from glyphite.convert.text import command, printable

COMPILE_SECONDS = 600.0
"""For one call of a C compiler: 2 seconds on a PC for the largest shape of MLPerf Tiny (MobileNet),
so that a model ten times as large on a computer ten times as slow is compiled too."""
READ_SECONDS = 60.0
"""For binutils to read one file: a second or two, even where the disk is slow."""

_TELLING = re.compile(r"\b(error|undefined|multiple definition|cannot)\b")
_PIECE_BYTES = 4096
_TIDY_SECONDS = 0.3
"""For a program to remove its temporary files."""
_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_CRASHED = 0xC000_0000
_OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Windows's way to keep Ctrl-C from a program; ``start_new_session`` is that of the others."""


@dataclass(frozen=True)
class Finished:
    """A program that has come to its end by itself."""

    command: tuple[str, ...]
    code: int
    """The exit code; below zero, it is minus the signal that ended the program."""
    output: str
    """All of its stdout."""
    errors: str
    """All of its stderr."""

    @property
    def crashed(self) -> bool:
        """Whether the system ended it; Windows's codes of that are such as 0xC0000005."""
        return self.code < 0 or self.code >= _CRASHED

    @property
    def complaint(self) -> str:
        """The first line of stderr that says what is wrong; else how the program ended."""
        return complaint(self.errors) or _ending(self.code)

    def failure(self, what: str, remedy: str = "") -> ToolError:
        """The error to raise: ``what`` failed, the complaint, and ``remedy``, a sentence.

        Without a remedy, the command is shown that tells more.
        """
        way_out = remedy or f"See it all with: {command(*self.command)}"
        if any(os.strerror(number) in self.complaint for number in FULL):
            way_out = OTHER_TEMPORARY
        return ToolError(f"{what}: {self.complaint.rstrip('.')}. {way_out}")


def complaint(errors: str) -> str:
    """The line of a program's stderr that says what is wrong, made printable; "" where it is empty.

    It is the first that tells of an error, or the first of all.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = next((line for line in lines if _TELLING.search(line)), None)
    return printable(telling or (lines[0] if lines else ""))


def run(
    command: Sequence[str],
    seconds: float,
    *,
    failure: str = "",
    remedy: str = "",
    folder: Path | None = None,
) -> Finished:
    """Run ``command`` in ``folder`` to its end, which must be a good one.

    ``failure`` begins the sentence on a bad end ("cc cannot link the model"), ``remedy`` ends it.
    Raises ToolError where the program cannot be started or fails, and TimeLimitError, which is a
    ToolError, where it runs for longer than ``seconds``.
    """
    finished = attempt(command, seconds, folder=folder)
    if finished.code != 0:
        raise finished.failure(failure or f"{_name(command)} failed", remedy)
    return finished


def attempt(
    command: Sequence[str], seconds: float, *, stdin: bytes = b"", folder: Path | None = None
) -> Finished:
    """Run ``command`` in ``folder`` to its end, whatever its exit code; ``stdin`` is its input.

    Raises ToolError where the program cannot be started, and TimeLimitError where it runs for
    longer than ``seconds``. Then, and at Ctrl-C, its whole process group is ended first.
    """
    pipe = subprocess.PIPE
    with (
        _SignalsLater() as later,
        _popen(command, stdin=pipe, stdout=pipe, stderr=pipe, folder=folder) as process,
    ):
        try:
            later.deliver()
            output, errors = process.communicate(stdin, seconds)
        except subprocess.TimeoutExpired as error:
            _end_group(process)
            raise _too_slow(command, seconds) from error
        except BaseException:
            _end_group(process)
            raise
    return Finished(tuple(command), process.returncode, _text(output), _text(errors))


class Running:
    """A program that runs beside this one until it ends by itself or :meth:`end` is called.

    It has no time limit as a whole: use it as a context manager, or call :meth:`end`.
    ``stdin``, ``stdout`` and ``stderr`` are open file descriptors; without one the stream is empty.
    With ``heard``, :meth:`hear` gives what it writes to stderr. ``inherited``: further open files
    that it gets, by the same numbers, where the system is not Windows.
    Raises ToolError where the program cannot be started, MemoryError where it cannot be heard.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        heard: bool = False,
        inherited: Sequence[int] = (),
    ) -> None:
        self._command = command
        errors = subprocess.PIPE if heard else stderr
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with _SignalsLater() as later:
            self._process = _popen(
                command, stdin=stdin, stdout=stdout, stderr=errors, inherited=inherited
            )
            try:
                later.deliver()
                if self._process.stderr is not None:
                    stream = self._process.stderr
                    Beside(lambda: self._listen(stream)).require_begun()
            except BaseException:
                self.end()
                raise

    @property
    def pid(self) -> int:
        """The number of the process, and of its process group."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, or None while the program runs."""
        return self._process.poll()

    def wait(self, seconds: float | None = None) -> int:
        """The exit code, once it has ended.

        Raises TimeLimitError where it still runs after ``seconds``.
        """
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise _too_slow(self._command, error.timeout) from error

    def hear(self, seconds: float) -> bytes | None:
        """What it writes to stderr next: b"" at its end, None where nothing comes in ``seconds``.

        Raises ValueError where the program was started without ``heard``.
        """
        if self._process.stderr is None:
            raise ValueError("only a program that was started with heard=True is heard")
        try:
            return self._pieces.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def _listen(self, stream: IO[bytes]) -> None:
        """Take what it writes as it comes: in a thread, as Windows has no wait for a pipe.

        It ends with the program and what that has started, and closes the pipe.
        """
        try:
            with stream:
                while piece := os.read(stream.fileno(), _PIECE_BYTES):
                    self._pieces.put(piece)
        finally:
            self._pieces.put(b"")

    def end(self, patience: float = 0.0) -> int:
        """End the program and all that it started, and give the exit code.

        It has ``patience`` seconds to end by itself.
        """
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            _kill_group(self._process)
            return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.end()


class _SignalsLater:
    """Keeps what ends this program from coming between the start of another and the ``try`` that
    ends that one: signals wait for :meth:`deliver`, or for the end of the block.

    They are not blocked, as the other program would inherit that.
    """

    def __enter__(self) -> Self:
        self._came: list[int] = []
        self._before: dict[int, Callable[[int, FrameType | None], object]] = {}
        if threading.current_thread() is threading.main_thread():  # no other gets signals
            for number in _ENDING:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    signal.signal(number, lambda came, _: self._came.append(came))
        return self

    def deliver(self) -> None:
        """From now on signals come at once; those that have come do now."""
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)
        came, self._came = self._came, []
        for number in came:
            before[number](number, None)

    def __exit__(self, *reason: object) -> None:
        self.deliver()


def _popen(
    command: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    folder: Path | None = None,
    inherited: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start the program as the head of a session, and so of a process group, of its own."""
    try:
        return subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # of one in Python, as it is read so
            pass_fds=inherited,
            start_new_session=True,
            creationflags=_OWN_GROUP,
        )
    except OSError as error:
        way_out = SCARCE.get(error.errno or 0, "Install it, or check the PATH.")
        raise ToolError(f"{command[0]} cannot be started ({error.strerror}). {way_out}") from error


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End the program and its descendants, once they had time to remove temporary files, as
    compilers do."""
    try:
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
                end = time.monotonic() + _TIDY_SECONDS
                while time.monotonic() < end:
                    process.poll()  # a zombie is one of its group
                    os.killpg(process.pid, 0)
                    time.sleep(_TIDY_SECONDS / 30)
    finally:
        _kill_group(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End the program and its descendants; those of a program that has ended already, too."""
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        with suppress(OSError):  # a PATH without Windows's own programs
            subprocess.run(tree, capture_output=True, check=False)
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # the latter for a zombie on macOS
            os.killpg(process.pid, signal.SIGKILL)


def _too_slow(command: Sequence[str], seconds: float) -> TimeLimitError:
    return TimeLimitError(
        f"{_name(command)} ran longer than {seconds:g} seconds and was stopped. "
        "Try again when this machine has less to do."
    )


def _ending(code: int) -> str:
    return f"it was ended by {signal_name(-code)}" if code < 0 else f"exit code {code}"


def signal_name(number: int) -> str:
    """The name of a signal, or its number where it has none."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _name(command: Sequence[str]) -> str:
    return Path(command[0]).name


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
