"""Builds the ``classify`` sketch with a model in it, with the real Arduino core.

By arduino-cli where it is installed with the board's core, else by Debian's arduino-builder.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from convert.boards import Board
from convert.errors import ToolError
from convert.workspace import FIRMWARE, ModelFolder

LIBRARIES = FIRMWARE / "library"
SKETCH = LIBRARIES / "Glyphite" / "examples" / "classify"

DEBIAN_HARDWARE = (Path("/usr/share/arduino-builder"), Path("/usr/share/arduino/hardware"))

# gcc-avr 5.4 lacks a macro that the core's Print.cpp needs.
DEFINITIONS = "-DDECIMAL_DIG=__DECIMAL_DIG__"

# What is too large is linked all the same, so that it can be weighed and its parts be named.
ROOM = "-Wl,--defsym=__TEXT_REGION_LENGTH__=0x7F0000 -Wl,--defsym=__DATA_REGION_LENGTH__=0xF000"


def write_sketch(folder: ModelFolder, to: Path) -> Path:
    """Put the sketch and ``folder``'s generated C into ``to``/classify; returns that folder."""
    sketch = to / SKETCH.name
    shutil.copytree(SKETCH, sketch)
    for file in (*folder.generated.glob("*.c"), *folder.generated.glob("*.h")):
        shutil.copy(file, sketch)
    return sketch


def sketch_command(board: Board, sketch: Path, made: Path) -> list[str]:
    """The command that builds ``sketch`` into the folder ``made``. Raises ToolError.

    The result is ``made/classify.ino.elf``.
    """
    if board.arduino is None:
        raise ToolError(f"The board {board.name!r} has no FQBN, so Arduino cannot build for it.")
    fqbn = board.arduino.fqbn
    core = ":".join(fqbn.split(":")[:2])
    cli = shutil.which("arduino-cli")
    if cli and _has_core(cli, core):
        return _cli_command(cli, fqbn, sketch, made)
    if core == "arduino:avr" and shutil.which("arduino-builder"):
        return _builder_command(fqbn, sketch, made)
    raise ToolError(_absent(board, core, cli))


def _has_core(cli: str, core: str) -> bool:
    listed = subprocess.run([cli, "core", "list"], capture_output=True, text=True, check=False)
    return any(line.split()[:1] == [core] for line in listed.stdout.splitlines())


def _absent(board: Board, core: str, cli: str | None) -> str:
    if cli:
        mend = f"arduino-cli core install {core}"
        return f"arduino-cli lacks the core {core} for {board.name!r}. Install it with `{mend}`."
    by_debian = f" or `sudo apt-get install {board.toolchain.package}`"
    return (
        f"Nothing here builds sketches for {board.name!r}. Install arduino-cli and its core "
        f"(`arduino-cli core install {core}`){by_debian if core == 'arduino:avr' else ''}."
    )


def _cli_command(cli: str, fqbn: str, sketch: Path, made: Path) -> list[str]:
    return [
        *(cli, "compile", "--fqbn", fqbn, "--libraries", str(LIBRARIES), "--warnings", "none"),
        *("--build-path", str(made), *_properties("--build-property", fqbn), str(sketch)),
    ]


def _builder_command(fqbn: str, sketch: Path, made: Path) -> list[str]:
    hardware = [text for path in DEBIAN_HARDWARE for text in ("-hardware", str(path))]
    return [
        *("arduino-builder", *hardware, "-tools", "/usr/bin", "-libraries", str(LIBRARIES)),
        *("-fqbn", fqbn, "-build-path", str(made), "-warnings", "none"),
        *_properties("-prefs", fqbn),
        str(sketch / f"{sketch.name}.ino"),
    ]


def _properties(option: str, fqbn: str) -> list[str]:
    if not fqbn.startswith("arduino:avr:"):
        return []
    values = {
        "compiler.cpp.extra_flags": DEFINITIONS,
        "compiler.c.extra_flags": DEFINITIONS,
        "compiler.c.elf.extra_flags": ROOM,
        "upload.maximum_size": "8388608",
        "upload.maximum_data_size": "65536",
    }
    return [text for key, value in values.items() for text in (option, f"{key}={value}")]


def link_sketch(
    folder: ModelFolder, board: Board, image: Path, run: Callable[[list[str]], None]
) -> None:
    """Build the sketch with ``folder``'s model; its ELF file becomes ``image``.

    ``run`` runs one command and raises when it fails.
    """
    scratch = image.parent
    sketch = write_sketch(folder, scratch)
    made = scratch / "made"
    made.mkdir()
    run(sketch_command(board, sketch, made))
    shutil.copy(made / f"{sketch.name}.ino.elf", image)
