"""Finds boards by the USB ids of their ports, and chooses one: by a serial number, or the only one.

What USB tells of a port comes from pyserial's ``list_ports``, on every system.
"""

import os
from dataclasses import dataclass

from serial.tools import list_ports

from glyphite.convert.boards import Board, all_boards
from glyphite.convert.errors import PortError
from glyphite.convert.text import command, printable

SERIAL = "serial:"
"""What a port begins with that is named by the serial number of its USB device."""

USB = "usb"
"""The port that is the one board which is connected by USB."""

EMULATED_ONE = "sim://native"


@dataclass(frozen=True)
class FoundPort:
    """A serial port of this PC, and what its USB device says of itself, made printable."""

    device: str
    """What names it: /dev/ttyACM0, COM3."""
    description: str
    usb_id: str | None = None
    """Vendor and product, "2341:0043"; None where it is no USB device."""
    serial_number: str | None = None
    boards: tuple[str, ...] = ()
    """The boards with that USB id."""

    @property
    def chosen_by(self) -> str:
        """What ``--port`` takes for it, and for no other: a serial number stays with the board."""
        return f"{SERIAL}{self.serial_number}" if self.serial_number else self.device

    def __str__(self) -> str:
        """For a message: a board by its name, another port by its description."""
        if not self.boards:
            return f"{self.device} ({self.description})"
        number = f" ({SERIAL}{self.serial_number})" if self.serial_number else ""
        return f"{' or '.join(self.boards)} on {self.device}{number}"


def find_ports() -> list[FoundPort]:
    """The serial ports that are there now, by name. Raises BoardError where a board file that comes
    with Glyphite has a mistake."""
    names: dict[str, list[str]] = {}
    for board in all_boards():
        for known in board.arduino.usb_ids if board.arduino else ():
            names.setdefault(known, []).append(board.name)
    found = []
    for port in list_ports.comports():
        is_usb = port.vid is not None and port.pid is not None
        usb_id = f"{port.vid:04x}:{port.pid:04x}" if is_usb else None
        found.append(
            FoundPort(
                port.device,
                printable(port.description or "no description"),
                usb_id,
                printable(port.serial_number) if port.serial_number else None,
                tuple(names.get(usb_id or "", ())),
            )
        )
    return sorted(found, key=lambda port: port.device)


def known_at(device: str, ports: list[FoundPort]) -> FoundPort | None:
    """What is told of the port ``device``, which may be a link to it, as Linux has in /dev/serial;
    None where it is none of them."""
    real = os.path.realpath(device)
    return next((port for port in ports if port.device in (device, real)), None)


def is_to_be_found(named: str | None) -> bool:
    """Whether the port has to be looked for, as ``named`` is not its name."""
    return named is None or named == USB or named.startswith(SERIAL)


def choose_port(named: str | None, board: Board | None = None) -> FoundPort:
    """The port that is meant by ``serial:NUMBER``, or by ``usb`` or None: the one with a board.

    With ``board``, the one with a board of that kind where its kind has USB ids. Raises PortError
    where there is none, or where there are several, BoardError as :func:`find_ports` does.
    """
    ports = find_ports()
    if named is not None and named.startswith(SERIAL):
        return _with_number(ports, named.removeprefix(SERIAL))
    known = [port for port in ports if port.boards]
    if board is not None and board.arduino is not None and board.arduino.usb_ids:
        known = [port for port in known if board.name in port.boards]
    if len(known) > 1:
        raise PortError(
            f"{len(known)} boards are connected: {_listed(known)}. Name the one that is meant: "
            f"`{command('--port', known[0].chosen_by)}`, say."
        )
    if not known:
        sought = "that Glyphite knows" if board is None else f"of the kind {board.named}"
        by_usb = next((port.device for port in ports if port.usb_id), EMULATED_ONE)
        raise PortError(
            f"No board {sought} is found by its USB id. {ports_found(ports)} Connect it, or name "
            f"its port: `{command('--port', by_usb)}`, say."
        )
    return known[0]


def ports_found(ports: list[FoundPort]) -> str:
    """The sentence that lists ``ports``."""
    return f"Ports found: {_listed(ports) or 'none'}."


def _with_number(ports: list[FoundPort], number: str) -> FoundPort:
    """The port whose USB device has that serial number; letters may be of either case."""
    of_number = [port for port in ports if (port.serial_number or "").lower() == number.lower()]
    if len(of_number) == 1 and number:
        return of_number[0]
    if len(of_number) > 1:
        raise PortError(
            f"Several ports have the serial number {printable(repr(number))}: "
            f"{_listed(of_number)}. Name one: `{command('--port', of_number[0].device)}`, say."
        )
    others = [port for port in ports if port.serial_number]
    way_out = others[0].chosen_by if others else EMULATED_ONE
    raise PortError(
        f"No port has the serial number {printable(repr(number))}. {ports_found(ports)} Connect "
        f"the board, or name another port: `{command('--port', way_out)}`, say."
    )


def _listed(ports: list[FoundPort]) -> str:
    return ", ".join(map(str, ports))
