"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from glyphite.convert.errors import InputError


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


def read_bytes(path: Path) -> bytes:
    """The content of ``path``. Raises InputError, which names it, where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"No such file: {path}. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, and a file is needed. Name a file in it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
