"""Puts a built sketch onto an Arduino that arduino-cli uploads to, and finds its port again.

A board with USB of its own leaves the line while it is written, and may come back under another
name; arduino-cli drives each board's own tool (bossac, dfu-util, picotool, OpenOCD, esptool).
"""

import re
import time
from pathlib import Path

from serial.tools import list_ports

from glyphite.convert.boards import Arduino, Board, all_boards
from glyphite.convert.errors import BoardError, LinkError, ToolError
from glyphite.convert.programs import attempt
from glyphite.host.device.arduino import require_cli, uploads
from glyphite.host.device.transport import open_port

UPLOAD_SECONDS = 300.0
"""A large sketch takes a minute, and the boards' own tools try again by themselves."""
BACK_SECONDS = 15.0
"""For a board to come back after it was written."""


def upload(image: Path, board: Board, arduino: Arduino, port: str) -> str:
    """Upload what was built with ``image``; returns the port that the board has afterwards.

    Raises ToolError where arduino-cli or the core is absent or fails, BoardError for another board
    at ``port`` or an emulated one, LinkError when the port cannot be had, before or after.
    """
    if "://" in port:
        raise BoardError(
            f"The board {board.name!r} is not emulated, and {port} is no port that arduino-cli "
            "could upload to. Name the board's own: /dev/ttyACM0, COM3."
        )
    command = upload_command(require_cli(board, arduino), arduino, port, uploads(image))
    open_port(port, board.serial.baud).close()  # whatever is wrong with the port is said there
    ensure_right_board(board, port, usb_id(port))
    uploaded = attempt(command, UPLOAD_SECONDS)
    if uploaded.code != 0:
        raise ToolError(failure(uploaded.errors, board, port))
    return _back(board, new_port(uploaded.output) or port)


def upload_command(cli: str, arduino: Arduino, port: str, folder: Path) -> list[str]:
    """What uploads the files in ``folder``, and reads them back where the board's tool can."""
    options = ("--fqbn", arduino.fqbn, "--port", port, "--input-dir", str(folder), "--verify")
    return [cli, "upload", *options]


def usb_id(port: str) -> str | None:
    """Vendor and product of the device at ``port``; None where it is not known."""
    for found in list_ports.comports():
        if found.device == port and found.vid is not None and found.pid is not None:
            return f"{found.vid:04x}:{found.pid:04x}"
    return None


def ensure_right_board(board: Board, port: str, found: str | None) -> None:
    """BoardError when the USB id ``found`` at ``port`` is another board's."""
    others = [
        other.name
        for other in all_boards()
        if other.arduino and found in other.arduino.usb_ids and other.name != board.name
    ]
    if others and not (board.arduino and found in board.arduino.usb_ids):
        raise BoardError(
            f"The board on {port} is no {board.name!r}: its USB id, {found}, is that of "
            f"{' or '.join(others)}. Name the board that it is: `--board {others[0]}`."
        )


def new_port(said: str) -> str | None:
    """The port that arduino-cli says the board has now."""
    found = re.search(r"New upload port: (\S+)", said)
    return found[1] if found else None


def failure(said: str, board: Board, port: str) -> str:
    """The sentence for an upload that failed, from what arduino-cli said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    causes = [line for line in lines if re.search("error|fail|no device|not found", line, re.I)]
    cause = (causes or lines or ["nothing"])[0].rstrip(".")
    return (
        f"arduino-cli could not upload to {board.name!r} on {port} and said: {cause}. "
        "Press the board's reset button twice, which starts its bootloader, and flash again."
    )


def _back(board: Board, port: str) -> str:
    """``port``, once it can be opened again; LinkError when it stays away."""
    end = time.monotonic() + BACK_SECONDS
    while True:
        try:
            open_port(port, board.serial.baud).close()
        except LinkError as error:
            if time.monotonic() < end:
                time.sleep(0.25)
                continue
            raise LinkError(
                f"The sketch is on the board, but its port {port} did not come back: {error}"
            ) from error
        return port
