"""``glyphite monitor``: what passes a line, in words, as it passes or from a trace."""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable
from glyphite.host.cli.arguments import add_baud, add_json, add_port, add_trace, port_of
from glyphite.host.cli.console import print_json, say
from glyphite.host.cli.heartbeat import silence_is_meant
from glyphite.host.device.trace import (
    END,
    MAKE_ONE,
    MOST_OF_A_LINE,
    TO_BOARD,
    TO_PC,
    Piece,
    parse_piece,
)
from glyphite.host.device.transport import open_port
from glyphite.host.device.transport.emulator import stop_on_signals
from glyphite.host.device.wire.messages import hello_request
from glyphite.host.device.wire.readable import DAMAGED, Watcher
from glyphite.host.device.wire_port import WirePort
from glyphite.host.measure.portion import BAUD

EXAMPLE = "glyphite monitor --trace line.jsonl"
IDLE = 0.3
"""Seconds after which what has no end is shown: a frame's pieces follow each other sooner."""
HELLO_EVERY = 2.5
"""Seconds between two hellos, until the board answers: its bootloader takes the first."""
LOOK_EVERY = 0.1
"""Seconds between two looks at a trace that grows."""
MOST_SECONDS = 1e6

Pieces = Iterator[Piece | None]
"""What passes; None where nothing has for a while."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_port(parser)
    add_trace(parser, "of `glyphite stream --trace`, which may still run; in place of a port")
    add_baud(parser, BAUD)
    parser.add_argument(
        "--listen", action="store_true", help="send nothing; else hello, until the board answers"
    )
    parser.add_argument(
        "--seconds", type=_seconds, metavar="S", help="how long (default: until Ctrl-C)"
    )
    add_json(parser)


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{printable(repr(text))} are no seconds: 10 are, say.")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Show each frame and text with its time and direction, until Ctrl-C, the end of ``--seconds``
    or that of the trace.

    Raises InputError where a port and a trace are named, or the file is no trace.
    """
    if arguments.trace is not None and arguments.port is not None:
        raise InputError("--port and --trace are two sources. Name one of them.")
    end = time.monotonic() + (arguments.seconds or MOST_SECONDS)
    if arguments.trace is None:
        pieces = _from_port(arguments, port_of(arguments), end)
    else:
        pieces = _from_trace(arguments.trace, end)
    shown = _Shown(as_json=arguments.json)
    with stop_on_signals(), silence_is_meant():
        for piece in pieces:
            shown.take(piece)
    shown.close()
    return 0


def _from_port(arguments: argparse.Namespace, url: str, end: float) -> Pieces:
    """What passes a port while this program has it. Its board is asked who it is, so that there is
    something to see."""
    waiting: list[Piece] = []
    begun = asked = time.monotonic()
    told = False

    def passing(way: str, port: str, data: bytes) -> None:
        waiting.append(Piece(time.monotonic() - begun, way, port, data))

    with closing(open_port(url, arguments.baud)) as port:
        wire = WirePort(port, HELLO_EVERY, passing)
        begun = time.monotonic()
        while (now := time.monotonic()) < end:
            if not (arguments.listen or told) and now >= asked:
                wire.send(hello_request())
                asked = now + HELLO_EVERY
            told = bool(wire.messages()) or told
            if not waiting:
                yield None
            yield from waiting
            waiting.clear()


def _from_trace(path: Path, end: float) -> Pieces:
    """What a trace has, and what it gets until its end."""
    if path.exists() and not path.is_file():
        raise InputError(f"{printable(str(path))} is no file. {MAKE_ONE}")
    try:
        opened = path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{printable(str(path))} cannot be read: {error.strerror}. {MAKE_ONE}"
        ) from error
    with opened as file:
        line, number = "", 1
        while time.monotonic() < end:
            line += file.readline(MOST_OF_A_LINE + 1)
            if not line.endswith("\n") and len(line) <= MOST_OF_A_LINE:  # it is being written
                yield None
                time.sleep(LOOK_EVERY)
                continue
            piece = parse_piece(line, number, path)
            if piece.way == END:
                return
            yield piece
            line, number = "", number + 1


class _Shown:
    """Shows pieces as frames, those of each line and direction by themselves."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._document: list[dict[str, Any]] = []
        self._watchers: dict[tuple[str, str], Watcher] = {}
        self._counts = {TO_BOARD: 0, TO_PC: 0}
        self._damaged = 0
        self._last = (0.0, time.monotonic())
        """When the last piece passed, by the line's clock and by this PC's."""

    def take(self, piece: Piece | None) -> None:
        """Show what a piece completes; after a while without one, what waits for its end."""
        at, here = self._last
        if piece is None:
            if time.monotonic() - here > IDLE:
                self._flush(at)
            return
        if piece.at - at > IDLE:
            self._flush(at)
        self._last = (piece.at, time.monotonic())
        watcher = self._watchers.setdefault((piece.port, piece.way), Watcher())
        self._show(piece.at, piece.way, piece.port, lambda: watcher.feed(piece.data))

    def close(self) -> None:
        """Show the rest, and how much it was."""
        self._flush(self._last[0])
        if self._as_json:
            print_json(self._document)
            return
        out, back = self._counts[TO_BOARD], self._counts[TO_PC]
        say(f"{out:,} to the board, {back:,} to this PC, {self._damaged:,} of them damaged.")

    def _flush(self, at: float) -> None:
        for (port, way), watcher in self._watchers.items():
            self._show(at, way, port, watcher.flush)

    def _show(self, at: float, way: str, port: str, found: Callable[[], list[Any]]) -> None:
        several = len({port for port, _ in self._watchers}) > 1
        for seen in found():
            self._counts[way] += 1
            self._damaged += seen.kind == DAMAGED
            if self._as_json:
                entry = {"at": at, "way": way, "port": port, "kind": seen.kind}
                self._document.append(entry | {"words": seen.words})
            else:
                say(f"{at:9.3f} s {way} {f'{port}: ' if several else ''}{seen.words}")
