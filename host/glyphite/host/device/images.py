"""Reads a firmware image: ELF, and the native board's on Windows (PE) and macOS (Mach-O).

Layout: Microsoft, "PE Format"; Apple, "Mach-O File Format Reference". Neither of the
two says how large a function is, so they have no symbols here.
"""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

from glyphite.convert.errors import ToolError
from glyphite.convert.files import read_bytes
from glyphite.host.device.elf import MOST_BYTES, Elf, Section, read_elf

WINDOWS, MACOS = b"MZ", b"\xcf\xfa\xed\xfe"
"""What the files begin with; the latter is a program of 64 bits, whose bytes have this order."""
PE_WRITABLE, PE_DISCARDED, PE_EMPTY = 0x8000_0000, 0x0200_0000, 0x80
SEGMENT_64 = 0x19
MACHO_WRITABLE, MACHO_KINDS, MACHO_EMPTY = 2, 0xFF, {1, 12, 18}
"""A segment's initial protection; types of a section: zero-filled, in large, and by thread."""


def read_image(path: Path) -> Elf:
    """The sections that take memory, and in an ELF file the symbols.

    Raises ToolError where ``path`` is no such image, InputError where it cannot be read.
    """
    data = read_bytes(path, MOST_BYTES)
    if not data.startswith((WINDOWS, MACOS)):
        return read_elf(path)
    try:
        found = _of_windows(data) if data.startswith(WINDOWS) else _of_macos(data)
        sections = tuple(section for section in found if section.size)
        return Elf(sections, (), hashlib.sha256(data).hexdigest())
    except (ValueError, struct.error) as error:
        raise ToolError(f"{path} is cut short or damaged ({error}). Build it again.") from error


def _of_windows(data: bytes) -> Iterator[Section]:
    (header,) = struct.unpack_from("<I", data, 0x3C)
    if data[header : header + 4] != b"PE\0\0":
        raise ValueError("no PE header")
    (count,) = struct.unpack_from("<H", data, header + 6)
    (optional,) = struct.unpack_from("<H", data, header + 20)
    for index in range(count):
        at = header + 24 + optional + 40 * index
        name, size, _, stored = struct.unpack_from("<8s3I", data, at)
        (flags,) = struct.unpack_from("<I", data, at + 36)
        if not flags & PE_DISCARDED:  # of a debugger or the loader
            yield Section(
                _name(name), size, bool(stored) and not flags & PE_EMPTY, bool(flags & PE_WRITABLE)
            )


def _of_macos(data: bytes) -> Iterator[Section]:
    (count,) = struct.unpack_from("<I", data, 16)
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == SEGMENT_64:
            (protection, sections) = struct.unpack_from("<iI", data, at + 60)
            for index in range(sections):
                yield _macos_section(data, at + 72 + 80 * index, bool(protection & MACHO_WRITABLE))
        if size < 8:
            raise ValueError("a load command without an end")
        at += size


def _macos_section(data: bytes, at: int, writable: bool) -> Section:
    name, segment, _, size = struct.unpack_from("<16s16sQQ", data, at)
    (flags,) = struct.unpack_from("<I", data, at + 64)
    stored = flags & MACHO_KINDS not in MACHO_EMPTY
    return Section(f"{_name(segment)},{_name(name)}", size, stored, writable)


def _name(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("ascii", "replace")
