"""The one way in for zip archives (.keras and .npz files) and gzip, which anybody may have made.

A zip of a few megabytes can hold a thousand times as much, so what its directory announces is held
against a limit before anything is unpacked; zipfile itself unpacks no more than is announced.
"""

import io
import zipfile
import zlib

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

GZIP_MAGIC = b"\x1f\x8b"
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What Keras and numpy write. LZMA takes as much memory as a file says that it needs."""


def unpack_zip(content: bytes, name: str, most: int) -> dict[str, bytes]:
    """The files in the zip ``content`` by name; together they have at most ``most`` bytes.

    ``name`` is that of the zip in messages. Raises InputError where it is not a zip, is damaged,
    has a file twice or without a name, announces more bytes, or packs otherwise than by deflate.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check(entries, name, most)
            return {entry.filename: archive.read(entry) for entry in entries if not entry.is_dir()}
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError),
        *(NotImplementedError, RuntimeError),  # another version of zip, a password
    ) as error:
        raise InputError(f"{name} is not a whole zip archive ({printable(str(error))}).") from error


def _check(entries: list[zipfile.ZipInfo], name: str, most: int) -> None:
    names = {entry.filename for entry in entries}
    if "" in names:
        raise InputError(f"{name} has a file without a name. Make the archive anew.")
    if any(entry.compress_type not in PACKINGS for entry in entries):
        raise InputError(f"{name} is packed otherwise than by deflate, which alone is unpacked.")
    if len(names) < len(entries):
        raise InputError(f"{name} has two files of one name, and nobody can say which is meant.")
    size = sum(entry.file_size for entry in entries)
    if size > most:
        raise InputError(f"{name} unpacks to {size:,} bytes, and at most {most:,} are unpacked.")


def unpack_gzip(content: bytes, name: str, most: int) -> bytes:
    """What was packed by gzip: at most ``most`` bytes, though a few may stand for any number.

    ``name`` is that of the file in messages. Raises InputError where it is not a whole file of
    gzip, or unpacks to more.
    """
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(content, most + 1)
    except zlib.error as error:
        raise InputError(f"{name} is not packed by gzip ({printable(str(error))}).") from error
    if len(unpacked) > most:
        raise InputError(f"{name} unpacks to more than {most:,} bytes.")
    if not unpacker.eof:
        raise InputError(f"{name} is not a whole file of gzip: it is cut short. Fetch it anew.")
    return unpacked
