"""Emulated Arduinos: their emulator, compiled at first use, and the content of their flash.

The image of a board's flash has all of its bytes, with the bootloader. That of a board that was
flashed is kept as ``build/.boards/<board>.flash``.
"""

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from glyphite.convert.boards import Board, Emulator
from glyphite.convert.errors import InputError, ToolError
from glyphite.convert.files import read_bytes, temporary_folder
from glyphite.convert.hold import write_shared
from glyphite.convert.programs import COMPILE_SECONDS
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.text import command, printable
from glyphite.convert.workspace import build_root
from glyphite.host.device.said import run_kept

SOURCES = FIRMWARE / "emulators" / "avr"
HEADER = Path("/usr/include/simavr/sim_avr.h")
CORES = (
    Path("/usr/share/arduino/hardware/arduino/avr"),
    *sorted((Path.home() / ".arduino15/packages/arduino/hardware/avr").glob("*"), reverse=True),
)
"""Where Debian and arduino-cli put the Arduino core for AVR."""

STACK_OVERFLOW = 3
"""The emulator's exit code after a stack overflow."""

ELF_MAGIC = b"\x7fELF"
ELF_MACHINE = b"\x53\0"
"""What an AVR's ELF file says of the processor, in its bytes 18 and 19."""

ENDINGS = {
    STACK_OVERFLOW: "the stack of the sketch ran into its static data",
    4: "the sketch jumped to an address without a program",
}
"""Exit code of an emulator that ended by itself -> the reason."""

CC_FLAGS = ("-std=c99", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")

# Debian's gcc-avr 5.4 compiles Optiboot to 532 bytes, and there is room for 512; without two loop
# optimizations it has 502.
BOOTLOADER_FLAGS = (
    *("-Os", "-fno-inline-small-functions", "-fno-split-wide-types", "-mshort-calls"),
    *("-fno-move-loop-invariants", "-fno-tree-scev-cprop", "-DLED_START_FLASHES=3"),
    *("-nostartfiles", "-nostdlib", "-Wl,--relax", "-Wl,--gc-sections"),
)


def avr_command(board: Board, image: Path, extra: Sequence[str] = ()) -> list[str]:
    """The command that runs ``image``, a whole flash (.flash) or a firmware (.elf), on ``board``.

    Raises ToolError where the board is not emulated by simavr, or the emulator or its tools are not
    installed or fail; InputError where ``image`` cannot be read.
    """
    emulator = _emulator(board)
    flash = image if image.suffix == ".flash" else _kept_flash_with(board, image)
    return [
        *(str(emulator_program(board)), "--mcu", board.mcu.cpu),
        *("--clock", str(board.mcu.clock_hz), "--baud", str(board.serial.baud)),
        *("--boot", str(emulator.boot_address), "--flash", str(flash), *extra),
    ]


def flash_file(board: Board) -> Path:
    """The image of the flash that is kept for the emulated ``board``; a new one is erased.

    Raises ToolError and InputError as :func:`erased_flash` does.
    """
    path = build_root() / ".boards" / f"{board.key}.flash"
    if not path.is_file():
        write_shared(path, erased_flash(board))
    return path


def erased_flash(board: Board) -> bytes:
    """The content of a flash with nothing but the bootloader in it.

    Raises ToolError where the board is not emulated by simavr, the Arduino core or a tool of the
    compiler is not installed or fails, or the bootloader is too large; InputError where the core
    lacks the bootloader.
    """
    emulator = _emulator(board)
    address = emulator.boot_address or 0
    flash = bytearray(b"\xff" * _flash_size(address))
    bootloader = _bootloader(board, emulator)
    if address + len(bootloader) > len(flash):
        raise ToolError(
            f"The bootloader {emulator.bootloader} takes {len(bootloader)} bytes, and "
            f"{len(flash) - address} are there for it. Install Debian 12's gcc-avr (5.4)."
        )
    flash[address : address + len(bootloader)] = bootloader
    return bytes(flash)


def flash_with(board: Board, firmware: Path) -> bytes:
    """The content of an erased flash with the sketch ``firmware`` (.elf) in it.

    Raises InputError where ``firmware`` cannot be read or is of another processor, ToolError as
    :func:`erased_flash` does.
    """
    if not _is_avr(firmware):
        build = command("glyphite", "build", "MODEL", "--board", board.named)
        raise InputError(
            f"{printable(str(firmware))} is no firmware for {board.name!r}, whose processor is an "
            f"AVR. Build one with `{build}`."
        )
    program = _program(firmware)
    return program + erased_flash(board)[len(program) :]


def is_in_flash(firmware: Path, flash: bytes) -> bool:
    """Whether the content of a flash begins with the sketch ``firmware`` (.elf).

    That of another processor is never asked of avr-objcopy, which does not know it. Raises
    InputError where ``firmware`` cannot be read, ToolError where avr-objcopy is missing or fails.
    """
    return _is_avr(firmware) and flash.startswith(_program(firmware))


def _is_avr(firmware: Path) -> bool:
    content = read_bytes(firmware)
    return content[:4] == ELF_MAGIC and content[18:20] == ELF_MACHINE


def _program(firmware: Path) -> bytes:
    return _binary(firmware, "-R", ".eeprom", "-R", ".fuse", "-R", ".lock", "-R", ".signature")


def emulator_program(board: Board) -> Path:
    """The path of the emulator, compiled if its sources have changed since the last time.

    Raises ToolError where libsimavr or the C compiler is not installed or fails, and where the
    system is not Linux.
    """
    if sys.platform != "linux":
        raise ToolError(
            f"Arduinos are emulated on Linux alone, so {board.name!r} is not here. Name the port "
            "of a real one, or use sim://native or WSL."
        )
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    program = build_root() / ".tools" / f"avr_board-{digest[:16]}"
    if not program.is_file():
        if not HEADER.is_file():
            raise ToolError(
                f"libsimavr, which emulates Arduinos, is not installed. Install it with "
                f"`sudo apt-get install {_emulator(board).package}`."
            )
        units = [str(source) for source in sources if source.suffix == ".c"]
        made = _make("cc", *CC_FLAGS, *units, "-lsimavr")
        write_shared(program, made, executable=True)
    return program


def _flash_size(boot_address: int) -> int:
    """The bootloader is at the end of the flash, whose size is a power of two."""
    return 1 << boot_address.bit_length()


def _kept_flash_with(board: Board, firmware: Path) -> Path:
    """The flash of :func:`flash_with` as a file whose name is a hash of its content."""
    flash = flash_with(board, firmware)
    name = hashlib.sha256(flash).hexdigest()[:16]
    path = build_root() / ".boards" / f"{board.key}-{name}.flash"
    if not path.is_file():
        write_shared(path, flash)
    return path


def _bootloader(board: Board, emulator: Emulator) -> bytes:
    path = _core() / "bootloaders" / str(emulator.bootloader)
    if path.suffix == ".hex":
        return _binary(path, "-I", "ihex")
    address = emulator.boot_address or 0
    version = _flash_size(address) - 2
    content = _make(
        *("avr-gcc", f"-mmcu={board.mcu.cpu}", f"-DF_CPU={board.mcu.clock_hz}L"),
        *(f"-DBAUD_RATE={board.serial.baud}", *BOOTLOADER_FLAGS),
        *(f"-Wl,--section-start=.text={address:#x}", f"-Wl,--section-start=.version={version:#x}"),
        str(path),
    )
    with temporary_folder() as scratch:
        elf = scratch / "bootloader.elf"
        elf.write_bytes(content)
        return _binary(elf, "--set-section-flags", ".version=alloc,load")


def _core() -> Path:
    for core in CORES:
        if (core / "bootloaders").is_dir():
            return core
    raise ToolError(
        "The Arduino core for AVR, which has the bootloaders, is not installed. "
        "Install it with `sudo apt-get install arduino-core-avr`."
    )


def _binary(source: Path, *options: str) -> bytes:
    """The bytes of memory that ``source`` defines, from its lowest address on."""
    read_bytes(source)
    with temporary_folder() as scratch:
        made = scratch / "image.bin"
        _run(["avr-objcopy", *options, "-O", "binary", str(source), str(made)])
        return made.read_bytes()


def _make(compiler: str, *arguments: str) -> bytes:
    """The output file of the compiler."""
    with temporary_folder() as scratch:
        made = scratch / "made"
        _run([compiler, *arguments, "-o", str(made)])
        return made.read_bytes()


def _run(command: list[str]) -> None:
    package = "build-essential" if command[0] == "cc" else "gcc-avr avr-libc"
    if shutil.which(command[0]) is None:
        raise ToolError(
            f"{command[0]} is not installed. Install it with `sudo apt-get install {package}`."
        )
    failure = f"{command[0]} cannot make what the emulated board needs"
    remedy = f"Install it anew: `sudo apt-get install --reinstall {package}`."
    run_kept(command, COMPILE_SECONDS, failure=failure, remedy=remedy)


def _emulator(board: Board) -> Emulator:
    if board.emulator is None or board.emulator.kind != "simavr":
        raise ToolError(f"The board {board.name!r} is not emulated by simavr. Name uno, say.")
    return board.emulator
