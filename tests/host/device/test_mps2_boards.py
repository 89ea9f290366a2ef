"""Every Cortex-M board: the same port, another processor or memory map, TFLM's bytes on each."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import Board, load_board
from glyphite.convert.errors import BoardError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.device.session import connect
from glyphite.host.runners.tflm import infer
from tests.builders.boards import CORTEX_M
from tests.builders.models import (
    RELU,
    VALID,
    ModelBuilder,
    conv_and_pool,
    hard_inputs,
    random_int8,
)


@pytest.fixture
def small(build_folder: Path) -> ModelFolder:
    """A convolution with pooling, its weights and scales drawn at random."""
    model, last = conv_and_pool(np.random.default_rng(5))
    folder = ModelFolder(build_folder / "small", build_folder / "small" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(model.build([0], [last]))
    return folder


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")


def header(image: Path) -> bytes:
    """The ELF's first bytes: its entry lies at 24, in little-endian order."""
    return image.read_bytes()[:52]


def test_the_five_processors_are_there() -> None:
    assert set(CORTEX_M) >= {"cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"}


@pytest.mark.parametrize("name", CORTEX_M)
def test_a_board_streams_tflms_bytes(small: ModelFolder, name: str) -> None:
    assert main(["build", "small", "--board", name]) == 0
    tensors = hard_inputs(np.random.default_rng(6), (1, 9, 8, 2))
    with connect(f"sim://{name}") as session:
        hello = session.hello()
        assert hello.board == name
        assert hello.timer_hz == load_board(name).mcu.timer_hz
        answers = session.run(tensors)[0]
    np.testing.assert_array_equal(answers, infer(small.tflite.read_bytes(), tensors))


def test_a_model_of_100_352_output_bytes_answers_them_all(build_folder: Path) -> None:
    """56 rows of 56 columns of 32 channels: more than 16 bits count, in model.h and on the wire."""
    rng, model = np.random.default_rng(8), ModelBuilder()
    model.tensor((1, 56, 56, 1), 0.05, -3)
    model.weights(random_int8(rng, 32, 1, 1, 1), [0.01] * 32)
    model.bias(np.arange(32, dtype=np.int32))
    model.tensor((1, 56, 56, 32), 0.06, 4)
    options = {"padding": VALID, "strideH": 1, "strideW": 1, "fusedActivationFunction": RELU}
    options |= {"dilationHFactor": 1, "dilationWFactor": 1}
    model.operator("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", version=3, **options)
    content = model.build([0], [3])
    folder = ModelFolder(build_folder / "wide", build_folder / "wide" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(content)
    assert main(["build", "wide", "--board", "cortex-m4"]) == 0
    tensors = random_int8(rng, 2, 56, 56, 1)
    with connect("sim://cortex-m4") as session:
        answers = session.infer(tensors)
    assert answers.shape == (2, 100_352)
    np.testing.assert_array_equal(answers, infer(content, tensors))


@pytest.mark.parametrize("name", CORTEX_M)
def test_code_is_made_for_the_boards_own_processor(tiny: ModelFolder, name: str) -> None:
    """The image's build attributes say for which; they stand in it as text."""
    image = build(tiny, load_board(name)).image.read_bytes()
    # "6S-M" is how Arm's attributes call the Cortex-M0's Armv6-M.
    known = {"armv6-m": b"6S-M", "armv7-m": b"7-M", "armv7e-m": b"7E-M"}
    architecture = load_board(name).mcu.architecture
    assert known.get(architecture, architecture[4:].upper().encode()) in image


def test_the_memory_map_of_the_board_file_is_the_images(tiny: ModelFolder) -> None:
    board = load_board("cortex-m33")
    assert board.memory is not None
    entry = int.from_bytes(header(build(tiny, board).image)[24:28], "little")
    assert board.memory.flash_origin == 0x1000_0000 <= entry < 0x1001_0000
    entry = int.from_bytes(header(build(tiny, load_board("cortex-m3")).image)[24:28], "little")
    assert entry < 0x1_0000


def changed(tmp_path: Path, name: str, pattern: str, text: str) -> str:
    source = load_board(name).path.read_text().replace(f'"{name}"', f'"my-{name}"', 1)
    made, count = re.subn(pattern, text, source, count=1, flags=re.MULTILINE)
    assert count == 1
    path = tmp_path / "changed.toml"
    path.write_text(made)
    return str(path)


def test_an_origin_and_an_interrupt_may_be_zero_but_not_negative(tmp_path: Path) -> None:
    zero = changed(tmp_path, "cortex-m33", "^interrupt = 32", "interrupt = 0")
    assert load_board(zero).serial.interrupt == 0
    negative = changed(tmp_path, "cortex-m33", "^flash_origin = .*", "flash_origin = -1")
    with pytest.raises(BoardError, match=r"'flash_origin' is -1\. A number of 0 to 2\^32 - 1 is"):
        load_board(negative)


def test_ticks_are_instructions_by_each_boards_clock() -> None:
    """With -icount shift=0 an instruction takes 1 ns."""
    for name in CORTEX_M:
        board: Board = load_board(name)
        assert board.emulator is not None
        assert board.emulator.instructions_per_tick == 1_000_000_000 // board.mcu.timer_hz


def test_the_verb_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "--json"]) == 0
    listed = {board["name"]: board for board in json.loads(capsys.readouterr().out)}
    for name in CORTEX_M:
        assert listed[name]["emulator"]["program"] == "qemu-system-arm"
        assert listed[name]["flash"] == 4 << 20
