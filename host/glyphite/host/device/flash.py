"""Flashes a built sketch onto an Arduino, real or emulated, and waits for its hello.

avrdude flashes boards with an AVR through their bootloader, arduino-cli all others.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Arduino, Board, load_board
from glyphite.convert.errors import BoardError, LinkError, ToolError
from glyphite.convert.files import temporary_folder
from glyphite.convert.programs import READ_SECONDS, Running, run
from glyphite.convert.progress import Progress
from glyphite.convert.text import command, printable
from glyphite.host.device.arduino import find_tool
from glyphite.host.device.bootloader import identify
from glyphite.host.device.packages import install
from glyphite.host.device.said import keep_said
from glyphite.host.device.session import connect
from glyphite.host.device.transport import is_emulated, open_port
from glyphite.host.device.transport.avr import flash_file
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.firmware_files import emulated_board, record_firmware
from glyphite.host.device.upload import upload
from glyphite.host.device.wire.messages import Hello

TRIES = 3
"""Each try opens the port anew, and so resets the board."""

SYNC_SECONDS = 6.0
"""Seconds to wait for the bootloader of a real board, which answers within two; avrdude would wait
a minute."""

HELLO_SECONDS = 30.0
"""Seconds for the sketch to answer: the bootloader runs first, on a slow emulator for long."""

STALL_SECONDS = 20.0
"""Seconds without progress after which writing or reading back a real board is given up."""

EMULATED_SECONDS = 600.0
"""In place of both for an emulated board, whose bootloader waits for avrdude as long as it takes:
avrdude ends by itself, and this machine may be busy."""

STEPS = 100
"""Steps of progress in all: half for writing, half for reading back."""


@dataclass(frozen=True)
class Flashed:
    """A sketch that is on the board, has been read back and has answered hello."""

    tries: int
    seconds: float
    hello: Hello
    port: str
    """The port of the board now: one with USB of its own may come back under another name."""


class _NoSyncError(Exception):
    """The bootloader does not answer, or has stopped answering."""


def require_flashable(board: Board, port: str) -> None:
    """Make sure, before its firmware is built, that ``board`` is flashed and ``port`` can be one.

    Raises BoardError where not.
    """
    _arduino(board)
    if is_emulated(port):
        _emulated(port)


def flash(image: Path, board: Board, port: str, sha256: str, progress: Progress) -> Flashed:
    """Flash the sketch ``image`` (.elf) onto the board at ``port``; its model has to be ``sha256``.

    Raises BoardError where the board is another one or is not flashed, PortError where the port
    cannot be opened, LinkError where the bootloader or then the sketch does not answer or what is
    read back differs, ToolError where avrdude, arduino-cli or the emulator is missing or fails,
    InputError where what they said cannot be kept.
    """
    arduino = _arduino(board)
    start = time.monotonic()
    if arduino.part is None:
        port, tries = upload(image, board, arduino, port), 1
        progress(STEPS)
    else:
        tries = _flash_by_avrdude(arduino, board, image, port, progress)
    seconds = time.monotonic() - start
    with connect(port, sha256, HELLO_SECONDS, board.serial.baud) as session:
        return Flashed(tries, seconds, session.board, port)


def _flash_by_avrdude(
    arduino: Arduino, board: Board, image: Path, port: str, progress: Progress
) -> int:
    if is_emulated(port):
        _ensure_same_bootloader(arduino, board, port)
    else:
        open_port(port, 115200).close()  # raises PortError if the port cannot be used
    with temporary_folder() as scratch:
        command = _avrdude(arduino, board, _intel_hex(image, scratch))
        return _try(command, board, port, progress)


def _arduino(board: Board) -> Arduino:
    arduino = board.arduino
    if arduino is None or (arduino.part is None) != (arduino.programmer is None):
        raise BoardError(
            f"The board {board.name!r} is not flashed. Build for it with `{_build(board)}`."
        )
    return arduino


def _build(board: Board) -> str:
    return command("glyphite", "build", "MODEL", "--board", board.named)


@contextmanager
def _device(port: str) -> Iterator[str]:
    """The device that avrdude opens; an emulated board keeps what is written into its flash."""
    if not is_emulated(port):
        yield port
        return
    board = _emulated(port)
    flash = flash_file(board)
    with EmulatedBoard(board, flash, ("--keep",)) as emulated:
        yield emulated.terminal
    record_firmware(board, flash)


def _emulated(port: str) -> Board:
    board = load_board(emulated_board(port))
    if board.emulator is None:
        raise BoardError(
            f"The board {board.name!r} is not emulated. Connect one and name its port, or name an "
            "emulated board: `glyphite boards` lists them."
        )
    if board.arduino is None:
        raise BoardError(
            f"The emulated board {board.name!r} is not flashed. "
            f"Build for it with `{_build(board)}`."
        )
    return board


def _intel_hex(image: Path, scratch: Path) -> Path:
    objcopy = find_tool("avr-objcopy")
    if objcopy is None:
        raise ToolError(f"avr-objcopy is not installed. {install('gcc-avr')}")
    made = scratch / "sketch.hex"
    command = [objcopy, "-O", "ihex", "-R", ".eeprom", str(image), str(made)]
    failure = f"{image} is not a sketch for an AVR"
    run(command, READ_SECONDS, failure=failure, remedy="Build it again.")
    return made


def _avrdude(arduino: Arduino, board: Board, program: Path) -> list[str]:
    """The command, which ends with the option for a device."""
    avrdude = find_tool("avrdude")
    if avrdude is None:
        raise ToolError(f"avrdude, which flashes Arduinos, is not installed. {install('avrdude')}")
    settings = Path(avrdude).parent.parent / "etc" / "avrdude.conf"
    brought = ("-C", str(settings)) if settings.is_file() else ()  # by a core of arduino-cli
    return [
        *(avrdude, *brought, "-p", str(arduino.part), "-c", str(arduino.programmer)),
        *("-b", str(board.serial.baud), "-D", "-U", f"flash:w:{program}:i", "-P"),
    ]


def _try(command: list[str], board: Board, port: str, progress: Progress) -> int:
    """Run avrdude until it succeeds; returns the number of tries."""
    done = 0

    def proceed(steps: int) -> None:
        nonlocal done
        if steps > done:
            progress(steps - done)
            done = steps

    for number in range(1, TRIES + 1):
        try:
            with _device(port) as device:
                _run([*command, device], board, port, proceed)
            proceed(STEPS)
            return number
        except _NoSyncError:
            if number == 1 and not is_emulated(port):
                _ensure_no_other_board(board, port)
    raise LinkError(_no_sync(board, port))


def _no_sync(board: Board, port: str) -> str:
    if is_emulated(port):
        return (
            f"avrdude and the bootloader of the emulated board on {port} did not understand each "
            f"other in {TRIES} tries. Try again when this machine has less to do; if it stays so, "
            f"check 'emulator' and 'arduino' in {board.path}."
        )
    return (
        f"The bootloader of the board on {port} is not in sync: it answered none of {TRIES} tries. "
        f"Likely the board is not a {board.name!r}, or opening the port does not reset it: press "
        "its reset button as flashing starts, and check the cable."
    )


def _run(command: list[str], board: Board, port: str, proceed: Progress) -> None:
    """Run avrdude once. Raises _NoSyncError, or the error to show."""
    output = b""
    with Running(command, heard=True) as avrdude:
        for piece in _listen(avrdude, emulated=is_emulated(port)):
            output += piece
            proceed(min(STEPS, _bars(output)))
        code = avrdude.wait(STALL_SECONDS)
    if code != 0:
        raise _failure(output.decode(errors="replace"), board, port)


def _listen(avrdude: Running, *, emulated: bool) -> Iterator[bytes]:
    """The output of avrdude in pieces; _NoSyncError where none comes for too long."""
    end = time.monotonic() + (EMULATED_SECONDS if emulated else SYNC_SECONDS)
    begun = False
    while piece := avrdude.hear(end - time.monotonic()):
        yield piece
        begun = begun or b"initialized" in piece
        if begun:
            end = time.monotonic() + (EMULATED_SECONDS if emulated else STALL_SECONDS)
    if piece is None:
        raise _NoSyncError


def _bars(output: bytes) -> int:
    """The steps that avrdude has done: it draws a bar of 50 signs for each of its two parts."""
    return sum(len(bar) for bar in re.findall(rb"(?:Writing|Reading) \| (#*)", output))


def _failure(output: str, board: Board, port: str) -> Exception:
    """The exception for the output of a run of avrdude that failed."""
    found = re.search(r"device signature = 0x(\w+)(?: \(probably (\w+)\))?", output)
    if found and "expected signature" in output:
        return BoardError(
            f"The board on {port} has the chip {found[2] or 'unknown'} (signature {found[1]}), and "
            f"{board.name!r} has an {board.mcu.cpu}. Name the board that it is: see "
            "`glyphite boards`."
        )
    if "not in sync" in output or "timeout" in output or "not responding" in output:
        return _NoSyncError()
    if mismatch := re.search(r"verification (?:error|mismatch).*", output):
        said = printable(mismatch[0].strip())
        return LinkError(
            f"What was written to the board on {port} reads back otherwise ({said})."
            " Flash it again; if it stays so, its flash is worn out or its cable is bad."
        )
    if "cannot open port" in output:
        return LinkError(
            f"avrdude cannot open {port}. Is another program using it? Close it there."
        )
    lines = [line for line in output.splitlines() if "error" in line and "TIOCM" not in line]
    said = printable(lines[-1].strip().rstrip(".")) if lines else "nothing"
    kept = keep_said("avrdude", output)
    return ToolError(
        f"avrdude failed at {port} and said: {said}. All that it said is in {kept}. Fix that and "
        "flash again."
    )


def _ensure_same_bootloader(arduino: Arduino, board: Board, port: str) -> None:
    """BoardError where the emulated board's bootloader speaks another protocol."""
    there = _emulated(port)
    if there.arduino and there.arduino.programmer != arduino.programmer:
        raise _other_board(board, port, [there.named])


def _ensure_no_other_board(board: Board, port: str) -> None:
    """Try the protocols of other boards' bootloaders; BoardError where one answers."""
    if others := identify(port, board):
        raise _other_board(board, port, others)


def _other_board(board: Board, port: str, others: list[str]) -> BoardError:
    return BoardError(
        f"The board on {port} is not a {board.name!r}: its bootloader is that of "
        f"{' or '.join(others)}. Name the board that it is: `--board {others[0]}`."
    )
