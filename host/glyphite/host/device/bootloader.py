"""Finds out which bootloader answers on a port, to name the likely cause where avrdude failed.

Protocols: Atmel AVR061 (STK500, which Optiboot speaks) and AVR068 (STK500 version 2).
"""

import time
from dataclasses import dataclass

import serial

from glyphite.convert.boards import Board, all_boards

ASK_SECONDS = 1.8
"""The bootloader of any board has started and answered within so many seconds."""

ASK_EVERY = 0.2
"""Seconds between two requests."""


@dataclass(frozen=True)
class Greeting:
    """A bootloader's request for a sign of life, and its answer."""

    request: bytes
    answer: bytes
    """The first bytes of the answer."""


GREETINGS = {
    # Cmnd_STK_GET_SYNC, Sync_CRC_EOP; Resp_STK_INSYNC, Resp_STK_OK.
    "arduino": Greeting(b"\x30\x20", b"\x14\x10"),
    # MESSAGE_START, sequence number, size (2), TOKEN, CMD_SIGN_ON, checksum (xor of all).
    "wiring": Greeting(b"\x1b\x01\x00\x01\x0e\x01\x14", b"\x1b\x01"),
}
"""avrdude's name of the protocol -> its greeting."""


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


def answering(device: str, baud: int) -> str | None:
    """avrdude's name of the protocol in which a bootloader answers on ``device``; None for none."""
    answers = (name for name, greeting in GREETINGS.items() if _answers(device, baud, greeting))
    return next(answers, None)


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
