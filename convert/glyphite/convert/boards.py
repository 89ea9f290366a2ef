"""Board files: one TOML file per board in ``firmware/boards``, read strictly.

An unknown key is an error, so that a typo is found. What a board does not have, such as the memory
limits of the native board, is left out.
"""

import difflib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.documents import MOST_SHOWN, read_toml
from glyphite.convert.errors import BoardError
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.text import command, printable

BOARDS = FIRMWARE / "boards"
PORTS = FIRMWARE / "ports"
EMULATORS = ("process", "qemu", "simavr")
DEBIAN_NAME = "[a-z0-9][a-z0-9+.-]*"
PATH_DIGITS = 8
"""Of the SHA-256 of a path: as many as tell board files apart."""
MOST_AVR_ARRAY_BYTES = 32_767
"""Of an array, for avr-gcc, whose sizes have 16 bits."""
DEBIAN_CORE = "arduino:avr"
"""The Arduino core that Debian has, and the one whose compiler takes the flags of a board file."""
CORES_OPTIMIZE = "-Os"
"""What every other core compiles with."""
MAY_BE_ZERO = ("flash_origin", "ram_origin", "interrupt")


@dataclass(frozen=True)
class Mcu:
    """The processor."""

    architecture: str
    cpu: str
    timer_hz: int
    """Ticks per second of the timer with which the firmware measures time."""
    clock_hz: int | None = None
    """Absent where it is not fixed, as on this PC."""


@dataclass(frozen=True)
class Memory:
    """The limits of the board, in bytes."""

    flash: int
    ram: int
    stack: int
    """The part of the RAM that is kept free for the stack."""
    flash_origin: int | None = None
    """Address of the first byte of flash; absent where the port's own memory map has it."""
    ram_origin: int | None = None
    """Address of the first byte of RAM; absent like that of the flash."""


@dataclass(frozen=True)
class Toolchain:
    """What builds the firmware."""

    cc: str
    """The compiler. It is run, with ``flags``: a board file is trusted as a Makefile is."""
    port: str
    """The folder in ``firmware/ports`` with start-up code, serial line and clock; "arduino": the
    Arduino core has them, and the sketch is the application."""
    optimize: str
    """The level, after that of the Arduino core where one builds. Only the AVR's takes another."""
    package: str | None = None
    """The Debian packages that have the compiler; absent where the Arduino core brings it."""
    flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class SerialLine:
    """The board's serial line."""

    baud: int
    receive_buffer: int
    """Bytes that may arrive while the model runs."""
    address: int | None = None
    """Address of the UART's registers; absent where the port has it."""
    interrupt: int | None = None
    """Number of the UART's receive interrupt; absent where the port has it."""


@dataclass(frozen=True)
class Emulator:
    """How the board runs without hardware."""

    kind: str
    """One of ``EMULATORS``."""
    program: str | None = None
    """It is run, as ``cc`` of the toolchain is."""
    package: str | None = None
    """The Debian package that has the program."""
    machine: str | None = None
    instructions_per_tick: int | None = None
    """Set where the emulator's timer counts instructions, not cycles."""
    bootloader: str | None = None
    """Source or .hex in the Arduino core's ``bootloaders``, for a board that is flashed."""
    boot_address: int | None = None
    """Where the bootloader begins, in bytes."""


@dataclass(frozen=True)
class Arduino:
    """How the Arduino tools know the board."""

    fqbn: str
    """The fully qualified board name: "arduino:avr:uno"."""
    usb_ids: tuple[str, ...] = ()
    """Vendor and product id of its USB port, "2341:0043". The ids of a USB-to-serial converter that
    many boards have are left out, as they do not tell boards apart."""
    index_url: str | None = None
    """Where arduino-cli finds the core; absent for a core of Arduino's own."""
    part: str | None = None
    """avrdude's name of the chip."""
    programmer: str | None = None
    """avrdude's name of the bootloader's protocol."""

    @property
    def core(self) -> str:
        """The core of the board: "arduino:avr"."""
        return ":".join(self.fqbn.split(":")[:2])

    @property
    def install(self) -> str:
        """The command that installs the core."""
        urls = ("--additional-urls", self.index_url) if self.index_url else ()
        return command("arduino-cli", "core", "install", self.core, *urls)


@dataclass(frozen=True)
class BoardFile:
    """What a board file holds."""

    name: str
    description: str
    mcu: Mcu
    toolchain: Toolchain
    serial: SerialLine
    memory: Memory | None = None
    """Absent where there is no limit to check against."""
    emulator: Emulator | None = None
    """Absent where the board is not emulated."""
    arduino: Arduino | None = None
    """Present where the firmware is a sketch that the Arduino tools build and flash."""


@dataclass(frozen=True)
class Board(BoardFile):
    """A board, as its file says."""

    path: Path = Path()
    """The file it was read from."""

    @property
    def named(self) -> str:
        """What a command calls it: its name, or the path of a file of the user's own."""
        if self.path.parent == BOARDS:
            return self.name
        here = Path.cwd()
        path = str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)
        return f".{os.sep}{path}" if path.startswith("-") else path

    @property
    def key(self) -> str:
        """What its files go by: its name, and for a file of the user's own digits of its path, as
        another one may have that name."""
        if self.path.parent == BOARDS:
            return self.name
        return f"{self.name}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:PATH_DIGITS]}"

    @property
    def is_avr(self) -> bool:
        """Whether its processor is an AVR, as an Uno's."""
        return self.mcu.architecture.startswith("avr")

    @property
    def definitions(self) -> tuple[str, ...]:
        """What ``firmware/ports`` needs to know of the board, as ``-D`` options of the compiler."""
        values = {
            "BOARD_NAME": f'"{self.name}"',
            "CLOCK_HZ": self.mcu.clock_hz or 0,
            "TIMER_HZ": self.mcu.timer_hz,
            "BAUD": self.serial.baud,
            "RECEIVE_BUFFER": self.serial.receive_buffer,
            "UART": self.serial.address,
            "UART_INTERRUPT": self.serial.interrupt,
        }
        return tuple(
            f"-DGLYPHITE_{name}={value}" for name, value in values.items() if value is not None
        )


def load_board(name_or_path: str) -> Board:
    """The board of that name, or of the board file (.toml) at that path.

    Raises BoardError where there is no such board, its file is not TOML, a key is unknown or
    missing, or a value is of the wrong type or cannot be used; InputError where it cannot be read.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = BOARDS / f"{name_or_path}.toml"
        if name_or_path not in _names():
            near = difflib.get_close_matches(name_or_path[:MOST_SHOWN], _names(), 1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise BoardError(
                f"No board called {_quoted(name_or_path)}. {meant}There are: "
                f"{', '.join(_names())}. Name one of them, or the path of a board file (.toml)."
            )
    return _check(_read(path))


def known_board(name: str) -> Board | None:
    """The board called ``name`` that comes with the project, or None.

    For a name from outside, such as a board's own: it is never taken for the path of a file. Raises
    BoardError where that board's file has a mistake.
    """
    return load_board(name) if name in _names() else None


def all_boards() -> list[Board]:
    """Every board that comes with the project, sorted by name.

    Raises BoardError where one of their files has a mistake.
    """
    return [load_board(name) for name in _names()]


def _names() -> list[str]:
    return sorted(path.stem for path in BOARDS.glob("*.toml"))


def _read(path: Path) -> Board:
    if os.path.lexists(path):  # no error for a name that no file can have, unlike Path's
        found = read_toml(path, BoardFile, "Correct it there.", BoardError)
        return Board(**vars(found), path=path.resolve())
    raise BoardError(f"No such board file: {printable(str(path))}. Check the path.")


def _quoted(text: str) -> str:
    """A value of a board file, for a message: what is too long for that is cut."""
    return printable(repr(text), MOST_SHOWN)


def _check(board: Board) -> Board:
    _ensure_name_is_usable(board)
    _ensure_numbers_are_usable(board)
    _ensure_stack_fits(board)
    _ensure_port_exists(board)
    _ensure_arduino_is_usable(board)
    _ensure_emulator_is_known(board)
    _ensure_packages_are_names(board)
    return board


def _ensure_name_is_usable(board: Board) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", board.name):
        raise BoardError(
            f"{board.path}: the name {_quoted(board.name)} cannot be used. "
            "At most 31 lower-case letters, digits and '-' are allowed."
        )
    if board.path.parent != BOARDS and board.name in _names():
        raise BoardError(
            f"{board.path}: a board that comes with Glyphite is called {_quoted(board.name)}, and "
            "files go by that name. Give yours another one there."
        )
    if board.path.parent == BOARDS and board.path.stem != board.name:
        raise BoardError(
            f"{board.path}: the board calls itself {_quoted(board.name)}. "
            f"Rename the file to {board.name}.toml."
        )


def _ensure_numbers_are_usable(board: Board) -> None:
    for table in (board.mcu, board.memory, board.serial, board.emulator):
        for key, value in vars(table).items() if table else ():
            least = 0 if key in MAY_BE_ZERO else 1
            if isinstance(value, int) and not least <= value < 1 << 32:
                raise BoardError(
                    f"{board.path}: {key!r} is {value}. A number of {least} to 2^32 - 1 is needed."
                )


def _ensure_stack_fits(board: Board) -> None:
    if board.memory and board.memory.stack >= board.memory.ram:
        raise BoardError(
            f"{board.path}: a stack of {board.memory.stack} bytes leaves nothing of "
            f"{board.memory.ram} bytes of RAM. Make 'memory.stack' smaller."
        )


def _ensure_port_exists(board: Board) -> None:
    if board.arduino is not None and board.toolchain.port == "arduino":
        return
    known = sorted(path.parent.name for path in PORTS.glob("*/port.c"))
    if board.toolchain.port not in known:
        port = _quoted(board.toolchain.port)
        raise BoardError(f"{board.path}: there is no port {port}. Known ports: {', '.join(known)}.")


def _ensure_arduino_is_usable(board: Board) -> None:
    arduino = board.arduino
    if arduino is None:
        return
    if not re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+(:[\w.=,-]+)?", arduino.fqbn):
        raise BoardError(
            f"{board.path}: 'arduino.fqbn' is {_quoted(arduino.fqbn)}. "
            "PACKAGE:ARCHITECTURE:BOARD is needed, as `arduino-cli board listall` prints it."
        )
    _ensure_core_takes_flags(board, arduino)
    for usb_id in arduino.usb_ids:
        if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", usb_id):
            raise BoardError(
                f"{board.path}: the USB id {_quoted(usb_id)} cannot be "
                "used. Vendor and product are needed, four lower-case hexadecimal digits each: "
                "'2341:0043'."
            )


def _ensure_core_takes_flags(board: Board, arduino: Arduino) -> None:
    """What a core would ignore is not recorded as what the firmware was built with."""
    toolchain = board.toolchain
    given = {"optimize": toolchain.optimize, "link_flags": " ".join(toolchain.link_flags)}
    allowed = {"optimize": CORES_OPTIMIZE, "link_flags": ""}
    for key, value in given.items():
        if arduino.core != DEBIAN_CORE and value != allowed[key]:
            needed = f"Say {allowed[key]!r}" if allowed[key] else "Remove it"
            raise BoardError(
                f"{board.path}: 'toolchain.{key}' is {_quoted(value)}, and the core "
                f"{arduino.core} compiles with options of its own alone. {needed} there."
            )


def _ensure_emulator_is_known(board: Board) -> None:
    emulator = board.emulator
    if emulator is None:
        return
    if emulator.kind not in EMULATORS:
        raise BoardError(
            f"{board.path}: the emulator kind {_quoted(emulator.kind)} is not known. "
            f"Known kinds: {', '.join(EMULATORS)}."
        )
    needed = (emulator.program, emulator.package, emulator.machine)
    if emulator.kind == "qemu" and None in needed:
        raise BoardError(
            f"{board.path}: a qemu emulator needs 'program', 'package' and 'machine'. Add them."
        )
    if emulator.kind == "simavr" and None in (emulator.bootloader, emulator.boot_address):
        raise BoardError(
            f"{board.path}: a simavr emulator needs 'bootloader' and 'boot_address'. Add them."
        )


def _ensure_packages_are_names(board: Board) -> None:
    """They stand in commands that are printed to be typed."""
    for table in (board.toolchain, board.emulator):
        packages = table.package if table else None
        if packages and not re.fullmatch(rf"{DEBIAN_NAME}( {DEBIAN_NAME})*", packages):
            raise BoardError(
                f"{board.path}: 'package' is {_quoted(packages)}. Names of Debian packages with "
                "one space between them are needed."
            )
