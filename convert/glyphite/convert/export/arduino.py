"""The Arduino library as a .zip with a model in it, for "Add .ZIP Library" of the Arduino IDE.

As Arduino's library specification demands, everything lies below one folder: the library, and two
examples with the model's C beside their sketch, so that each can be opened and uploaded, or saved
under another name and changed. The example ``classify_tflm`` is left out: it needs files that only
``export --tflm`` makes.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import MOST_AVR_ARRAY_BYTES, Board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.emit.text import environment, plain_name
from glyphite.convert.compiler.ir.struct import arrays
from glyphite.convert.errors import BoardError, InputError, ModelError
from glyphite.convert.export.c_array import TEMPLATES
from glyphite.convert.files import read_bytes, write_bytes
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder

LIBRARY = FIRMWARE / "library" / "Glyphite"
ROOT = ("keywords.txt", "library.properties")
SOURCES = (".c", ".h")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the .zip, always the same: the same model gives the same bytes."""

BAUD = 115200
"""Bits per second of a sketch, where no board's file says another number."""

FILE_MODE = 0o100644 << 16
"""Unix mode: a regular file that all may read and its owner may write."""


@dataclass(frozen=True)
class ArduinoLibrary:
    """An exported library."""

    path: Path
    files: tuple[str, ...]
    """The names in the .zip, sorted."""
    compiled: Compiled
    bytes: int


def write_library(
    model: ModelFolder, board: Board | None = None, out: Path | None = None
) -> ArduinoLibrary:
    """Write the .zip, whole or not at all, by default ``build/<model>/Glyphite-<model>.zip``.

    With ``board`` the model's C is made for its processor, else for every processor. Raises
    ModelError where the model cannot be compiled, BoardError where the board is not an Arduino,
    InputError where ``out`` is not a .zip file that can be written or the model cannot be read,
    ToolError where the package that reads a .tflite is not installed.
    """
    path = _path(model, board, out)
    architecture = "" if board is None else board.mcu.architecture
    compiled = compile_model(read_bytes(model.tflite), model.name, architecture=architecture)
    if board is not None and board.is_avr and longest_array(compiled) > MOST_AVR_ARRAY_BYTES:
        raise ModelError(
            f"The model {model.name!r} cannot be exported for {board.name!r}: a layer of it has "
            f"{longest_array(compiled):,} bytes in an array, and avr-gcc takes at most "
            f"{MOST_AVR_ARRAY_BYTES:,}. Make that layer narrower, or leave out --board for C that "
            "runs on boards with other processors."
        )
    files = library_files(compiled, board)
    content = zipped(files)
    write_bytes(path, content, way_out="Name another file with --out.")
    return ArduinoLibrary(path, tuple(sorted(files)), compiled, len(content))


def longest_array(compiled: Compiled) -> int:
    """The bytes of the longest constant array in the C: avr-gcc takes MOST_AVR_ARRAY_BYTES."""
    steps = compiled.program.steps
    return max((array.nbytes for step in steps for array in arrays(step.constants)), default=0)


def library_files(compiled: Compiled, board: Board | None) -> dict[str, bytes]:
    """The files of the library: name in the .zip -> content."""
    source = LIBRARY / "src"
    paths = [path for path in source.rglob("*") if path.suffix in SOURCES]
    paths += [LIBRARY / name for name in ROOT]
    files = {path: path.read_bytes() for path in paths}
    named = {path.relative_to(LIBRARY).as_posix(): content for path, content in files.items()}
    for sketch, text in _sketches(compiled, board).items():
        texts = {f"{sketch}.ino": text, **compiled.files}
        named |= {f"examples/{sketch}/{name}": text.encode() for name, text in texts.items()}
    return {f"{LIBRARY.name}/{name}": content for name, content in named.items()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A .zip of ``files``; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix on every system, or the mode would be ignored
            entry.external_attr = FILE_MODE
            archive.writestr(entry, files[name])
    return content.getvalue()


def _sketches(compiled: Compiled, board: Board | None) -> dict[str, str]:
    """The example sketches: name -> text."""
    fits_avr = longest_array(compiled) <= MOST_AVR_ARRAY_BYTES
    every = "every board" if fits_avr else "every board but an Uno or Mega"
    processor = every if board is None else board.description
    baud = BAUD if board is None else board.serial.baud
    fields = {
        "name": plain_name(compiled.name),
        "board": processor,
        "version": __version__,
        "baud": baud,
    }
    templates = environment(TEMPLATES)
    classify = (LIBRARY / "examples" / "classify" / "classify.ino").read_text()
    _, include, rest = classify.partition("#include")  # above it: a comment on the shipped model
    head = templates.get_template("classify_head.txt.j2").render(fields)
    rate = "" if baud == BAUD else f"#define GLYPHITE_BAUD {baud}\n"
    return {
        "classify": f"{head}{rate}{include}{rest}",
        "minimal": templates.get_template("minimal.ino.j2").render(fields),
    }


def _path(model: ModelFolder, board: Board | None, out: Path | None) -> Path:
    if board is not None and board.arduino is None:
        raise BoardError(
            f"The board {board.name!r} is not an Arduino. Name one that is, as `glyphite boards` "
            "lists them, or leave out --board for C that runs on every board."
        )
    if out is None:
        name = model.name if board is None else f"{model.name}-{board.name}"
        return model.root / f"{LIBRARY.name}-{name}.zip"
    if out.is_dir():
        raise InputError(f"{out} is a folder, and a .zip file is needed. Name one with --out.")
    if out.suffix.lower() != ".zip":
        raise InputError(
            f"{out} is not named as a .zip, and the Arduino IDE takes no other. "
            f"Name it {out.name}.zip, say, with --out."
        )
    return out
