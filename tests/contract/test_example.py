"""The Arduino library's example can be opened and uploaded as it is, without this tool."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import find_model
from glyphite.host.device.arduino import SKETCH, sketch_command
from glyphite.host.device.build import image_size
from glyphite.host.device.elf import read_elf
from glyphite.host.device.session import connect
from glyphite.host.device.transport.avr import flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.runners.litert import LitertRunner, read_manifest
from tools import example

LIBRARY = SKETCH.parents[1] / "src"


@pytest.mark.parametrize("path", example.example(), ids=lambda path: path.name)
def test_its_model_is_what_the_compiler_makes_of_the_shipped_one(path: Path) -> None:
    assert path.read_text() == example.example()[path], "run `make example`"


def test_it_is_written_where_the_sketch_looks_for_it() -> None:
    assert '#include "model.h"' in (SKETCH / "classify.ino").read_text()
    assert {path.name for path in example.example()} == {"model.c", "model.h"}
    assert {path.parent for path in example.example()} == {SKETCH}


def test_built_as_it_lies_there_it_fits_an_uno_and_answers(
    tmp_path: Path, avr_emulator: Path, require_tool: Callable[..., None]
) -> None:
    """By the real Arduino core; the answers are LiteRT's, byte for byte."""
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
    expected = LitertRunner(model.tflite).run(tensors, ignore_progress)
    sha256 = read_manifest(model).sha256
    with EmulatedBoard(board, flash) as emulated, connect(emulated.terminal, sha256) as line:
        assert line.hello().board == "uno"
        assert [line.infer(each).scores.tolist() for each in tensors] == expected.tolist()


def test_on_another_processor_the_compiler_says_what_to_do(
    require_tool: Callable[..., None],
) -> None:
    """Its kernels are in the AVR's own instructions."""
    require_tool("cc")
    command = ["cc", "-fsyntax-only", f"-I{LIBRARY}", str(SKETCH / "model.c")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    first = next(line for line in said.stderr.splitlines() if "error" in line)
    assert first.endswith(
        '#error "This model was compiled for an AVR: run `glyphite compile MODEL --board BOARD` '
        'for yours."'
    )
