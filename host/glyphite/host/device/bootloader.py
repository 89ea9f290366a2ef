"""Which bootloader answers on a port: asked after avrdude got no answer, to name the likely cause.

Protocols: Atmel AVR061 (STK500, which Optiboot speaks) and AVR068 (STK500 version 2).
"""

import time
from dataclasses import dataclass

import serial

from glyphite.convert.boards import Board, all_boards

ASK_SECONDS = 1.8
"""A bootloader of another board has started and answered by then."""

ASK_EVERY = 0.2


@dataclass(frozen=True)
class Greeting:
    """How a bootloader is asked whether it is there."""

    request: bytes
    answer: bytes
    """How the answer begins."""


GREETINGS = {
    # Cmnd_STK_GET_SYNC, Sync_CRC_EOP; Resp_STK_INSYNC, Resp_STK_OK.
    "arduino": Greeting(b"\x30\x20", b"\x14\x10"),
    # MESSAGE_START, sequence number, size (2), TOKEN, CMD_SIGN_ON, checksum (xor of all).
    "wiring": Greeting(b"\x1b\x01\x00\x01\x0e\x01\x14", b"\x1b\x01"),
}
"""By avrdude's name of the protocol."""


def identify(device: str, but: Board) -> list[str]:
    """The names of the boards, other than ``but``, whose bootloader answers on ``device``."""
    expected = but.arduino.programmer if but.arduino else None
    for programmer, greeting in GREETINGS.items():
        if programmer != expected and _answers(device, but.serial.baud, greeting):
            return [
                board.name
                for board in all_boards()
                if board.arduino and board.arduino.programmer == programmer
            ]
    return []


def _answers(device: str, baud: int, greeting: Greeting) -> bool:
    """Open the port, which resets the board, and ask until it answers."""
    end = time.monotonic() + ASK_SECONDS
    heard = b""
    try:
        with serial.Serial(device, baud, timeout=ASK_EVERY, write_timeout=1.0) as port:
            while time.monotonic() < end and greeting.answer not in heard:
                port.write(greeting.request)
                heard += port.read(64)
    except (serial.SerialException, OSError):
        return False
    return greeting.answer in heard
