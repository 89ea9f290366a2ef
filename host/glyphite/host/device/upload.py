"""Uploads a built sketch to an Arduino by arduino-cli, and finds the board's port again.

A board with USB of its own disconnects while it is written, and may come back under another name.
arduino-cli runs the tool of each board (bossac, dfu-util, picotool, OpenOCD, esptool).
"""

import re
import time
from pathlib import Path

from serial.tools import list_ports

from glyphite.convert.boards import Arduino, Board, all_boards
from glyphite.convert.errors import BoardError, LinkError, ToolError
from glyphite.convert.programs import attempt
from glyphite.convert.text import printable
from glyphite.host.device.arduino import require_cli, uploads
from glyphite.host.device.said import keep_said
from glyphite.host.device.transport import open_port

UPLOAD_SECONDS = 300.0
"""A large sketch takes a minute, and the boards' own tools try again by themselves."""
BACK_SECONDS = 15.0
"""Seconds for a board to come back after it was written."""


def upload(image: Path, board: Board, arduino: Arduino, port: str) -> str:
    """Upload the files that were built with ``image``; returns the board's port afterwards.

    Raises BoardError where ``port`` is emulated or has another board, ToolError where arduino-cli
    or the board's core is missing or fails, PortError where the port cannot be opened, LinkError
    where it does not come back afterwards, InputError where what arduino-cli said cannot be kept.
    """
    if "://" in port:
        raise BoardError(
            f"The board {board.name!r} is not emulated, and {port} is not a port that arduino-cli "
            "could upload to. Name the board's own: /dev/ttyACM0, COM3."
        )
    command = upload_command(require_cli(board, arduino), arduino, port, uploads(image))
    open_port(port, board.serial.baud).close()  # raises PortError if the port cannot be used
    ensure_right_board(board, port, usb_id(port))
    uploaded = attempt(command, UPLOAD_SECONDS)
    if uploaded.code != 0:
        kept = keep_said("arduino-cli", uploaded.output + uploaded.errors)
        raise ToolError(f"{failure(uploaded.errors, board, port)} All that it said is in {kept}.")
    return _back(board, new_port(uploaded.output) or port)


def upload_command(cli: str, arduino: Arduino, port: str, folder: Path) -> list[str]:
    """The command that uploads the files in ``folder``, and reads them back if the tool can."""
    options = ("--fqbn", arduino.fqbn, "--port", port, "--input-dir", str(folder), "--verify")
    return [cli, "upload", *options]


def usb_id(port: str) -> str | None:
    """Vendor and product id of the device at ``port``, as "2341:0043"; None where not known."""
    for found in list_ports.comports():
        if found.device == port and found.vid is not None and found.pid is not None:
            return f"{found.vid:04x}:{found.pid:04x}"
    return None


def ensure_right_board(board: Board, port: str, found: str | None) -> None:
    """Make sure that the USB id ``found`` at ``port`` is not another board's.

    Raises BoardError where it is.
    """
    others = [
        other.name
        for other in all_boards()
        if other.arduino and found in other.arduino.usb_ids and other.name != board.name
    ]
    if others and not (board.arduino and found in board.arduino.usb_ids):
        raise BoardError(
            f"The board on {port} is not a {board.name!r}: its USB id, {found}, is that of "
            f"{' or '.join(others)}. Name the board that it is: `--board {others[0]}`."
        )


def new_port(said: str) -> str | None:
    """The board's new port in the output of arduino-cli; None where it names none."""
    found = re.search(r"New upload port: (\S+)", said)
    return found[1] if found else None


def failure(said: str, board: Board, port: str) -> str:
    """The sentence on an upload that failed, from the output of arduino-cli."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    causes = [line for line in lines if re.search("error|fail|no device|not found", line, re.I)]
    cause = printable((causes or lines or ["nothing"])[0].rstrip("."))
    return (
        f"arduino-cli could not upload to {board.name!r} on {port} and said: {cause}. "
        "Press the board's reset button twice, which starts its bootloader, and flash again."
    )


def _back(board: Board, port: str) -> str:
    """``port``, once it can be opened again; LinkError where it does not come back."""
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
