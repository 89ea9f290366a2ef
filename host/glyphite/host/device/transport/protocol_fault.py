"""The pyserial URL ``fault://PORT?SETTINGS``: a bad line to a device or to any other URL's port.

::

    fault://sim://native?flip=0.01&lose=0.01&seed=7     rates per frame and direction
    fault:///dev/ttyACM0?split=0.05                     a real port; fault://COM3?... on Windows
    fault://sim://native?firmware=PATH&baud=115200      PATH is the emulated board's setting

:mod:`.faults` has the settings. Bytes move while the port is used: whoever has it open reads or
waits for it again and again, as a session does. pyserial finds this module by its name.
"""

import errno
import math
import re
import time
from collections import Counter, deque
from typing import Any, cast

import serial

from glyphite.convert.errors import InputError
from glyphite.host.device.transport.faults import (
    Event,
    Faults,
    FaultyLine,
    parse_faults,
    require_once,
    split_url,
    unknown_setting,
)
from glyphite.host.device.transport.ports import open_port
from glyphite.host.device.transport.protocol_sim import Serial as Emulated
from glyphite.host.device.wire.frame import FrameReader
from glyphite.host.device.wire.messages import parse_infer_answer
from glyphite.host.device.wire.protocol import Message, Status

GONE_SECONDS = 0.3
"""How long a port that vanished cannot be opened again."""
BITS_PER_BYTE = 10
"""Bits on the line per byte: start, eight data bits, stop."""
LONGEST = 1 << 22
"""Bytes of a frame that are kept."""
LISTEN = 0.02
"""The longest wait for bytes of the port behind in seconds."""

_FRAMES = re.compile(rb"[^\0]*\0|[^\0]+")


def parse_url(url: str) -> tuple[str, Faults]:
    """The port behind the bad line, and its faults. Raises InputError where a setting is wrong."""
    port, settings = split_url(url)
    require_once(url.partition("?")[2])
    if not port:
        raise InputError(f"{url} names no port. Write, say, fault://sim://native?flip=0.01.")
    if "://" not in port and "?" in port:
        raise unknown_setting(port.partition("?")[2].partition("=")[0])
    return port, parse_faults(settings)


class _Way:
    """One direction: the line, and what is on it with the time when it is through."""

    def __init__(self, line: FaultyLine, baud: int) -> None:
        self.line = line
        self._byte_seconds = BITS_PER_BYTE / baud if baud else 0.0
        self._steps: deque[tuple[float, bytes | Event]] = deque()
        self._free = 0.0

    def put(self, data: bytes, now: float) -> None:
        """Send ``data`` on its way. A frame is through when its last byte is."""
        for step in self.line.carry(data):
            self._free = max(self._free, now)
            if isinstance(step, float):
                self._free += step
            elif isinstance(step, Event):
                self._steps.append((self._free, step))
            else:
                for piece in _FRAMES.findall(step) if self._byte_seconds else [step]:
                    self._free += len(piece) * self._byte_seconds
                    self._steps.append((self._free, piece))

    def through(self, now: float) -> bytes | Event | None:
        """The next that is through by now; None where nothing is."""
        return self._steps.popleft()[1] if self.due <= now else None

    @property
    def due(self) -> float:
        """When the next piece is through; infinite where none is on the way."""
        return self._steps[0][0] if self._steps else math.inf

    def clear(self) -> None:
        """Lose what is on the way."""
        self._steps.clear()


class _Asked:
    """The requests that a board got whole and has not answered."""

    def __init__(self) -> None:
        self._count = 0
        self._there, self._back = FrameReader(), FrameReader()
        self._there.longest = self._back.longest = LONGEST

    @property
    def waits(self) -> bool:
        """Whether there is any."""
        return self._count > 0

    def given(self, data: bytes) -> None:
        """The board got ``data``."""
        messages = self._there.feed(data)
        self._count += sum(message[:1] == bytes([Message.INFER]) for message in messages)

    def heard(self, data: bytes) -> None:
        """The board said ``data``."""
        for message in self._back.feed(data):
            reply = parse_infer_answer(message)
            if message[:1] == bytes([Message.HELLO_ANSWER]):  # behind all that it got before
                self._count = 0
            elif reply is not None and reply.status != Status.CORRUPT:
                self._count = max(0, self._count - 1)


class Serial(serial.SerialBase):
    """A serial port behind a bad line. DTR, RTS and the baud rate are passed on.

    A port that vanished is closed at once, so that an emulated board ends, and one with a reset by
    DTR restarts when it is opened again; the next use raises SerialException.
    """

    _behind: serial.Serial | None = None
    _faults: Faults | None = None
    _back = 0.0
    _held_up = 0.0
    _idle = 0.0

    def open(self) -> None:
        """Open the port behind.

        Raises SerialException where it is open already or has just vanished, and what
        :func:`parse_url` and ``open_port`` raise.
        """
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        url, faults = parse_url(str(self.port))
        if time.monotonic() < self._back:
            raise serial.SerialException(
                errno.ENOENT, f"could not open port {self.port}: it is gone"
            )
        if self._faults != faults:  # else the line goes on where it was
            self._faults = faults
            self._sending = _Way(FaultyLine(faults, 0), faults.baud)
            self._receiving = _Way(FaultyLine(faults, 1), faults.baud)
        self._arrived = bytearray()
        self._asked = _Asked()
        self._behind = cast(serial.Serial, open_port(url, self.baudrate))
        self._behind.write_timeout = self.write_timeout
        self.is_open = True

    def close(self) -> None:
        """Close the port behind; what is on the way is lost."""
        self.is_open = False
        self._lose()
        if self._behind is not None:
            self._behind.close()
        self._behind = None

    @property
    def hits(self) -> Counter[str]:
        """How often each kind of fault occurred so far, in both directions."""
        return self._sending.line.hits + self._receiving.line.hits

    @property
    def ended(self) -> bool:
        """Whether an emulated board is behind, and has ended by itself."""
        return self._board is not None and self._board.ended

    @property
    def held_up(self) -> float:
        """Seconds in which an emulated board behind could not run."""
        return self._held_up + (self._board.held_up if self._board is not None else 0.0)

    @property
    def idle_seconds(self) -> float:
        """Seconds in which whoever has the port waited for bytes, and the board behind had answered
        all frames that it got: those were delayed, were lost, or nobody sent any."""
        return self._idle

    @property
    def in_waiting(self) -> int:
        """The number of bytes that can be read at once. Raises SerialException where closed."""
        self._move()
        return len(self._arrived)

    def read(self, size: int = 1, /) -> bytes:
        """Up to ``size`` bytes, as pyserial reads them.

        Raises SerialException where the port is closed, has vanished, or the one behind breaks.
        """
        end = math.inf if self.timeout is None else time.monotonic() + self.timeout
        self._move()
        while len(self._arrived) < size and (left := end - time.monotonic()) > 0:
            self._wait(left)
            self._move()
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    def write(self, data: Any, /) -> int | None:  # noqa: ANN401 - pyserial takes any buffer
        """Send ``data`` on its way; returns its length.

        Raises SerialException where the port is closed, has vanished, or the one behind breaks.
        """
        sent = bytes(data)
        self._sending.put(sent, time.monotonic())
        self._move()
        return len(sent)

    def reset_input_buffer(self) -> None:
        """Forget what has arrived or is on its way here."""
        self._opened.reset_input_buffer()
        self._receiving.clear()
        self._arrived.clear()

    def reset_output_buffer(self) -> None:
        """Forget what is on its way there."""
        self._sending.clear()
        self._opened.reset_output_buffer()

    def _move(self) -> None:
        """Let all go on that is due by now, in both directions."""
        port, now = self._opened, time.monotonic()
        while (step := self._sending.through(now)) is not None:
            if isinstance(step, Event):
                self._happen(step)
            else:
                self._give(port, step)
        if port.in_waiting:
            self._hear(port.read_all() or b"", now)
        while (step := self._receiving.through(now)) is not None:
            if isinstance(step, Event):
                self._happen(step)
            else:
                self._arrived += step

    def _give(self, port: serial.Serial, data: bytes) -> None:
        self._asked.given(data)
        try:
            port.write(data)
        except serial.SerialTimeoutException:
            return  # whoever wrote it has gone on: it is lost

    def _wait(self, seconds: float) -> None:
        """Wait for bytes of the port behind, until something is due, and so long at the most."""
        now = time.monotonic()
        due = min(self._sending.due, self._receiving.due) - now
        self._opened.timeout = max(0.0, min(seconds, due, LISTEN))
        data = self._opened.read(1)
        if not self._asked.waits:
            self._idle += time.monotonic() - now
        if data:
            self._hear(bytes(data), time.monotonic())

    def _hear(self, data: bytes, now: float) -> None:
        """Take what the port behind says."""
        self._asked.heard(data)
        self._receiving.put(data, now)

    def _happen(self, event: Event) -> None:
        self._lose()
        if event is Event.RESET:
            self._opened.dtr = False
            self._opened.dtr = True
            self._opened.reset_input_buffer()
            return
        self._held_up = self.held_up
        self._opened.close()
        self._behind, self._back = None, time.monotonic() + GONE_SECONDS
        raise serial.SerialException("the device is gone; was it unplugged?")

    def _lose(self) -> None:
        if self._faults is not None:
            self._sending.clear()
            self._receiving.clear()
        self._asked = _Asked()

    @property
    def _board(self) -> Emulated | None:
        behind: object = self._behind
        return behind if isinstance(behind, Emulated) else None

    @property
    def _opened(self) -> serial.Serial:
        if not self.is_open:
            raise serial.PortNotOpenError()
        if self._behind is None:
            raise serial.SerialException("the device is gone; was it unplugged?")
        return self._behind

    def _update_dtr_state(self) -> None:
        self._opened.dtr = self.dtr

    def _update_rts_state(self) -> None:
        self._opened.rts = self.rts

    def _reconfigure_port(self) -> None:
        if self._behind is not None and self._behind.baudrate != self.baudrate:
            self._behind.baudrate = self.baudrate

    def _update_break_state(self) -> None:
        self._opened.break_condition = self.break_condition
