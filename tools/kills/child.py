"""Runs one verb in a process of its own, and ends it at one of its file operations.

The process is forked from this one, so that packages that are loaded here already cost nothing. An
audit hook counts the file operations below ``build/``, and ends the process at one by SIGKILL.
"""

import ctypes
import fcntl
import json
import os
import re
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from glyphite.host.cli import VERBS
from glyphite.host.cli import main as glyphite
from glyphite.host.cli.endings import DEBUG

OPERATIONS = {
    *("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate"),
    *("os.link", "os.symlink", "shutil.copyfile", "shutil.rmtree", "ctypes.dlsym"),
}
"""Audit events before which a kill makes a difference; the last is for the exchange of folders."""
TIMES = {
    *("images_per_second", "seconds_per_image", "wall_seconds", "jobs", "retries", "seconds"),
    *("tries", "tools", "date"),
}
"""Figures that are others each time."""

Under = Callable[[], AbstractContextManager[None]]

SECONDS = 300.0
"""After which a verb is hung."""
ORPHAN_SECONDS = 10.0
"""What a killed verb has started, a compiler or an emulated board, ends within them."""
SIGN_OF_LIFE = re.compile(r" \(\d+ s\)$")
"""The end of what a verb that takes long says without a terminal."""
MOST_OUTPUT = 1 << 20
"""Bytes that a pipe holds while nobody reads: more than any verb prints."""
SET_CHILD_SUBREAPER = 36
"""Of prctl: whoever loses its parent below this process becomes a child of this process."""


class FaultError(Exception):
    """A verb that ended neither well nor with a sentence."""


@dataclass(frozen=True)
class Ended:
    """A verb that has ended: its exit code, minus a signal's number, and what it said."""

    code: int
    output: str
    errors: str
    operations: int
    orphans: int = 0
    """Processes that it had started and that were still there after ``ORPHAN_SECONDS``."""

    @property
    def sentence(self) -> str:
        """The sentence of one that failed. Raises FaultError where there is none."""
        told = (line for line in self.errors.splitlines() if line.startswith("glyphite"))
        lines = [line for line in told if not SIGN_OF_LIFE.search(line)]
        if self.code not in (1, 2) or "Traceback" in self.errors or len(lines) != 1:
            raise FaultError(f"exit code {self.code}: {self.errors.strip()[-300:]}")
        if DEBUG in lines[0]:  # nobody has foreseen it
            raise FaultError(lines[0])
        return lines[0]

    @property
    def result(self) -> object:
        """The figures; None where it refused in a sentence. Raises FaultError at anything else."""
        if self.code != 0:
            return self.sentence and None
        return _figures(json.loads(self.output))


for _verb in VERBS:  # as the command line does
    import_module(f"glyphite.host.cli.{_verb}")


def run(verb: str, words: Sequence[str], kill_at: int = 0, under: Under = nullcontext) -> Ended:
    """Run a verb in the current folder; it is ended at its file operation number ``kill_at``.

    ``under`` makes a context for it, which may take something away from it.
    """
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    others = _children()
    pipes = [_pipe() for _ in range(3)]
    sys.stdout.flush()
    sys.stderr.flush()
    if (process := os.fork()) == 0:
        for read, _ in pipes:
            os.close(read)
        _child(verb, words, kill_at, under, [write for _, write in pipes])
    for _, write in pipes:
        os.close(write)
    code = _wait(process)
    orphans = _end_orphans(others)
    output, errors, counted = (_read(read) for read, _ in pipes)
    return Ended(code, output, errors, int(counted or kill_at), orphans)


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, MOST_OUTPUT)
    os.set_blocking(read, False)
    return read, write


def _read(pipe: int) -> str:
    pieces = []
    with suppress(BlockingIOError):
        while piece := os.read(pipe, MOST_OUTPUT):
            pieces.append(piece)
    os.close(pipe)
    return b"".join(pieces).decode(errors="replace")


def _wait(process: int) -> int:
    """Its exit code, minus the number of a signal that ended it."""
    watched = os.pidfd_open(process)
    ended, _, _ = select.select([watched], [], [], SECONDS)
    os.close(watched)
    if not ended:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return code if ended else 99


def _end_orphans(others: set[int]) -> int:
    """Wait for what the verb has started; returns how many had to be ended in the end."""
    end = time.monotonic() + ORPHAN_SECONDS
    while (orphans := _children() - others) and time.monotonic() < end:
        for orphan in orphans:
            os.waitpid(orphan, os.WNOHANG)
        time.sleep(0.02)
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
    return len(orphans)


def _children() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return found


def _child(verb: str, words: Sequence[str], kill_at: int, under: Under, pipes: list[int]) -> None:
    try:
        os.setsid()
        os.dup2(pipes[0], 1)
        os.dup2(pipes[1], 2)
        for pipe in pipes[:2]:
            os.close(pipe)
        sys.stdout, sys.stderr = (
            os.fdopen(number, "w", encoding="utf-8", newline="") for number in (1, 2)
        )
        sys.argv = ["glyphite", verb, *words]
        tempfile.tempdir = None  # TMPDIR may be another now
        counter = _Counter(Path.cwd(), kill_at)
        sys.addaudithook(counter)
        with under():
            code = glyphite([verb.partition("-")[0], *words])
        counter.kill_at = 0
        os.write(pipes[2], str(counter.count).encode())
    except BaseException:
        traceback.print_exc()
        code = 98
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):
            stream.flush()
    os._exit(code)


class _Counter:
    """Counts operations below ``root``, and ends the process at one of them."""

    def __init__(self, root: Path, kill_at: int) -> None:
        self.root = str(root / "build")
        self.kill_at = kill_at
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event not in OPERATIONS or not self._counts(event, arguments):
            return
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "ctypes.dlsym":
            return bool(arguments[1] == "renameat2")
        if event == "open" and not _writes(arguments):
            return False
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.root)  # noqa: PTH100


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _figures(document: object) -> object:
    """A verb's JSON without what is another each time."""
    if isinstance(document, dict):
        return {key: _figures(value) for key, value in document.items() if key not in TIMES}
    if isinstance(document, list):
        return [_figures(value) for value in document]
    return document
