"""One command at a time writes to a folder: the others wait, and then refuse.

The system itself keeps the lock, and drops it when the process ends in whatever way: nothing has to
be cleaned up after a kill.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glyphite.convert.errors import InputError
from glyphite.convert.files import (
    OTHER_BUILD,
    UNFINISHED,
    remove_unfinished,
    unwritable,
    write_bytes,
)
from glyphite.convert.text import command, printable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".glyphite.lock"
"""The file that is locked, and that says who holds the folder; it is there only meanwhile."""
PATIENCE = 60.0
"""Seconds to wait for a folder: a build takes less, and a training run is not worth waiting for."""
PAUSE = 0.1
AT = 1 << 20
"""The byte that is locked on Windows, where nobody can read what is locked: behind the text."""
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""Windows has no such flag."""
CANNOT_LOCK = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""What a file system without locks says, some of those of a network. There, all are let in."""


@contextmanager
def held(
    folder: Path,
    report: Callable[[str], None] = lambda _: None,
    patience: float = PATIENCE,
    way_out: str = OTHER_BUILD,
) -> Iterator[None]:
    """Let nobody else who asks write to ``folder`` within the block; it is made where it is absent.

    It is asked for before long work, so that a folder that cannot be written is told of first. What
    a killed command has left there unfinished is removed. ``report`` is called with a line of text
    before waiting. Raises InputError where the folder cannot be written, which ends with the
    sentence ``way_out``, or another process still holds it after ``patience`` seconds.
    """
    made = [path for path in (folder, folder.parent) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _wait(folder, report, patience)
    except OSError as error:
        raise unwritable(folder, error, way_out) from error
    try:
        _clear(folder, way_out)
        yield
    finally:
        release(folder / LOCK, lock)
        with suppress(OSError):  # there is something in it
            for path in made:
                path.rmdir()


def write_shared(path: Path, content: bytes, *, executable: bool = False) -> None:
    """Write a file that the commands on all models share: its folder is held meanwhile, so that
    what a killed one has left there is removed. Raises InputError as :func:`held` does.
    """
    with held(path.parent):
        write_bytes(path, content, executable=executable)


def _clear(folder: Path, way_out: str) -> None:
    """Remove what killed commands have left in a folder that is held, and in those in it.

    One in it that another process holds, as a model's below build/, is that one's to clear.
    """
    try:
        remove_unfinished(folder)
        for inner in {path.parent for path in folder.glob(f"*/{UNFINISHED}")}:
            if (lock := take(inner / LOCK)) is not None:
                remove_unfinished(inner)
                release(inner / LOCK, lock)
    except OSError as error:
        raise unwritable(folder, error, way_out) from error


def take(lock: Path) -> int | None:
    """The descriptor of the file ``lock``, locked by this process now; None if it is another's.

    A link of that name is removed, not followed: a stranger's folder may have one to any file.
    Raises OSError where the file cannot be written.
    """
    if lock.is_symlink() or lock.is_fifo():
        lock.unlink()
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
    try:
        if _locked(descriptor) and _is(descriptor, lock):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()} ({_this_command()})".encode())
            return descriptor
    except BaseException:
        release(lock, descriptor)
        raise
    os.close(descriptor)
    return None


def holder(lock: Path) -> str:
    """Who has the file ``lock``: "process 12 (glyphite train seed)"."""
    try:
        told = lock.read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    return f"process {printable(told)}" if told else "another process"


def release(lock: Path, descriptor: int) -> None:
    """Remove the file while it is still locked, then unlock it."""
    with suppress(OSError):  # Windows keeps an open file
        lock.unlink()
    os.close(descriptor)


def _wait(folder: Path, report: Callable[[str], None], patience: float) -> int:
    end, told = time.monotonic() + patience, False
    while (descriptor := take(folder / LOCK)) is None:
        who = holder(folder / LOCK)
        if time.monotonic() >= end:
            raise InputError(
                f"{folder} is being written by {who}. Wait until that has ended, or end it first."
            )
        if not told:
            report(f"Waiting for {who}, which writes to {folder}.")
            told = True
        time.sleep(PAUSE)
    return descriptor


def _locked(descriptor: int) -> bool:
    """Whether the open file is locked now, by this descriptor alone."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in CANNOT_LOCK
    return True


def _is(descriptor: int, lock: Path) -> bool:
    """Whether the open file is still the one of that name, and not one that was removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except FileNotFoundError:
        return False


def _this_command() -> str:
    return command(Path(sys.argv[0]).name, *sys.argv[1:])
