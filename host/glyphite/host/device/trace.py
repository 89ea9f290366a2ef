"""A trace: every byte that passes a line, with its time and direction, as lines of JSON.

A line is ``{"at": seconds, "way": ">" or "<", "port": name, "bytes": hexadecimal}``; ">" is to the
board. The last line, ``{"at": seconds, "way": "end"}``, is missing where the program was killed.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from glyphite.convert.errors import InputError
from glyphite.convert.files import unwritable
from glyphite.convert.text import printable

MOST_OF_A_LINE = 1 << 24
"""Characters: twice the bytes of a tensor that no microcontroller holds."""
TO_BOARD, TO_PC, END = ">", "<", "end"
MAKE_ONE = "Make one with `glyphite stream MODEL --port URL --trace FILE`."
OTHER_PLACE = "Name another file."


Passing = Callable[[str, str, bytes], None]
"""What gets the bytes that pass a line: TO_BOARD or TO_PC, the line's name, the bytes."""


@dataclass(frozen=True)
class Piece:
    """Bytes that passed at once."""

    at: float
    """Seconds since the trace began."""
    way: str
    port: str = ""
    data: bytes = b""


@contextmanager
def tracing(path: Path | None) -> Iterator[Passing | None]:
    """What writes the bytes that pass within the block to the file ``path``; None without one.

    Each piece is there for other programs at once. Raises InputError where the file cannot be
    written.
    """
    if path is None:
        yield None
        return
    try:
        opened = path.open("w", encoding="utf-8", newline="\n", buffering=1)
    except OSError as error:
        raise unwritable(path, error, OTHER_PLACE) from error
    with opened as file:
        begun, lock, boards = time.monotonic(), threading.Lock(), _Boards()

        def passing(way: str, port: str, data: bytes) -> None:
            with lock:
                piece = Piece(time.monotonic() - begun, way, boards.name(port), data)
                _write(file, piece, path)

        try:
            yield passing
        finally:
            _write(file, Piece(time.monotonic() - begun, END), path)


class _Boards:
    """Tells emulated boards of one URL apart: each is asked by a thread of its own."""

    def __init__(self) -> None:
        self._threads: dict[str, list[int]] = {}

    def name(self, port: str) -> str:
        """The port's name, with a number where another thread has one of that name already."""
        threads = self._threads.setdefault(port, [])
        if threading.get_ident() not in threads:
            threads.append(threading.get_ident())
        number = threads.index(threading.get_ident())
        return f"{port} #{number + 1}" if number else port


def _write(file: IO[str], piece: Piece, path: Path) -> None:
    content = {"at": round(piece.at, 6), "way": piece.way}
    if piece.way != END:
        content |= {"port": piece.port, "bytes": piece.data.hex()}
    try:
        file.write(json.dumps(content) + "\n")
    except OSError as error:
        raise unwritable(path, error, OTHER_PLACE) from error


def parse_piece(line: str, number: int, path: Path) -> Piece:
    """The piece on a line of the trace in ``path``. Raises InputError where it is none."""
    try:
        found = json.loads(line)
        way, at = found["way"], float(found["at"])
        if way == END:
            return Piece(at, END)
        if way not in (TO_BOARD, TO_PC) or not math.isfinite(at) or len(line) > MOST_OF_A_LINE:
            raise ValueError(way)
        return Piece(at, way, printable(str(found["port"])), bytes.fromhex(found["bytes"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{printable(str(path))}, line {number}: it is no trace of a line. {MAKE_ONE}"
        ) from error
