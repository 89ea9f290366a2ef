"""The record of the firmware built last for each board, which ``sim://<board>`` runs.

It is kept as ``build/.boards/<board>.json``; no model's folder can have that name.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from glyphite.convert.boards import Board, load_board
from glyphite.convert.documents import quoted_path, read_json, to_json, unquoted_path
from glyphite.convert.errors import BoardError, InputError, PortError
from glyphite.convert.files import read_bytes, remove
from glyphite.convert.hold import write_shared
from glyphite.convert.text import command
from glyphite.convert.workspace import DEFAULT, build_root, default_model
from glyphite.host.device.transport.faults import split_url
from glyphite.host.device.transport.ports import EMULATED, is_emulated


@dataclass(frozen=True)
class FirmwareFile:
    """A firmware, ready to run, and the board for which it was built."""

    board: Board
    path: Path


def emulated_url(board: str, firmware: Path | None = None) -> str:
    """The URL of an emulated board, named as ``load_board`` takes it: a name, or a file's path.

    With ``firmware`` the board runs that, else what was built for it last.
    """
    setting = f"?firmware={quote(os.fsencode(firmware.resolve()))}" if firmware else ""
    return f"{EMULATED}{quote(os.fsencode(board))}{setting}"


def emulated_board(url: str) -> str:
    """The board in the URL of an emulated one, also behind a bad line. Raises InputError where
    ``url`` is none."""
    try:
        parts = urlsplit(split_url(url)[0])
    except ValueError as error:
        raise InputError(f"{url} is not a port. Name an emulated one as sim://BOARD.") from error
    return unquote(parts.netloc + parts.path, errors="surrogateescape")


@dataclass(frozen=True)
class _Record:
    """The content of a record: the paths of the board file and of the firmware, as
    :func:`quoted_path` writes them."""

    board: str
    image: str


def record_firmware(board: Board, firmware: Path) -> None:
    """Record that the file ``firmware`` is the last one built for ``board``."""
    board_file, image = (quoted_path(path) for path in (board.path, firmware.resolve()))
    content = _Record(board_file, image)
    write_shared(_record(board), to_json(asdict(content)).encode())


def forget_firmware(board: Board, firmware: Path) -> None:
    """Remove the record of ``board`` if it names ``firmware``, or cannot be read."""
    record = _record(board)
    if not record.is_file():
        return
    try:
        named = _read(board).image
    except InputError:  # cut short, say: a build makes it anew
        named = None
    if named in (None, quoted_path(firmware.resolve())):
        remove(record)


def find_firmware(name: str) -> FirmwareFile:
    """The last firmware built for the board called ``name``, or whose file has that path.

    Raises BoardError where there is no such board or it is not emulated, PortError where no
    firmware was built or flashed for it, InputError where the record is damaged.
    """
    board = load_board(name)
    if firmware := _recorded(board):
        return FirmwareFile(board, firmware)
    if board.emulator is None:
        raise BoardError(
            f"The board {name!r} is not emulated. Connect one and name its port, or name an "
            "emulated board: `glyphite boards` lists them."
        )
    there = ("--board", board.named, "--port", emulated_url(board.named))
    if board.arduino:
        raise PortError(
            f"The emulated board {name!r} holds no sketch yet. "
            f"Put one on it: `{command('glyphite', 'flash', DEFAULT, *there)}`."
        )
    raise PortError(
        f"No firmware was built for the board {name!r} yet. "
        f"Build it with `{command('glyphite', 'build', default_model(), *there[:2])}`."
    )


@dataclass(frozen=True)
class Lacking:
    """An emulated board that cannot answer by a model yet."""

    board: Board
    holds_other: bool
    """Its firmware is of another model; else it has none."""


def lacks_firmware(url: str, sha256: str) -> Lacking | None:
    """The emulated board that ``url`` names, where it has no firmware of the model ``sha256``.

    None where it has, where ``url`` names a firmware, and of a real board. Raises BoardError where
    there is no such board, InputError where the record is damaged or the firmware cannot be read.
    """
    if not is_emulated(url) or "firmware=" in urlsplit(split_url(url)[0]).query:
        return None
    board = load_board(emulated_board(url))
    if board.emulator is None:
        return None
    image = _recorded(board)
    if image is None:
        return Lacking(board, holds_other=False)
    told = bytes.fromhex(sha256) in read_bytes(image)  # as it stands there for the hello
    return None if told else Lacking(board, holds_other=True)


def _recorded(board: Board) -> Path | None:
    """The firmware in the board's record, if there is one."""
    if not _record(board).is_file():
        return None
    image = unquoted_path(_read(board).image)
    return image if image.is_file() else None


def _read(board: Board) -> _Record:
    again = command("glyphite", "build", default_model(), "--board", board.named)
    return read_json(_record(board), _Record, f"Build the firmware again with `{again}`.")


def _record(board: Board) -> Path:
    return build_root() / ".boards" / f"{board.key}.json"
