"""Writes the Uno's model as C, and test digits with its answers, into the Arduino library.

The C is there once, for AVRs and for every other processor; the examples ``classify`` and
``see_digits`` include it from the library's ``src/uno``. Run by ``make example`` after a change to
the compiler, to a kernel or to the model; a test says when that is due.
"""

from collections.abc import Mapping
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.export.samples import digit_samples
from glyphite.convert.files import read_bytes, write_text
from glyphite.convert.manifest import Manifest
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import find_model
from glyphite.host.device.arduino import SKETCH
from glyphite.host.runners.oracle import oracle

MODEL = SKETCH.parents[1] / "src" / "uno"
"""Where the C lies, a folder for AVRs and one for all others."""
NAMES = {"model.h": "model.h", "model.c": "model.inc"}
"""Arduino's tools would compile a .c there for every sketch; this one is included."""


def example() -> Mapping[Path, str]:
    """The files of the model that comes with this package: path -> text."""
    model = find_model(str(MODELS / "uno"))
    content = read_bytes(model.tflite)
    texts: dict[Path, str] = {}
    for kind, architecture in (("avr", load_board("uno").mcu.architecture), ("portable", "")):
        files = compile_model(content, "uno", architecture=architecture).files
        texts |= {MODEL / kind / NAMES[name]: text for name, text in files.items()}
    samples = digit_samples(
        Manifest.load(model.manifest), lambda tensors: oracle(model.tflite).run(tensors)[0]
    )
    return texts | {SKETCH.with_name(samples.sketch) / samples.header: samples.text}


def main() -> None:
    """Write them."""
    for path, text in example().items():
        write_text(path, text)


if __name__ == "__main__":
    main()
