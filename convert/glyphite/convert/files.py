"""Files that are written whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

MOST_BYTES = 1 << 30
"""The largest file that is read where its kind sets no lower limit."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` under a temporary name beside ``path``, then rename it.

    Raises OSError where the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)  # mkstemp makes files for the owner alone
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Like :func:`write_bytes`, for UTF-8 text with ``\\n`` line ends. Raises OSError like it."""
    write_bytes(path, text.encode())


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of the file ``path``, of at most ``most`` bytes.

    Only a regular file has an end that is known before it is read: a pipe may never send one, and
    a device such as /dev/zero sends bytes for ever. Raises InputError, which names ``path``, where
    it is another thing than a file, is larger, or cannot be read.
    """
    try:
        _require_file(path, path.stat(), most)
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError as error:
        raise InputError(f"No such file: {printable(str(path))}. Check the path.") from error
    except OSError as error:
        raise InputError(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte in the name
        raise InputError(f"{printable(str(path))} is no path of a file. Check it.") from error
    if len(content) > most:  # it grew since it was looked at
        raise _too_large(path, len(content), most)
    return content


def _require_file(path: Path, found: os.stat_result, most: int) -> None:
    name = printable(str(path))
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{name} is a folder, and a file is needed. Name a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"{name} is a pipe or a device, and a file is needed. Save what it sends to a file, "
            "and name that."
        )
    if found.st_size > most:
        raise _too_large(path, found.st_size, most)


def _too_large(path: Path, size: int, most: int) -> InputError:
    return InputError(
        f"{printable(str(path))} has {size:,} bytes, and at most {most:,} are read. "
        "Name a smaller file."
    )
