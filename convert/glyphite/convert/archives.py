"""The one way in for zip archives: .keras and .npz files, which anybody may have made.

A zip of a few megabytes can hold a thousand times as much, so what its directory announces is held
against a limit before anything is unpacked; zipfile itself unpacks no more than is announced.
"""

import io
import zipfile
import zlib

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable


def unpack_zip(content: bytes, name: str, most: int) -> dict[str, bytes]:
    """The files in the zip ``content`` by name; together they have at most ``most`` bytes.

    ``name`` is that of the zip in messages. Raises InputError where it is not a zip, is damaged,
    has a file twice, or announces more bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check(entries, name, most)
            return {entry.filename: archive.read(entry) for entry in entries if not entry.is_dir()}
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError),
        *(NotImplementedError, RuntimeError),  # another compression, a password
    ) as error:
        raise InputError(f"{name} is not a whole zip archive ({printable(str(error))}).") from error


def _check(entries: list[zipfile.ZipInfo], name: str, most: int) -> None:
    names = {entry.filename for entry in entries}
    if len(names) < len(entries):
        raise InputError(f"{name} has two files of one name, and nobody can say which is meant.")
    size = sum(entry.file_size for entry in entries)
    if size > most:
        raise InputError(f"{name} unpacks to {size:,} bytes, and at most {most:,} are unpacked.")
