"""The Arduino library as a .zip with a model in it, for "Add .ZIP Library" of the Arduino IDE.

As Arduino's library specification demands, everything lies below one folder: the library, and
examples with the model's C beside their sketch, so that each can be opened and uploaded, or saved
under another name and changed. The example ``classify_tflm`` is left out: it needs files that only
``export --tflm`` makes. So is the model that the library itself comes with.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import MOST_AVR_ARRAY_BYTES, Board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.emit.text import environment, plain_name
from glyphite.convert.errors import BoardError, InputError
from glyphite.convert.export.avr_arrays import longest_array, require_short_arrays
from glyphite.convert.export.c_array import TEMPLATES
from glyphite.convert.export.samples import DIGITS, Samples
from glyphite.convert.files import read_bytes, write_bytes
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder

LIBRARY = FIRMWARE / "library" / "Glyphite"
ROOT = ("LICENSE", "README.md", "keywords.txt", "library.json", "library.properties")
OWN_MODEL = "uno"
"""The folder, in ``src``, of the model that the library itself comes with."""
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
    samples: Samples | None
    """What its example for the serial monitor shows."""


def write_library(
    model: ModelFolder,
    board: Board | None = None,
    out: Path | None = None,
    samples: Callable[[Compiled], Samples] | None = None,
) -> ArduinoLibrary:
    """Write the .zip, whole or not at all, by default ``build/<model>/Glyphite-<model>.zip``.

    With ``board`` the model's C is made for its processor, else for every processor; ``samples``
    gives what an example for the serial monitor shows, which is left out without them. Raises
    ModelError where the model cannot be compiled, BoardError where the board is not an Arduino,
    InputError where ``out`` is not a .zip file that can be written or the model cannot be read,
    ToolError where the package that reads a .tflite is not installed.
    """
    path = _path(model, board, out)
    architecture = "" if board is None else board.mcu.architecture
    compiled = compile_model(read_bytes(model.tflite), model.name, architecture=architecture)
    require_short_arrays(compiled, board)
    shown = samples(compiled) if samples else None
    files = library_files(compiled, board, shown)
    content = zipped(files)
    write_bytes(path, content, way_out="Name another file with --out.")
    return ArduinoLibrary(path, tuple(sorted(files)), compiled, len(content), shown)


def library_files(
    compiled: Compiled, board: Board | None, samples: Samples | None = None
) -> dict[str, bytes]:
    """The files of the library: name in the .zip -> content."""
    sources = [path for path in (LIBRARY / "src").rglob("*") if path.suffix in SOURCES]
    paths = [path for path in sources if OWN_MODEL not in path.relative_to(LIBRARY).parts]
    paths += [LIBRARY / name for name in ROOT] + [DIGITS]
    files = {path: path.read_bytes() for path in paths}
    named = {path.relative_to(LIBRARY).as_posix(): content for path, content in files.items()}
    for sketch, text in _sketches(compiled, board, samples).items():
        texts = {f"{sketch}.ino": text, **compiled.files}
        if samples and sketch == samples.sketch:
            texts[samples.header] = samples.text
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


def sketch_settings(board: Board) -> str:
    """The lines above a sketch that tell the library what it does not know of the board: a rate
    that is not the usual one, and the name in a board file of the user's own."""
    lines = []
    if board.serial.baud != BAUD:
        lines.append(f"#define GLYPHITE_BAUD {board.serial.baud}\n")
    if board.named != board.name:
        lines.append(f'#define GLYPHITE_ARDUINO_BOARD "{board.name}"\n')
    return "".join(lines)


def _sketches(compiled: Compiled, board: Board | None, samples: Samples | None) -> dict[str, str]:
    """The example sketches: name -> text."""
    fits_avr = longest_array(compiled)[0] <= MOST_AVR_ARRAY_BYTES
    every = "every board" if fits_avr else "every board but an Uno or Mega"
    processor = every if board is None else board.description
    baud = BAUD if board is None else board.serial.baud
    fields = {
        "name": plain_name(compiled.name),
        "board": processor,
        "version": __version__,
        "baud": baud,
    }
    settings = "" if board is None else sketch_settings(board)
    sketches = {
        "classify": _shipped("classify", fields, settings),
        "minimal": _rendered("minimal.ino", fields),
    }
    if samples is not None:
        shipped = (LIBRARY / "examples" / samples.sketch).is_dir()
        sketches[samples.sketch] = (
            _shipped(samples.sketch, fields)
            if shipped
            else _rendered(f"{samples.sketch}.ino", fields)
        )
    return sketches


def _shipped(sketch: str, fields: Mapping[str, object], definitions: str = "") -> str:
    """A sketch of the library, with a head that names this model."""
    text = (LIBRARY / "examples" / sketch / f"{sketch}.ino").read_text(encoding="utf-8")
    _, include, rest = text.partition("#include")  # above it: a comment on the shipped model
    return f"{_rendered(f'{sketch}_head.txt', fields)}{definitions}{include}{rest}"


def _rendered(template: str, fields: Mapping[str, object]) -> str:
    return environment(TEMPLATES).get_template(f"{template}.j2").render(fields)


def _path(model: ModelFolder, board: Board | None, out: Path | None) -> Path:
    if board is not None and board.arduino is None:
        raise BoardError(
            f"The board {board.name!r} is not an Arduino. Name one that is, as `glyphite boards` "
            "lists them, or leave out --board for C that runs on every board."
        )
    if out is None:
        name = model.name if board is None else f"{model.name}-{board.key}"
        return model.root / f"{LIBRARY.name}-{name}.zip"
    if out.is_dir():
        raise InputError(f"{out} is a folder, and a .zip file is needed. Name one with --out.")
    if out.suffix.lower() != ".zip":
        raise InputError(
            f"{out} is not named as a .zip, and the Arduino IDE takes no other. "
            f"Name it {out.name}.zip, say, with --out."
        )
    return out
