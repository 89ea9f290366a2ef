"""Reads an ELF file: its sections, functions and variables, with their sizes.

Layout: Tool Interface Standard, "Executable and Linking Format", 1.2, and its 64-bit form.
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from glyphite.convert.errors import ToolError
from glyphite.convert.files import read_bytes

MOST_BYTES = 256 << 20
"""Of an image, with what it has for a debugger."""
WRITABLE, ALLOCATED = 1, 2  # flags of a section
SYMBOL_TABLE, NO_BITS = 2, 8  # types of a section
OBJECT, FUNCTION = 1, 2  # types of a symbol


@dataclass(frozen=True)
class Section:
    """A section that takes memory on the board."""

    name: str
    size: int
    stored: bool
    """Whether its bytes are in the image, and so in flash."""
    writable: bool
    """Whether its bytes are in RAM."""


@dataclass(frozen=True)
class Symbol:
    """A variable, a constant or a function."""

    name: str
    size: int
    section: Section
    address: int
    """In a linked image; without the lowest bit, which Arm sets for functions of Thumb code."""
    is_function: bool


@dataclass(frozen=True)
class Elf:
    """All sections and symbols that take memory; the symbols sorted, the largest first."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    digest: str = ""
    """The SHA-256 of what is stored on the board, 64 hexadecimal digits: names of temporary files,
    which a debugger is told, have no part in it."""

    def function(self, name: str) -> Symbol | None:
        """The function called ``name``, or None where there is none.

        gcc appends a point and more to the name where it has specialised a function for its calls.
        """
        functions = [symbol for symbol in self.symbols if symbol.is_function]
        return next((found for found in functions if found.name.split(".")[0] == name), None)


class _Header(NamedTuple):
    """A section's header; the 32-bit and the 64-bit form have the same order."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def read_elf(path: Path) -> Elf:
    """Read a little-endian ELF file, of 32 or 64 bits.

    Raises ToolError where ``path`` is not one, InputError where it cannot be read.
    """
    data = read_bytes(path, MOST_BYTES)
    try:
        if data[:4] != b"\x7fELF" or data[5] != 1:
            raise ValueError("no little-endian ELF header")
        return _parse(data, wide=data[4] == 2)
    except (ValueError, IndexError, OverflowError, struct.error) as error:
        raise ToolError(f"{path} is not an ELF image ({error}). Build it again.") from error


def _parse(data: bytes, wide: bool) -> Elf:
    headers, names = _headers(data, wide)
    if [header.kind for header in headers].count(SYMBOL_TABLE) > 1:  # each may span the whole file
        raise ValueError("several tables of symbols")
    sections = {
        index: Section(
            _string(data, names.offset + header.name),
            header.size,
            header.kind != NO_BITS,
            bool(header.flags & WRITABLE),
        )
        for index, header in enumerate(headers)
        if header.flags & ALLOCATED
    }
    symbols = [
        Symbol(
            _string(data, headers[table.link].offset + name),
            size,
            sections[index],
            address & ~1 if kind == FUNCTION else address,
            kind == FUNCTION,
        )
        for table in headers
        if table.kind == SYMBOL_TABLE
        for name, address, size, index, kind in _symbols(data, wide, table)
        if kind in (OBJECT, FUNCTION) and size and index in sections
    ]
    symbols.sort(key=lambda symbol: (-symbol.size, symbol.name))
    return Elf(tuple(sections.values()), tuple(symbols), _digest(data, headers))


def _digest(data: bytes, headers: list[_Header]) -> str:
    digest = hashlib.sha256()
    for header in headers:
        if header.flags & ALLOCATED and header.kind != NO_BITS:
            digest.update(struct.pack("<QQ", header.address, header.size))
            digest.update(data[header.offset : header.offset + header.size])
    return digest.hexdigest()


def _headers(data: bytes, wide: bool) -> tuple[list[_Header], _Header]:
    """All section headers, and that of the section with their names."""
    (at,) = struct.unpack_from("<Q" if wide else "<I", data, 40 if wide else 32)
    entry, count, names = struct.unpack_from("<3H", data, 58 if wide else 46)
    layout = "<IIQQQQIIQQ" if wide else "<10I"
    headers = [_Header(*struct.unpack_from(layout, data, at + entry * i)) for i in range(count)]
    return headers, headers[names]


def _symbols(data: bytes, wide: bool, table: _Header) -> list[tuple[int, int, int, int, int]]:
    """Name's offset, address, size, section's index and type of each symbol in a table."""
    content = data[table.offset : table.offset + table.size]
    if wide:
        rows = struct.iter_unpack("<IBBHQQ", content)
        return [(name, at, size, index, info & 15) for name, info, _, index, at, size in rows]
    rows = struct.iter_unpack("<IIIBBH", content)
    return [(name, at, size, index, info & 15) for name, at, size, info, _, index in rows]


def _string(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()
