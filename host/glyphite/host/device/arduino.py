"""Builds the ``classify`` sketch with a model in it and the real Arduino core.

arduino-cli builds it where it is installed with the board's core; for boards with an AVR, Debian's
arduino-builder, which has their core, does it as well.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from glyphite.convert.boards import DEBIAN_CORE, Arduino, Board
from glyphite.convert.errors import ToolError
from glyphite.convert.export.arduino import sketch_settings
from glyphite.convert.programs import attempt
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.mlperf import Task

LIBRARIES = FIRMWARE / "library"
SKETCH = LIBRARIES / "Glyphite" / "examples" / "classify"
MLPERF_SKETCH = SKETCH.with_name("mlperf_tiny")

CLI = "https://arduino.github.io/arduino-cli/latest/installation/"
LIST_SECONDS = 60.0
"""For arduino-cli to list its cores: it reads its own folders, and may start on a slow disk."""
DEBIAN_HARDWARE = (Path("/usr/share/arduino-builder"), Path("/usr/share/arduino/hardware"))

# gcc-avr 5.4 lacks a macro that the core's Print.cpp needs.
DEFINITIONS = "-DDECIMAL_DIG=__DECIMAL_DIG__"

# A sketch that is too large is linked all the same, so that its size and parts can be reported.
ROOM = "-Wl,--defsym=__TEXT_REGION_LENGTH__=0x7F0000 -Wl,--defsym=__DATA_REGION_LENGTH__=0xF000"


def arduino_data() -> Path:
    """The folder in which arduino-cli keeps its cores and their tools."""
    if named := os.environ.get("ARDUINO_DIRECTORIES_DATA"):
        return Path(named)
    usual = {"darwin": "Library/Arduino15", "win32": "AppData/Local/Arduino15"}
    return Path.home() / usual.get(sys.platform, ".arduino15")


def find_tool(name: str) -> str | None:
    """The path of a program such as avrdude: that on the PATH, or one that a core brought."""
    if found := shutil.which(name):
        return found
    brought = sorted(arduino_data().glob("packages/*/tools/*/*/bin"), reverse=True)
    return next(filter(None, (shutil.which(name, path=str(folder)) for folder in brought)), None)


def write_sketch(folder: ModelFolder, to: Path, board: Board, task: Task | None = None) -> Path:
    """Copy the sketch and ``folder``'s generated C to ``to``/classify; returns that folder.

    The sketch has the name and the bits per second of the board file. With ``task`` it is the one
    that speaks MLPerf Tiny's protocol, in ``to``/mlperf_tiny. Raises OSError where that
    folder exists already or cannot be written.
    """
    template = SKETCH if task is None else MLPERF_SKETCH
    sketch = to / template.name
    shutil.copytree(template, sketch)
    for file in (*folder.generated.glob("*.c"), *folder.generated.glob("*.h")):
        shutil.copy(file, sketch)
    source = sketch / f"{sketch.name}.ino"
    text = source.read_text(encoding="utf-8")
    defined = (
        "".join(f"#define {name} {value}\n" for name, value in task.values.items()) if task else ""
    )
    source.write_bytes((sketch_settings(board) + defined + text).encode())
    return sketch


def sketch_command(board: Board, sketch: Path, made: Path) -> list[str]:
    """The command that builds ``sketch`` into the folder ``made``, as ``classify.ino.elf``.

    Raises ToolError where the board is not an Arduino, or nothing here builds sketches for it.
    """
    if board.arduino is None:
        raise ToolError(f"The board {board.name!r} has no FQBN, so Arduino cannot build for it.")
    fqbn, core = board.arduino.fqbn, board.arduino.core
    cli = shutil.which("arduino-cli")
    if cli and core in installed_cores():
        command = _cli_command(cli, fqbn, sketch, made)
        return _with_properties(command, "--build-property", board)
    if core == DEBIAN_CORE and shutil.which("arduino-builder"):
        command = _builder_command(fqbn, sketch, made)
        return _with_properties(command, "-prefs", board)
    raise ToolError(_absent(board, board.arduino, cli))


def installed_cores() -> frozenset[str]:
    """The cores that arduino-cli has; none where it is not installed.

    Raises ToolError where it cannot be started or does not end in time.
    """
    cli = shutil.which("arduino-cli")
    if cli is None:
        return frozenset()
    listed = attempt([cli, "core", "list"], LIST_SECONDS)
    return frozenset(line.split()[0] for line in listed.output.splitlines() if line.split())


def require_cli(board: Board, arduino: Arduino) -> str:
    """The path of arduino-cli. Raises ToolError where it, or the board's core, is missing."""
    cli = shutil.which("arduino-cli")
    if cli is None or arduino.core not in installed_cores():
        raise ToolError(_absent(board, arduino, cli))
    return cli


def _absent(board: Board, arduino: Arduino, cli: str | None) -> str:
    if cli:
        return (
            f"arduino-cli lacks the core {arduino.core} for {board.name!r}. "
            f"Install it with `{arduino.install}`."
        )
    if arduino.core == DEBIAN_CORE:
        return (
            f"Nothing here builds sketches for {board.name!r}. Install arduino-cli and its core "
            f"(`{arduino.install}`) or `sudo apt-get install {board.toolchain.package}`."
        )
    return (
        f"arduino-cli, which builds and flashes {board.name!r}, is not installed. "
        f"Install it ({CLI}) and then the board's core: `{arduino.install}`."
    )


def _cli_command(cli: str, fqbn: str, sketch: Path, made: Path) -> list[str]:
    return [
        *(cli, "compile", "--fqbn", fqbn, "--libraries", str(LIBRARIES), "--warnings", "none"),
        *("--build-path", str(made), str(sketch)),
    ]


def _builder_command(fqbn: str, sketch: Path, made: Path) -> list[str]:
    hardware = [text for path in DEBIAN_HARDWARE for text in ("-hardware", str(path))]
    return [
        *("arduino-builder", *hardware, "-tools", "/usr/bin", "-libraries", str(LIBRARIES)),
        *("-fqbn", fqbn, "-build-path", str(made), "-warnings", "none"),
        str(sketch / f"{sketch.name}.ino"),
    ]


def _with_properties(command: list[str], option: str, board: Board) -> list[str]:
    """``command`` with what the AVR's core is told beside its own settings: also the flags of the
    board file."""
    if board.arduino is None or board.arduino.core != DEBIAN_CORE:
        return command
    toolchain = board.toolchain
    compiled = " ".join((DEFINITIONS, toolchain.optimize, *toolchain.flags))
    linked = " ".join((ROOM, toolchain.optimize, *toolchain.flags, *toolchain.link_flags))
    values = {
        "compiler.cpp.extra_flags": compiled,
        "compiler.c.extra_flags": compiled,
        "compiler.c.elf.extra_flags": linked,
        "upload.maximum_size": "8388608",
        "upload.maximum_data_size": "65536",
    }
    told = (text for key, value in values.items() for text in (option, f"{key}={value}"))
    *words, source = command
    return [*words, *told, source]


def link_sketch(
    folder: ModelFolder,
    board: Board,
    image: Path,
    run: Callable[[list[str]], str],
    task: Task | None = None,
) -> str:
    """Build the sketch with ``folder``'s model; returns the output of the tool.

    Its ELF file becomes ``image``; the files to upload go to ``uploads(image)``, under the names
    that the tool gave them. ``run`` runs one command and returns its output. Raises ToolError where
    nothing here builds sketches for the board, and what ``run`` raises where the command fails.
    """
    scratch = image.parent
    sketch = write_sketch(folder, scratch, board, task)
    made = scratch / "made"
    made.mkdir()
    said = run(sketch_command(board, sketch, made))
    shutil.copy(made / f"{sketch.name}.ino.elf", image)
    uploads(image).mkdir()
    for file in made.glob(f"{sketch.name}.ino.*"):
        shutil.copy(file, uploads(image))
    return said


def uploads(image: Path) -> Path:
    """The folder, beside the image, of the files that arduino-cli uploads."""
    return image.with_name("upload")


def reported_sizes(said: str) -> tuple[int, int] | None:
    """Bytes of flash and of static RAM in the output of the tool; None where it has none.

    A core knows which of its sections are not static data: heap, stack, gaps in the memory map.
    """
    flash = re.search(r"Sketch uses (\d+) bytes", said)
    ram = re.search(r"Global variables use (\d+) bytes", said)
    return (int(flash[1]), int(ram[1])) if flash and ram else None
