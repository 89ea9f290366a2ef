"""The Arduino library's examples can be opened and uploaded as they are, without this tool."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import find_model
from glyphite.host.device.arduino import SKETCH, sketch_command
from glyphite.host.device.elf import read_elf
from glyphite.host.device.session import connect
from glyphite.host.device.size import image_size
from glyphite.host.device.transport.avr import flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.tflm import infer
from tools import example

LIBRARY = SKETCH.parents[1] / "src"
SEE_DIGITS = SKETCH.with_name("see_digits")


def test_what_is_generated_is_what_the_compiler_and_the_oracle_make_of_the_shipped_model() -> None:
    for path, text in example.example().items():
        assert path.read_text() == text, f"{path}: run `make example`"


def test_the_c_lies_there_once_and_both_sketches_include_it() -> None:
    assert {path.parent for path in example.example()} == {
        *(LIBRARY / "uno" / "avr", LIBRARY / "uno" / "portable", SEE_DIGITS)
    }
    for name in ("model.h", "model.c"):
        assert (SKETCH / name).read_text() == (SEE_DIGITS / name).read_text()
        assert "#include <uno/avr/" in (SKETCH / name).read_text()


def test_built_as_it_lies_there_it_fits_an_uno_and_answers(
    tmp_path: Path, avr_emulator: Path, require_tool: Callable[..., None]
) -> None:
    """By the real Arduino core; the answers are TensorFlow Lite Micro's, byte for byte."""
    require_tool("arduino-builder", "avr-gcc")
    board, made, model = load_board("uno"), tmp_path / "made", find_model("uno")
    made.mkdir()
    subprocess.run(sketch_command(board, SKETCH, made), check=True, capture_output=True)
    image = made / "classify.ino.elf"
    assert board.memory is not None
    assert image_size(read_elf(image)).flash <= board.memory.flash
    flash = tmp_path / "uno.flash"
    flash.write_bytes(flash_with(board, image))
    tensors = np.random.default_rng(5).integers(-128, 128, (3, 28, 28, 1), np.int8)
    expected = infer(model.tflite.read_bytes(), tensors)
    sha256 = read_manifest(model).sha256
    with EmulatedBoard(board, flash) as emulated, connect(emulated.terminal, sha256) as line:
        assert line.hello().board == "uno"
        assert [line.ask(each).scores.tolist() for each in tensors] == expected.tolist()


def test_on_another_processor_it_is_the_portable_c(
    require_tool: Callable[..., None], tmp_path: Path
) -> None:
    """The kernels of ``uno/avr`` are in the AVR's own instructions, and refuse to be compiled."""
    require_tool("cc")
    warnings = ("-Wall", "-Wextra", "-Werror")
    command = ["cc", *warnings, f"-I{LIBRARY}", "-c", "-o", str(tmp_path / "o")]
    subprocess.run([*command, str(SKETCH / "model.c")], check=True)
    said = subprocess.run(
        [*command, "-x", "c", str(LIBRARY / "uno" / "avr" / "model.inc")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    first = next(line for line in said.stderr.splitlines() if "error" in line)
    assert first.endswith(
        '#error "This model was compiled for an AVR: run `glyphite compile MODEL --board BOARD` '
        'for yours."'
    )
