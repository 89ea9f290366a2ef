"""The pyserial URL ``sim://BOARD``: an emulated board that runs while the port is open.

``sim://cortex-m4`` runs the firmware last built for that board, ``sim://native?firmware=PATH``
another. A bad line to it: ``fault://sim://native?flip=0.01`` (:mod:`.protocol_fault`).

pyserial finds this module by its name.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import serial

from glyphite.convert.boards import load_board
from glyphite.convert.errors import InputError
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.faults import require_once, split_url, unknown_setting
from glyphite.host.device.transport.firmware_files import (
    FirmwareFile,
    emulated_board,
    find_firmware,
)
from glyphite.host.device.transport.line import Line


def parse_url(url: str) -> FirmwareFile:
    """The firmware to run.

    Raises InputError where a setting is wrong or its firmware is missing, BoardError where there is
    no such board or it is not emulated, PortError where no firmware was built for it.
    """
    board, parts = emulated_board(url), urlsplit(split_url(url)[0])
    require_once(parts.query)
    settings = dict(parse_qsl(parts.query, errors="surrogateescape", keep_blank_values=True))
    firmware = settings.pop("firmware", None)
    if settings:
        raise unknown_setting(next(iter(settings)))
    if firmware is None:
        return find_firmware(board)
    if not Path(firmware).is_file():
        raise InputError(f"No such firmware image: {firmware}. Check the path.")
    return FirmwareFile(load_board(board), Path(firmware))


class Serial(serial.SerialBase):
    """A serial port with an emulated board behind it; closing it stops the board.

    Baud rate, bits and flow control are taken as any port takes them, and have no effect. The board
    restarts where DTR is set behind being cleared, as an Arduino does.
    """

    _emulated: EmulatedBoard | None = None
    _line: Line | None = None
    _held_up = 0.0

    def open(self) -> None:
        """Start the board that the URL names.

        Raises SerialException where the port is open already, ToolError where the emulator is not
        installed or does not start, and what :func:`parse_url` raises.
        """
        if self.is_open:
            raise serial.SerialException("Port is already open.")
        firmware = parse_url(str(self.port))
        self.open_on(EmulatedBoard(firmware.board, firmware.path))

    def open_on(self, emulated: EmulatedBoard) -> None:
        """Open the port of a board that runs already; closing it stops that board.

        Raises OSError where its terminal cannot be opened.
        """
        self._was_ready = self.dtr
        try:
            self._line = emulated.open_line()
        except BaseException:
            emulated.stop()
            raise
        self._emulated = emulated
        self.is_open = True

    @property
    def ended(self) -> bool:
        """Whether its board has ended by itself: it does not come back."""
        return self._emulated is not None and not self._emulated.running

    @property
    def held_up(self) -> float:
        """Seconds in which the board could not run, as :attr:`EmulatedBoard.held_up` tells."""
        now = self._emulated.held_up if self._emulated is not None else 0.0
        return self._held_up + now

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
        return self._opened.in_waiting

    def read(self, size: int = 1, /) -> bytes:
        """Up to ``size`` bytes, as pyserial reads them.

        Raises SerialException where the port is closed, or the emulator has ended by itself.
        """
        taken = self._opened.read(size, self.timeout)
        if not taken and size and self._emulated is not None and not self._emulated.running:
            raise serial.SerialException(self._emulated.ending)
        return taken

    def write(self, data: Any, /) -> int | None:  # noqa: ANN401 - pyserial takes any buffer
        """Send ``data``; returns its length.

        Raises SerialException where the port is closed, SerialTimeoutException, which is one, where
        the board takes nothing for too long.
        """
        sent = bytes(data)
        if not self._opened.write(sent, self.write_timeout):
            raise serial.SerialTimeoutException("Write timeout")
        return len(sent)

    def reset_input_buffer(self) -> None:
        """Forget what has arrived. Raises SerialException where the port is closed."""
        self._opened.drop()

    def reset_output_buffer(self) -> None:
        """Do nothing: what was written is on its way."""

    @property
    def _opened(self) -> Line:
        if self._line is None:
            raise serial.PortNotOpenError()
        return self._line

    def _update_dtr_state(self) -> None:
        """Restart the board where DTR is set behind being cleared."""
        before, self._was_ready = self._was_ready, self.dtr
        if self._emulated is None or before or not self.dtr:
            return
        self._held_up += self._emulated.held_up
        line, emulated = self._opened, self._emulated
        self._line = self._emulated = None
        again = emulated.again()
        line.close()
        self.open_on(again)

    def _reconfigure_port(self) -> None:
        """Do nothing where a setting of the line changes: pipes have none."""

    _update_rts_state = _update_break_state = _reconfigure_port
