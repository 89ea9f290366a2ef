"""Writes the Uno model's C into the Arduino library's example, ready for the Arduino IDE.

Run by ``make example`` after a change to the compiler, to an AVR kernel or to the model; a test
says when that is due.
"""

from collections.abc import Mapping
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.files import read_bytes, write_text
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import TFLITE
from glyphite.host.device.arduino import SKETCH


def example() -> Mapping[Path, str]:
    """The files of the model that comes with this package, as they belong into the sketch."""
    content = read_bytes(MODELS / "uno" / TFLITE)
    architecture = load_board("uno").mcu.architecture
    compiled = compile_model(content, "uno", architecture=architecture)
    return {SKETCH / name: text for name, text in compiled.files.items()}


def main() -> None:
    """Write them."""
    for path, text in example().items():
        write_text(path, text)


if __name__ == "__main__":
    main()
