"""An open port with frames on it: bytes out, messages in, and how much of both there was."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import serial

from glyphite.convert.errors import GlyphiteError, LinkError
from glyphite.host.device.trace import TO_BOARD, TO_PC, Passing
from glyphite.host.device.transport.usb import device_at
from glyphite.host.device.wire.frame import FrameReader, encode_frame, encode_old_frame

LISTEN = 0.05
"""The longest time of one read in seconds, so that a line that breaks is noticed."""

STUCK_SECONDS = 0.3
"""Where nothing more of a begun frame comes for so long, it is none."""

REOPEN_SECONDS = 0.25
"""The pause between two tries to open a port that went away."""


@dataclass
class Traffic:
    """What passed over a line."""

    sent: int = 0
    """Bytes, with all that frames add."""
    received: int = 0
    waited: float = 0.0
    """Seconds in which nothing was to do but wait for the board."""
    delayed: float = 0.0
    """Of those, in which a bad line for tests kept the board idle."""

    def since(self, before: "Traffic") -> "Traffic":
        """What passed of it after ``before``."""
        return Traffic(
            self.sent - before.sent,
            self.received - before.received,
            self.waited - before.waited,
            self.delayed - before.delayed,
        )


@runtime_checkable
class _HeldUp(Protocol):
    """A port whose board may lack a processor for a while."""

    @property
    def held_up(self) -> float:
        """Seconds of that so far."""


@runtime_checkable
class _Idle(Protocol):
    """A port that knows when the board behind it has nothing to do."""

    @property
    def idle_seconds(self) -> float:
        """Seconds so far in which it was, while this PC waited for bytes."""


@runtime_checkable
class _Mortal(Protocol):
    """A port whose board may be a process."""

    @property
    def ended(self) -> bool:
        """Whether that has ended by itself, and does not come back."""


class LineBrokeError(LinkError):
    """The port cannot be read or written any more."""


class WirePort:
    """Frames over an open pyserial port. ``write_seconds``: the longest time of one write;
    ``trace`` gets all bytes that pass.
    """

    def __init__(
        self, port: serial.SerialBase, write_seconds: float, trace: Passing | None = None
    ) -> None:
        self.reader = FrameReader()
        self.traffic = Traffic()
        self._port = cast(serial.Serial, port)  # pyserial types no more than that class whole
        self._held_up = self._heard = 0.0
        self._trace = trace
        self._device = device_at(self.name)
        port.write_timeout = min(port.write_timeout or write_seconds, write_seconds)
        port.timeout = LISTEN

    @property
    def name(self) -> str:
        """The port's name, for messages."""
        return str(self._port.port)

    @property
    def baud(self) -> int:
        """Bits a second."""
        return int(self._port.baudrate)

    def write(self, data: bytes) -> None:
        """Send bytes. Where nobody takes them, they are lost, as then no answer comes.

        Raises LineBrokeError where the port cannot be written any more.
        """
        if not data:
            return
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            return
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from error
        self.traffic.sent += len(data)
        if self._trace is not None:
            self._trace(TO_BOARD, self.name, data)

    def send(self, message: bytes) -> None:
        """Send a message in a frame."""
        self.write(encode_frame(message))

    def send_old(self, message: bytes) -> None:
        """The same for a board of protocol 1."""
        self.write(encode_old_frame(message))

    def messages(self, *, wait: bool = True) -> list[bytes]:
        """The messages that have arrived; where none has, and with ``wait``, those within LISTEN
        seconds.

        Raises LineBrokeError where the port cannot be read any more.
        """
        start = time.monotonic()
        try:
            data = bytes(self._port.read(1)) if wait or self._port.in_waiting else b""
            if data and self._port.in_waiting:
                data += self._port.read_all() or b""
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from error
        self.traffic.waited += time.monotonic() - start
        if isinstance(self._port, _Idle):
            self.traffic.delayed = self._port.idle_seconds
        self.traffic.received += len(data)
        if data and self._trace is not None:
            self._trace(TO_PC, self.name, data)
        self._heard = self.now() if data else self._heard
        return self.reader.feed(data) if data else []

    @property
    def stuck(self) -> bool:
        """Whether what came last is no frame and goes on no more: text, or a frame cut off."""
        return bool(self.reader.pending) and self.left(self._heard + STUCK_SECONDS) <= 0

    def now(self) -> float:
        """Seconds by a clock that stands while an emulated board has no processor."""
        return time.monotonic() - self._held_up

    def left(self, end: float) -> float:
        """Seconds until ``end`` by that clock. The system is asked only where they are over, as
        that takes longer than a small model's inference."""
        left = end - self.now()
        if left <= 0 and isinstance(self._port, _HeldUp):
            self._held_up = max(self._held_up, self._port.held_up)
            left = end - self.now()
        return left

    def open_again(
        self, broken: LineBrokeError, seconds: float, notify: Callable[[str], None]
    ) -> None:
        """Open the port again as soon as it is back, of which ``notify`` is told.

        A USB device with a serial number is found also where its port has another name then.

        Raises LinkError where it is not back within ``seconds``, and at once of an emulated board,
        which does not come back where its emulator has ended.
        """
        gone = LinkError(str(broken))
        if isinstance(self._port, _Mortal) and self._port.ended:
            raise gone from broken
        notify(f"The line to {self.name} broke. It is awaited for {seconds:g} s.")
        self.reader = FrameReader()
        name, end = self.name, time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self._port.close()
                self._follow()
                self._port.open()
            except (serial.SerialException, OSError, GlyphiteError):
                time.sleep(REOPEN_SECONDS)
            else:
                now = "" if self.name == name else f", and is called {self.name} now"
                notify(f"{name} is back{now}.")
                return
        raise gone from broken

    def _follow(self) -> None:
        """Take the name that the port has now. Raises SerialException where it is not there."""
        if self._device is None:
            return
        names = self._device.names
        if len(names) != 1:  # none yet, or another that tells the same number
            raise serial.SerialException(f"{self.name} is not there")
        if names[0] != os.path.realpath(self.name):
            self._port.port = names[0]

    def _broken(self, error: Exception) -> LineBrokeError:
        return LineBrokeError(
            f"The line to {self.name} broke ({error}). "
            "Was the board unplugged, or the emulated one stopped? Connect it and try again."
        )
