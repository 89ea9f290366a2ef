"""A session with a board: hello, then inferences, each repeated until it is answered."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import serial
from numpy.typing import NDArray

from glyphite.convert.boards import all_boards
from glyphite.convert.errors import InputError, LinkError
from glyphite.convert.text import command, printable
from glyphite.host.device.transport import open_port
from glyphite.host.device.wire.frame import FrameReader, crc16, encode_frame
from glyphite.host.device.wire.messages import (
    Answer,
    Hello,
    InferReply,
    hello_request,
    infer_request,
    parse_hello,
    parse_infer_answer,
)
from glyphite.host.device.wire.protocol import PROTOCOL, Status

Parsed = TypeVar("Parsed")

BOOT_SECONDS = 2.0
"""Seconds to wait after the first hello. Opening the port resets the board, whose bootloader then
runs first; that of an Arduino Mega waits for more as long as bytes arrive."""

HELLO_EVERY = 0.3
"""Seconds to wait after each later hello."""

LISTEN = 0.2
"""The longest time of one read in seconds, so that a line that breaks is noticed."""

RETRIES = 12
"""How often a request is repeated before the session fails."""

LEAST_PATIENCE = 0.1
"""The shortest time in seconds to wait for an answer: this PC may pause, too."""

BITS_PER_BYTE = 11
"""Bits on the line per byte: start, eight data bits, stop, and one to spare."""

_REFUSALS = {
    Status.WRONG_SIZE: "says that the tensor's size is not its model's. Flash the right model",
    Status.UNKNOWN_ENCODING: "cannot decode this encoding of the tensor. Flash current firmware",
    Status.NOT_READY: "could not set its model up, so its arena is too small. "
    "Build the firmware again with a larger arena",
    Status.FAILED: "ran its model and got no output. Build the firmware again",
}


class Session:
    """Sends requests to the board at an open port and receives its answers.

    ``timeout``: seconds to wait for the first hello, and for the first inference. Later requests
    are repeated sooner, as the time that the board takes is known then.
    """

    def __init__(self, port: serial.Serial, timeout: float = 10.0) -> None:
        self.timeout = timeout
        self.retries = 0
        """How many requests had to be repeated."""
        self._port = port
        self._reader = FrameReader()
        self._heard = 0
        self._hello: Hello | None = None
        self._request = 0
        self._slowest: float | None = None

    @property
    def name(self) -> str:
        """The port's name, for messages."""
        return str(self._port.port)

    @property
    def board(self) -> Hello:
        """What the board said of itself at the last hello; it is asked where there was none."""
        return self._hello or self.hello()

    def hello(self) -> Hello:
        """Send hello until the board answers with its description.

        The ids of requests start anew, so this comes first. Raises LinkError where the board does
        not answer within ``timeout``, or the line breaks.
        """
        end = time.monotonic() + self.timeout
        patience = BOOT_SECONDS
        while time.monotonic() < end:
            self._send(hello_request())
            answer = self._receive(parse_hello, min(patience, end - time.monotonic()))
            patience = HELLO_EVERY
            if answer is not None:
                self._hello = answer
                self._request = 0
                return answer
        raise LinkError(self._silence())

    def infer(self, tensor: NDArray[Any]) -> Answer:
        """The board's scores for one input tensor of the model's shape.

        Says hello first where nobody has. Raises InputError where ``tensor`` is not of the board's
        input shape and type; LinkError where the board does not answer, refuses, or received
        another tensor, or the line breaks.
        """
        board = self.board
        if tensor.dtype != board.input_type or tensor.size != math.prod(board.input_shape):
            raise InputError(
                f"The board takes {board.input_type} of shape {board.input_shape}, and this is "
                f"{tensor.dtype} of shape {tensor.shape}. Prepare the input by the manifest of "
                f"{board.model_name!r}."
            )
        content = tensor.tobytes()
        reply = self._ask(content)
        if reply.input_crc != crc16(content):
            raise LinkError(
                f"The board on {self.name} saw another input than was sent (CRC "
                f"{reply.input_crc:04x}, not {crc16(content):04x}). Its firmware writes the tensor "
                "to the wrong place: build and flash it again."
            )
        scores = np.frombuffer(reply.scores, board.output_type)
        seconds = reply.ticks / board.timer_hz if board.timer_hz else math.nan
        return Answer(scores, reply.input_crc, seconds, reply.ticks)

    def _ask(self, content: bytes) -> InferReply:
        """Send one tensor until it is answered. A repeat has the same id, so that it runs once."""
        self._request = (self._request + 1) & 0xFFFF
        message = infer_request(self._request, content)
        start = time.monotonic()
        for _ in range(RETRIES + 1):
            self._send(message)
            reply = self._receive(self._own_reply, self._patience(len(message)))
            if reply is not None and reply.status == Status.OK:
                self._slowest = max(self._slowest or 0.0, min(time.monotonic() - start, 10.0))
                return reply
            if reply is not None and reply.status != Status.CORRUPT:
                raise LinkError(self._refusal(reply.status))
            self.retries += 1
            start = time.monotonic()
        raise LinkError(
            f"The board on {self.name} said hello and did not answer {RETRIES + 1} tries of one "
            "inference. Check cable and baud rate, reset the board, and try again."
        )

    def _own_reply(self, message: bytes) -> InferReply | None:
        """The reply to the current request; None for a late reply to another one."""
        reply = parse_infer_answer(message)
        return reply if reply is not None and reply.request == self._request else None

    def _patience(self, request_bytes: int) -> float:
        """Seconds to wait for an answer: those of the line, and four times those of the board."""
        on_the_line = 2.0 * request_bytes * BITS_PER_BYTE / self._port.baudrate
        if self._slowest is None:
            return on_the_line + self.timeout
        return on_the_line + min(self.timeout, max(LEAST_PATIENCE, 4.0 * self._slowest))

    def _send(self, message: bytes) -> None:
        try:
            self._port.write(encode_frame(message))
        except serial.SerialTimeoutException:
            pass  # nobody takes the bytes: then no answer comes
        except (serial.SerialException, OSError) as error:
            raise LinkError(self._broken(error)) from error

    def _receive(self, parse: Callable[[bytes], Parsed | None], seconds: float) -> Parsed | None:
        """The first message that ``parse`` accepts; None where none comes in so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for message in self._reader.feed(self._read(left)):
                parsed = parse(message)
                if parsed is not None:
                    return parsed
        return None

    def _read(self, seconds: float) -> bytes:
        try:
            self._port.timeout = min(seconds, LISTEN)
            data = bytes(self._port.read(1))
            if data:
                data += bytes(self._port.read(self._port.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise LinkError(self._broken(error)) from error
        self._heard += len(data)
        return data

    def _silence(self) -> str:
        if self._heard:
            return (
                f"The board on {self.name} sends bytes, and they are not Glyphite's frames. "
                "Check the baud rate, and flash firmware made with `glyphite build`."
            )
        return (
            f"The board on {self.name} is silent: no answer to hello in {self.timeout:g} s. "
            "Check that this is the right port, and flash firmware made with `glyphite build`."
        )

    def _refusal(self, status: int) -> str:
        known = status in _REFUSALS
        reason = _REFUSALS[Status(status)] if known else "refused with an unknown status"
        return f"The board on {self.name} {reason} (status {status})."

    def _broken(self, error: Exception) -> str:
        return (
            f"The line to {self.name} broke ({error}). "
            "Was the board unplugged, or the emulated one stopped? Connect it and try again."
        )


@contextmanager
def connect(
    url: str, sha256: str | None = None, timeout: float = 10.0, baud: int = 115200
) -> Iterator[Session]:
    """Open the port ``url``, say hello, and yield the session; the port is closed after the block.

    Raises PortError where the port cannot be opened; LinkError where the board does not answer, has
    another version of the protocol, or another model than ``sha256``, if that is given. For an
    emulated board, also InputError where a setting in ``url`` is wrong, BoardError where there is
    no such board, ToolError where its emulator is not installed.
    """
    port = open_port(url, baud)
    try:
        session = Session(port, timeout)
        check_board(url, session.hello(), sha256)
        yield session
    finally:
        port.close()


def check_board(url: str, board: Hello, sha256: str | None) -> None:
    """Make sure that ``board`` speaks this protocol and has the model ``sha256``, if given.

    Raises LinkError where it has not; ``url`` is for its message.
    """
    if board.protocol != PROTOCOL:
        raise LinkError(
            f"The board on {url} speaks protocol {board.protocol}, and this host speaks {PROTOCOL}."
            " Flash firmware of this version: `glyphite build MODEL --board BOARD`."
        )
    if sha256 is not None and board.model_sha256 != sha256:
        raise LinkError(
            f"The board on {url} holds another model: {board.model_name!r} with SHA-256 "
            f"{board.model_sha256}, and yours is {sha256}. Put yours on it: "
            f"`{_remedy(url, board.board)}`."
        )


def _remedy(url: str, name: str) -> str:
    """The command that puts a model onto the board called ``name``."""
    known = {board.name: board for board in all_boards()}
    if name in known and known[name].arduino:
        return command("glyphite", "flash", "MODEL", "--board", name, "--port", url)
    return command("glyphite", "build", "MODEL", "--board", printable(name) or "BOARD")
