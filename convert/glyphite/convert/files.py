"""Files that are written whole or not at all, and folders whose files are replaced together.

What is not finished yet is called ``.glyphite-*.part``, so that nobody reads it, and so that what a
killed command has left of it is known as such.
"""

import ctypes
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

MOST_BYTES = 1 << 30
"""The largest file that is read where its kind sets no lower limit."""

BEGIN, END = ".glyphite-", ".part"
"""Of the name of a file or folder that is not finished."""
UNFINISHED = f"{BEGIN}*{END}"

OTHER_BUILD = (
    "Free some room and allow writing there, or name another folder in the environment variable "
    "GLYPHITE_BUILD."
)
OTHER_TEMPORARY = (
    "Free some room and allow writing there, or name another folder in the environment variable "
    "TMPDIR."
)
MORE_FILES = "End other programs, or allow more with `ulimit -n 1024`."
MORE_MEMORY = "End other programs, or take a smaller model."
SCARCE = {
    errno.EMFILE: MORE_FILES,
    errno.ENFILE: MORE_FILES,
    errno.ENOMEM: MORE_MEMORY,
    errno.EAGAIN: "End other programs, or allow more with `ulimit -u`.",
}
"""What fails where the system has no more of something -> the way out, whatever was asked for."""
FILE_IN_PLACE = "A file or link on that path is in the place of a folder: remove or rename it."
IN_THE_WAY = {
    errno.EISDIR: "Remove or rename that folder, or name another file.",
    errno.EEXIST: FILE_IN_PLACE,
    errno.ENOTDIR: FILE_IN_PLACE,
    errno.ELOOP: "Remove or rename the link that leads back to itself.",
}
"""What writing fails with where another thing has the name -> the way out: room is no help."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""What writing fails with, whatever is written."""

_PIECE_BYTES = 1 << 20
_HERE = -100
"""AT_FDCWD: paths are from the current folder."""
_EXCHANGE = 2
"""RENAME_EXCHANGE: each of two names gets what the other had."""


def write_bytes(
    path: Path, content: bytes, *, executable: bool = False, way_out: str = OTHER_BUILD
) -> None:
    """Write ``content`` under a temporary name beside ``path``, then rename it.

    Raises InputError, which ends with the sentence ``way_out``, where the folder cannot be made or
    written.
    """
    with _told(path, way_out):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=BEGIN, suffix=END)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            # mkstemp makes files for the owner alone
            Path(temporary).chmod((0o777 if executable else 0o666) & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str, *, way_out: str = OTHER_BUILD) -> None:
    """Like :func:`write_bytes`, for UTF-8 text with ``\\n`` line ends. Raises InputError."""
    write_bytes(path, text.encode(), way_out=way_out)


def write_folder(folder: Path, texts: Mapping[str, str], *, way_out: str = OTHER_BUILD) -> None:
    """Write files that belong together: file name, or path below ``folder`` -> text.

    The folder has all of the earlier files or all of the new ones at any time, unless there are
    others in it, which stay, or the system cannot exchange two folders: then one file after the
    other is replaced. Raises InputError as :func:`write_bytes` does.
    """
    with _told(folder, way_out):
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        if _only(place, texts) and _replaced(place, texts):
            return
    for name, text in texts.items():
        write_text(folder / name, text, way_out=way_out)


def require_room(*files: Path, folder: Path | None = None) -> None:
    """Make sure that no folder has the name of one of ``files``, and nothing else that of
    ``folder``, before long work of which they will be the result. Raises InputError.
    """
    for path in files:
        if path.is_dir():
            raise unwritable(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    if folder is not None and os.path.lexists(folder) and not folder.is_dir():
        raise unwritable(folder, OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises InputError where it stays."""
    with _told(path, OTHER_BUILD):
        path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed command has left in ``folder``.

    Only for one who holds the folder: another command may be about to finish it.
    """
    for path in folder.glob(UNFINISHED):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def temporary_place() -> Path:
    """The system's folder of temporary files. Raises InputError where there is none to write to."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # so says Python of folders in which it cannot write
        raise InputError(f"No folder takes temporary files. {OTHER_TEMPORARY}") from error


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Let other packages make their temporary files in ``folder``, which is removed with them.

    Keras leaves one behind where it finds no room to save a model.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed after the block.

    Raises InputError where it cannot be made, or the block fails as there is no room for it.
    """
    place = temporary_place()
    with _told(place, OTHER_TEMPORARY):
        made = tempfile.TemporaryDirectory(prefix="glyphite-", ignore_cleanup_errors=True)
    with made as folder, _removed(Path(folder)):
        try:
            yield Path(folder)
        except shutil.Error as error:  # of a folder that was copied: one reason for each file
            name = printable(str(place))
            raise InputError(f"{name} cannot be written. {OTHER_TEMPORARY}") from error
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise unwritable(place, error, OTHER_TEMPORARY) from error


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """Remove a folder, by one open file at a time: `shutil.rmtree` needs two for each
    level, and leaves all where it finds none."""
    try:
        yield
    finally:
        with suppress(OSError):  # what stays is tried again by who made the folder
            for above, folders, files in os.walk(folder, topdown=False):
                for path in (Path(above, name) for name in (*files, *folders)):
                    if path.is_dir() and not path.is_symlink():
                        path.rmdir()
                    else:
                        path.unlink()
            folder.rmdir()


def require_temporary_room(count: int) -> None:
    """Make sure that a temporary file of ``count`` bytes can be written.

    For where another's code has failed, which does not tell of its files. Raises InputError.
    """
    with temporary_folder() as folder:
        (folder / "room").write_bytes(bytes(count))


def unwritable(path: Path, error: OSError, way_out: str = OTHER_BUILD) -> InputError:
    """The error to raise where ``path`` cannot be written."""
    way_out = {**SCARCE, **IN_THE_WAY}.get(error.errno or 0, way_out)
    return InputError(
        f"{printable(str(path))} cannot be written: {error.strerror or error}. {way_out}"
    )


def read_bytes(path: Path, most: int = MOST_BYTES, mend: str = "") -> bytes:
    """The content of the file ``path``, of at most ``most`` bytes.

    ``mend``: the sentence on what makes it a file, where that is known.

    Only a regular file has an end that is known before it is read: a pipe may never send one, and
    a device such as /dev/zero sends bytes for ever. Raises InputError, which names ``path``, where
    it is another thing than a file, is larger, or cannot be read.
    """
    try:
        _require_file(path, path.stat(), most, mend)
        # Without waiting: /proc/kmsg calls itself a regular file, and never ends.
        with open(path, "rb", opener=_open_at_once) as file:
            content = _up_to(file, most + 1)
    except FileNotFoundError as error:
        raise InputError(f"No such file: {printable(str(path))}. Check the path.") from error
    except OSError as error:
        raise InputError(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte in the name
        raise InputError(f"{printable(str(path))} is no path of a file. Check it.") from error
    if len(content) > most:  # it grew since it was looked at
        raise _too_large(path, len(content), most)
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _up_to(file: BinaryIO, most: int) -> bytes:
    """At most ``most`` bytes of ``file``; memory is taken for those that are there alone."""
    pieces, missing = [], most
    while missing and (piece := file.read(min(missing, _PIECE_BYTES))):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _require_file(path: Path, found: os.stat_result, most: int, mend: str) -> None:
    name = printable(str(path))
    if stat.S_ISDIR(found.st_mode):
        way_out = mend or "Name a file in it."
        raise InputError(f"{name} is a folder, and a file is needed. {way_out}")
    if not stat.S_ISREG(found.st_mode):
        way_out = mend or "Save what it sends to a file, and name that."
        raise InputError(f"{name} is a pipe or a device, and a file is needed. {way_out}")
    if found.st_size > most:
        raise _too_large(path, found.st_size, most)


def _too_large(path: Path, size: int, most: int) -> InputError:
    return InputError(
        f"{printable(str(path))} has {size:,} bytes, and at most {most:,} are read. "
        "Name a smaller file."
    )


@contextmanager
def _told(path: Path, way_out: str) -> Iterator[None]:
    """Let an OSError of the block be a sentence."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error, way_out) from error


def _only(folder: Path, texts: Mapping[str, str]) -> bool:
    """Whether ``folder`` has no other files, so that it may be replaced as a whole."""
    if not folder.exists():
        return True
    own = {Path(name) for name in texts}
    own |= {parent for path in own for parent in path.parents}
    found = (*folder.iterdir(), *folder.rglob("*"))  # the former alone refuses a file
    return {path.relative_to(folder) for path in found} <= own


def _replaced(folder: Path, texts: Mapping[str, str]) -> bool:
    """Whether a new folder with the files has taken the place of ``folder``."""
    try:
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=BEGIN, suffix=END))
    except PermissionError:  # the folder itself may be writable all the same
        return False
    try:
        for name, text in texts.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(text.encode())
        made.chmod(0o777 & ~_umask())
        return _exchanged(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _exchanged(made: Path, folder: Path) -> bool:
    """Whether ``made`` has the name ``folder`` now, and whatever had it the name of ``made``."""
    if not folder.exists():
        made.rename(folder)
        return True
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        names = os.fsencode(made), os.fsencode(folder)
        if hasattr(system, "renameat2"):
            return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    return False


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
