"""A session with a board: hello, then inferences, each repeated until it is answered."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import serial
from numpy.typing import NDArray

from glyphite.convert.errors import InputError, LinkError
from glyphite.convert.manifest import Manifest
from glyphite.host.device.board_check import check_board
from glyphite.host.device.transport import open_port, protocol_sim
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
from glyphite.host.device.wire.protocol import Status

Parsed = TypeVar("Parsed")

TIMEOUT = 10.0
"""Seconds to wait for the first hello, and for the first inference."""

BOOT_SECONDS = 2.0
"""Seconds to wait after the first hello. Opening the port resets the board, whose bootloader then
runs first; that of an Arduino Mega waits for more as long as bytes arrive."""

HELLO_AGAIN = 0.3
"""Seconds to wait after the second hello: the first one fell to the bootloader."""

QUIET_SECONDS = 2.7
"""Seconds to wait after the third hello, and half as long again after each later one: a bootloader
that these hellos hold, on a slow emulator or after a second reset, gets the silence it needs."""

AWAKE_SECONDS = 0.1
"""Seconds to wait for the hello of a board that has just answered; then a third longer each time,
so that a line that loses every other frame has many tries."""

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

    ``timeout``: seconds to wait for hello, and for the first inference; else TIMEOUT. Later
    requests are repeated sooner, as the time that the board takes is known then. ``sha256``: that
    of the model that the board has to hold; ``manifest``: the whole description of that model;
    ``named``: what a command calls it.
    """

    def __init__(
        self,
        port: serial.SerialBase,
        timeout: float | None = None,
        sha256: str | None = None,
        manifest: Manifest | None = None,
        named: str = "MODEL",
    ) -> None:
        self.timeout = TIMEOUT if timeout is None else timeout
        self.retries = 0
        """How many requests had to be repeated."""
        self.restarts = 0
        """How many restarts of the board were noticed."""
        self._port = port
        self._sha256 = sha256
        self._manifest = manifest
        self._named = named
        self._reader = FrameReader()
        self._heard = 0
        self._echoed = False
        self._hello: Hello | None = None
        self._ran = 0
        self._doubted = False
        self._request = 0
        self._slowest: float | None = None
        self._held_up = 0.0
        port.write_timeout = min(port.write_timeout or self.timeout, self.timeout)

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

        The board then forgets its last answer, so this comes first. Raises LinkError where the
        board does not answer within ``timeout`` or tells what cannot be, has another version of the
        protocol or another model than the session is for, or is another board than before; and
        where the line breaks.
        """
        end = self._now() + self.timeout
        for pause in _pauses(awake=self._hello is not None):
            if (left := self._left(end)) <= 0:
                break
            self._send(hello_request())
            answer = self._receive(self._told, min(pause, left))
            if answer is not None:
                return self._accept(answer)
        raise LinkError(self._silence())

    def _told(self, message: bytes) -> Hello | None:
        """The hello in a message; None where it is another message."""
        self._echoed = self._echoed or message == hello_request()
        try:
            return parse_hello(message)
        except LinkError as error:
            raise LinkError(
                f"The board on {self.name} is not believed: {error}. Build its firmware again, and "
                "flash it."
            ) from error

    def _accept(self, told: Hello) -> Hello:
        """Take what the board said of itself, after a check that it may be believed."""
        check_board(self.name, told, self._sha256, self._manifest, self._named)
        before = self._hello
        if before is not None:
            if dataclasses.replace(before, inferences=told.inferences) != told:
                raise LinkError(
                    f"The board on {self.name} is another one than before: it was {_who(before)}, "
                    f"and now it is {_who(told)}. Leave it connected, and start again."
                )
            self.restarts += told.inferences < self._ran
        self._hello, self._ran = told, told.inferences
        self._doubted, self._reader.damaged = False, 0
        return told

    def infer(self, *tensors: NDArray[Any]) -> Answer:
        """The board's outputs for one sample: a tensor for each of the model's inputs.

        Says hello first where nobody has, and again where a request went unanswered or other bytes
        came: the board may have been reset or changed. Raises InputError where ``tensors`` are not
        of the board's input shapes and types; LinkError where the board does not answer, refuses,
        received other tensors, answers with what is no output of its model, or is another board
        now, or the line breaks.
        """
        self._ensure_taken(self.board, tensors)
        content = b"".join(tensor.tobytes() for tensor in tensors)
        start = time.monotonic()
        reply = self._ask(content)
        wall = time.monotonic() - start
        self._ran += 1
        if self._doubted or self._reader.damaged:
            self.hello()
        if reply.input_crc != crc16(content):
            raise LinkError(
                f"The board on {self.name} saw another input than was sent (CRC "
                f"{reply.input_crc:04x}, not {crc16(content):04x}). Its firmware writes the tensor "
                "to the wrong place: build and flash it again."
            )
        timer_hz = self.board.timer_hz
        seconds = reply.ticks / timer_hz if timer_hz else math.nan
        return Answer(self._outputs(reply), reply.input_crc, seconds, reply.ticks, wall)

    def _ensure_taken(self, board: Hello, tensors: Sequence[NDArray[Any]]) -> None:
        both = (*board.inputs, *board.outputs)
        if not (board.inputs and board.outputs and all(tensor.shape for tensor in both)):
            raise LinkError(
                f"The board on {self.name} does not tell the shapes of its model's input and "
                "output. Build its firmware again, and flash it."
            )
        given = [(tensor.dtype, tensor.size) for tensor in tensors]
        if given != [(taken.dtype, math.prod(taken.shape)) for taken in board.inputs]:
            wanted = " and ".join(f"{taken.dtype} of shape {taken.shape}" for taken in board.inputs)
            found = " and ".join(f"{tensor.dtype} of shape {tensor.shape}" for tensor in tensors)
            raise InputError(
                f"The board takes {wanted}, and this is {found}. Prepare the input by the manifest "
                f"of {board.model_name!r}."
            )

    def _outputs(self, reply: InferReply) -> tuple[NDArray[Any], ...]:
        """The output tensors in a reply, flat; LinkError where they are none of this model's."""
        sizes = [output.bytes for output in self.board.outputs]
        if len(reply.scores) != sum(sizes):
            raise LinkError(
                f"The board on {self.name} answered with {len(reply.scores):,} bytes of scores, "
                f"and its model gives {sum(sizes):,}. Build its firmware again, and flash it."
            )
        ends = [0, *accumulate(sizes)]
        return tuple(
            self._finite(np.frombuffer(reply.scores[start:end], output.dtype))
            for output, start, end in zip(self.board.outputs, ends, ends[1:], strict=False)
        )

    def _finite(self, scores: NDArray[Any]) -> NDArray[Any]:
        if not np.isfinite(scores).all():
            raise LinkError(
                f"The board on {self.name} answered with a score that is not a number "
                f"({scores[~np.isfinite(scores)][0]}). Build its firmware again, and flash it."
            )
        return scores

    def _ask(self, content: bytes) -> InferReply:
        """Send one tensor until it is answered. A repeat has the same id, so that it runs once."""
        self._request = (self._request + 1) & 0xFFFF
        message = infer_request(self._request, content)
        start, unanswered = self._now(), 0
        for _ in range(RETRIES + 1):
            self._send(message)
            reply = self._receive(self._own_reply, self._patience(len(message), unanswered))
            if reply is not None and reply.status == Status.OK:
                self._slowest = max(self._slowest or 0.0, min(self._now() - start, 10.0))
                return reply
            if reply is not None and reply.status != Status.CORRUPT:
                raise LinkError(self._refusal(reply.status))
            if reply is None:
                unanswered += 1
                self._doubted = True
            self.retries += 1
            start = self._now()
        raise LinkError(
            f"The board on {self.name} said hello and did not answer {RETRIES + 1} tries of one "
            "inference. Check cable and baud rate, reset the board, and try again."
        )

    def _own_reply(self, message: bytes) -> InferReply | None:
        """The reply to the current request; None for a late reply to another one."""
        reply = parse_infer_answer(message)
        return reply if reply is not None and reply.request == self._request else None

    def _patience(self, request_bytes: int, unanswered: int) -> float:
        """Seconds to wait for an answer: those of the line, and four times those of the board.

        Longer after each try that was not answered: a bootloader may have taken it.
        """
        on_the_line = 2.0 * request_bytes * BITS_PER_BYTE / self._port.baudrate
        if self._slowest is None:
            return on_the_line + self.timeout
        usual = max(LEAST_PATIENCE, 4.0 * self._slowest)
        return on_the_line + min(self.timeout, usual * 1.5**unanswered)

    def _send(self, message: bytes) -> None:
        try:
            self._port.write(encode_frame(message))
        except serial.SerialTimeoutException:
            pass  # nobody takes the bytes: then no answer comes
        except (serial.SerialException, OSError) as error:
            raise LinkError(self._broken(error)) from error

    def _receive(self, parse: Callable[[bytes], Parsed | None], seconds: float) -> Parsed | None:
        """The first message that ``parse`` accepts; None where none comes in so many seconds."""
        end = self._now() + seconds
        while (left := self._left(end)) > 0:
            for message in self._reader.feed(self._read(left)):
                parsed = parse(message)
                if parsed is not None:
                    return parsed
        return None

    def _now(self) -> float:
        """Seconds by the clock of this session, which stands while an emulated board cannot run."""
        return time.monotonic() - self._held_up

    def _left(self, end: float) -> float:
        """Seconds until ``end`` by that clock. The system is asked only where they are over, as
        that takes longer than a small model's inference."""
        left = end - self._now()
        if left <= 0 and isinstance(self._port, protocol_sim.Serial):
            self._held_up = max(self._held_up, self._port.held_up)
            left = end - self._now()
        return left

    def _read(self, seconds: float) -> bytes:
        try:
            self._port.timeout = min(seconds, LISTEN)
            data = bytes(self._port.read(1))
            if data:
                data += self._port.read_all() or b""
        except (serial.SerialException, OSError) as error:
            raise LinkError(self._broken(error)) from error
        self._heard += len(data)
        return data

    def _silence(self) -> str:
        if self._echoed:
            return (
                f"The board on {self.name} sends back what it is sent. Connect its transmit and "
                "receive pins crosswise, and flash firmware made with `glyphite build`."
            )
        if self._heard:
            return (
                f"The board on {self.name} sends bytes, and they are not Glyphite's frames. "
                f"Check the baud rate, which is {self._port.baudrate} here, and flash firmware "
                "made with `glyphite build`."
            )
        return (
            f"The board on {self.name} is silent: no answer to hello in {self.timeout:g} s. "
            f"Check that this is the right port and {self._port.baudrate} its baud rate, and flash "
            "firmware made with `glyphite build`."
        )

    def _refusal(self, status: int) -> str:
        known = status in _REFUSALS
        reason = _REFUSALS[Status(status)] if known else "refused with an unknown status"
        if status == Status.NOT_READY and self.board.remark:
            reason = (
                f"could not set its model up ({self.board.remark}). What it prints when it starts, "
                "as in Arduino's serial monitor, says what mends it"
            )
        return f"The board on {self.name} {reason} (status {status})."

    def _broken(self, error: Exception) -> str:
        return (
            f"The line to {self.name} broke ({error}). "
            "Was the board unplugged, or the emulated one stopped? Connect it and try again."
        )


def _pauses(*, awake: bool) -> Iterator[float]:
    """Seconds to wait after each hello, without an end."""
    if not awake:
        yield from (BOOT_SECONDS, HELLO_AGAIN)
    pause, growth = (AWAKE_SECONDS, 1.3) if awake else (QUIET_SECONDS, 1.5)
    while True:
        yield pause
        pause *= growth


@contextmanager
def connect(
    url: str,
    sha256: str | None = None,
    timeout: float | None = None,
    baud: int = 115200,
    *,
    manifest: Manifest | None = None,
    named: str = "MODEL",
) -> Iterator[Session]:
    """Open the port ``url``, say hello, and yield the session; the port is closed after the block.

    Raises PortError where the port cannot be opened; LinkError where the board does not answer, has
    another version of the protocol, or another model than that of ``sha256`` or ``manifest``, if
    one is given, which a command calls ``named``. For an emulated board, also InputError where a
    setting in ``url`` is wrong, BoardError where there is no such board, ToolError where its
    emulator is not installed.
    """
    port = open_port(url, baud)
    try:
        session = Session(port, timeout, sha256, manifest, named)
        session.hello()
        yield session
    finally:
        port.close()


def _who(board: Hello) -> str:
    return f"{board.board!r} with {board.model_name!r}, SHA-256 {board.model_sha256 or 'not told'}"
