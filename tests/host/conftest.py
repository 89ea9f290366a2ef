"""Boards with the seed model's firmware, for the tests of what talks to them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import build
from tests.builders.models import ModelBuilder
from tests.builders.tampered import tamper

Flash = Callable[..., ModelFolder]


@pytest.fixture
def flash(seed: ModelFolder, require_tool: Callable[..., None]) -> Flash:
    """``flash("cortex-m4")``: compile the seed model and build the board's firmware with it."""

    def make(board: str, tampered: bool = False) -> ModelFolder:
        require_tool("cc")
        if board == "cortex-m4":
            require_tool("arm-none-eabi-gcc", "qemu-system-arm")
        compile_folder(seed).write(seed.generated)
        if tampered:
            tamper(seed)
        build(seed, load_board(board))
        return seed

    return make


@pytest.fixture
def native(flash: Flash) -> ModelFolder:
    """The seed model with its firmware for the native board."""
    return flash("native")


@pytest.fixture
def small_tflite(tmp_path: Path) -> Path:
    """A .tflite of one fully connected layer: 16 inputs, 4 outputs."""
    model = ModelBuilder()
    source = model.tensor((1, 16), 0.02, 3)
    values = np.random.default_rng(9).integers(-127, 128, (4, 16)).astype(np.int8)
    weights = model.weights(values, 0.01)
    bias = model.bias(np.arange(4, dtype=np.int32) * 100)
    sink = model.tensor((1, 4), 0.05, -7)
    model.operator("FULLY_CONNECTED", [source, weights, bias], [sink], "FullyConnectedOptions", 4)
    path = tmp_path / "small.tflite"
    path.write_bytes(model.build([source], [sink]))
    return path
