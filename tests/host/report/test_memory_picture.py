"""The picture of the arena shows each byte for as long as it is in use."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.describe import RowLife
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.workspace import find_model
from glyphite.host.report import memory_picture
from glyphite.host.report.memory_picture import FAINT, draw
from tests.builders.models import conv_and_pool
from tests.strict import require_module


def test_memory_is_in_colour_from_its_first_moment_to_its_last(tmp_path: Path) -> None:
    """As the grey curve below it is, which has no gap from the input's bytes to the output's."""
    require_module("matplotlib")
    model, last = conv_and_pool(np.random.default_rng(8), pool_stride=(1, 1))
    draw(compile_model(model.build([0], [last]), "small"), tmp_path / "memory.png")
    pixels = np.asarray(Image.open(tmp_path / "memory.png").convert("RGB"), int)
    grey = (pixels == ImageColor.getrgb(FAINT)).all(axis=2)
    axis = np.flatnonzero(grey.sum(axis=1) > 1000).max()  # the lowest long grey line
    in_use = grey[axis - 10]
    right = np.flatnonzero(in_use).max() + 3  # behind it there is the list of layers
    coloured = np.flatnonzero((np.ptp(pixels[:, :right], axis=2) > 60).any(axis=0))
    assert len(coloured) == pytest.approx(in_use.sum(), rel=0.01)
    assert len(coloured) == np.ptp(coloured) + 1


def test_each_layer_has_a_colour_a_number_and_a_plain_name_of_its_own() -> None:
    require_module("matplotlib")
    content = find_model("uno").tflite.read_bytes()
    compiled = compile_model(content, "uno", architecture="armv7e-m")
    parts = memory_picture._parts(compiled)
    tensors = [part for part in parts if not part.facts.scratch]
    assert len({part.colour for part in tensors}) == len({part.number for part in tensors}) == 7
    names = {layer.name for layer in describe.layers(compiled)}
    assert all(f"{part.facts.layer}".endswith(f"_{part.number}") for part in tensors[1:])
    assert {part.facts.layer for part in tensors[1:]} <= names
    assert (tensors[0].number, tensors[0].title) == ("in", "the model's input")
    assert {part.title for part in tensors[1:]} == {
        "conv 2d", "conv 2d + max pool 2d", "fully connected", "softmax",
    }  # fmt: skip
    scratch = [memory_picture._style(part, 1)["hatch"] for part in parts if part.facts.scratch]
    assert len(scratch) > 1
    assert len(set(scratch)) == 1


def test_a_number_stands_where_its_buffer_is_all_around_it_or_nowhere() -> None:
    rows = [RowLife(0, 10, 0, 3), RowLife(10, 10, 2, 6), RowLife(40, 30, 5, 5)]
    assert memory_picture._roomiest(rows, 2, 20, []) == (3, 10)  # both rows, while both live
    assert memory_picture._roomiest(rows, 1, 25, []) == (5.5, 55)
    assert memory_picture._roomiest(rows, 2, 21, []) is None
    assert memory_picture._roomiest(rows, 6, 5, []) is None


def test_a_number_stands_beside_what_takes_its_buffers_place() -> None:
    """As an addition takes that of its operand, a row at a time."""
    (mine,) = rows = [RowLife(0, 10, 0, 2)]
    sum_of_it = RowLife(0, 10, 1, 5)
    assert memory_picture._roomiest(rows, 1, 5, []) == (1.5, 5)
    assert memory_picture._roomiest(rows, 1, 5, [sum_of_it]) == (0.5, 5)
    assert memory_picture._roomiest(rows, 1, 5, [mine]) is None
