"""The picture of the arena shows each byte for as long as it is in use."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from glyphite.convert.compiler.driver import compile_model
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
    in_use = grey[grey.sum(axis=1).argmax() - 10]  # just above the axis, the longest grey line
    coloured = np.flatnonzero((np.ptp(pixels, axis=2) > 60).any(axis=0))
    assert len(coloured) == pytest.approx(in_use.sum(), rel=0.01)
    assert len(coloured) == np.ptp(coloured) + 1
