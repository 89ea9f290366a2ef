"""The pyserial URL ``sim://BOARD``: an emulated board that runs while the port is open.

``sim://cortex-m4`` runs the firmware last built for that board. Settings::

    sim://native?firmware=PATH                 this firmware instead
    sim://native?drop=0.001&corrupt=0.001&duplicate=0.001&split=0.1&seed=7    a bad line

pyserial finds this module by its name.
"""

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import serial

from glyphite.convert.boards import load_board
from glyphite.convert.errors import InputError
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.faults import Faults, FaultyLine, parse_faults
from glyphite.host.device.transport.firmware_files import (
    FirmwareFile,
    emulated_board,
    find_firmware,
)
from glyphite.host.device.transport.line import Line

SPLIT_SECONDS = 0.001
"""The pause after a byte where the line splits the stream, in seconds."""

GOOD_LINE = Faults()


def parse_url(url: str) -> tuple[FirmwareFile, Faults]:
    """The firmware to run and the line's faults.

    Raises InputError where a setting is wrong or its firmware is missing, BoardError where there is
    no such board or it is not emulated, PortError where no firmware was built for it.
    """
    board, parts = emulated_board(url), urlsplit(url)
    settings = dict(parse_qsl(parts.query, errors="surrogateescape"))
    firmware = settings.pop("firmware", None)
    faults = parse_faults(settings)
    if firmware is None:
        return find_firmware(board), faults
    if not Path(firmware).is_file():
        raise InputError(f"No such firmware image: {firmware}. Check the path.")
    return FirmwareFile(load_board(board), Path(firmware)), faults


class Serial(serial.SerialBase):
    """A serial port with an emulated board behind it; closing it stops the board.

    Baud rate, bits and flow control are taken as any port takes them, and have no effect.
    """

    _emulated: EmulatedBoard | None = None
    _line: Line | None = None
    _faulty = False

    def open(self) -> None:
        """Start the board that the URL names.

        Raises SerialException where the port is open already, ToolError where the emulator is not
        installed or does not start, and what :func:`parse_url` raises.
        """
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        firmware, faults = parse_url(str(self.port))
        self.open_on(EmulatedBoard(firmware.board, firmware.path), faults)

    def open_on(self, emulated: EmulatedBoard, faults: Faults = GOOD_LINE) -> None:
        """Open the port of a board that runs already; closing it stops that board.

        Raises OSError where its terminal cannot be opened.
        """
        self._sending = FaultyLine(faults, 0)
        self._receiving = FaultyLine(faults, 1)
        self._faulty = faults.any
        self._surplus = b""
        try:
            self._line = emulated.open_line()
        except BaseException:
            emulated.stop()
            raise
        self._emulated = emulated
        self.is_open = True

    @property
    def held_up(self) -> float:
        """Seconds in which the board could not run, as :attr:`EmulatedBoard.held_up` tells."""
        return self._emulated.held_up if self._emulated is not None else 0.0

    def close(self) -> None:
        """Close the port and stop the board."""
        self.is_open = False
        if self._emulated is not None:
            self._emulated.stop()
        if self._line is not None:
            self._line.close()
        self._emulated = self._line = None

    @property
    def in_waiting(self) -> int:
        """The number of bytes that can be read at once. Raises SerialException where closed."""
        return len(self._surplus) + self._opened.in_waiting

    def read(self, size: int = 1, /) -> bytes:
        """Up to ``size`` bytes, as pyserial reads them, with the line's faults.

        Raises SerialException where the port is closed, or the emulator has ended by itself.
        """
        if self._surplus or not self._faulty:
            taken = self._surplus[:size] or self._opened.read(size, self.timeout)
            self._surplus = self._surplus[size:]
        else:
            came = self._opened.read(size, self.timeout)
            arrived = b"".join(self._receiving.carry(came))
            taken, self._surplus = arrived[:size], arrived[size:]
        if not taken and size and self._emulated is not None and not self._emulated.running:
            raise serial.SerialException(self._emulated.ending)
        return taken

    def write(self, data: Any, /) -> int | None:  # noqa: ANN401 - pyserial takes any buffer
        """Send ``data`` with the line's faults; returns the length of ``data``.

        Raises SerialException where the port is closed, SerialTimeoutException, which is one, where
        the board takes nothing for too long.
        """
        sent = bytes(data)
        for number, piece in enumerate(self._sending.carry(sent) if self._faulty else [sent]):
            if number:
                time.sleep(SPLIT_SECONDS)
            if not self._opened.write(piece, self.write_timeout):
                raise serial.SerialTimeoutException("Write timeout")
        return len(sent)

    def reset_input_buffer(self) -> None:
        """Forget what has arrived. Raises SerialException where the port is closed."""
        self._surplus = b""
        self._opened.drop()

    def reset_output_buffer(self) -> None:
        """Do nothing: what was written is on its way."""

    @property
    def _opened(self) -> Line:
        if self._line is None:
            raise serial.PortNotOpenError()
        return self._line

    def _reconfigure_port(self) -> None:
        """Do nothing where a setting of the line changes: pipes have none."""

    _update_dtr_state = _update_rts_state = _update_break_state = _reconfigure_port
