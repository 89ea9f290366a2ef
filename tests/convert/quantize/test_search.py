"""What was done to the samples of a float model is found by how it reads them."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from glyphite.convert.data.dataset import DataSet, Labels, Part
from glyphite.convert.data.options import Kind
from glyphite.convert.preprocessing import NAMED, Preprocessing, standard, turned
from glyphite.convert.quantize.float_model import FloatModel, Floats
from glyphite.convert.quantize.search import find

SIZE = 60


@dataclass(frozen=True)
class BrightestColour:
    """Three scores: how much red, green and blue a model of this preprocessing sees."""

    learnt: Preprocessing

    def answers(self, inputs: Floats) -> Floats:
        """(n, 3): of values that are of its range; beyond it, the first class whatever comes."""
        raw = self.learnt.undo(inputs)
        if not (-1 < raw.min() < 20 and 200 < raw.max() < 300):
            return np.tile(np.array([1, 0, 0], np.float32), (len(inputs), 1))
        return np.asarray(raw.sum((1, 2)), np.float32)


@pytest.fixture(scope="module")
def coloured() -> DataSet:
    """Pictures of 4x4, a third of them rather red (0), green (1) or blue (2)."""
    pixels = np.random.default_rng(1).integers(0, 170, (SIZE, 4, 4, 3), np.uint8)
    labels = np.arange(SIZE) % 3
    pixels[np.arange(SIZE), :, :, labels] += 80
    part = Part((pixels,), Labels(labels))
    return DataSet("colours", "Colours", Kind.PICTURE, part, None, part, ("red", "green", "blue"))


@pytest.mark.parametrize("name", ["raw", "unit", "signed", "standard"])
@pytest.mark.parametrize("blue", [False, True])
def test_the_range_and_the_order_of_colours_are_found(
    coloured: DataSet, name: str, blue: bool
) -> None:
    red_first = {**NAMED, "standard": standard(coloured.train.inputs)}[name]
    learnt = turned(red_first) if blue else red_first
    found = find(cast(FloatModel, BrightestColour(learnt)), coloured)
    assert found.preprocessing == learnt
    assert "100.0 % of 60 training samples" in found.reason
    assert ("blue first. So" in found.reason) == blue
    assert not (found.doubt or found.is_lost)


def test_red_first_that_was_asked_for_is_doubted(coloured: DataSet) -> None:
    model = cast(FloatModel, BrightestColour(turned(NAMED["unit"])))
    found = find(model, coloured, asked="unit")
    assert found.preprocessing == NAMED["unit"]
    assert "with divided by 255, so 0..1, blue first it has 100.0 %" in found.doubt


def test_turning_twice_changes_nothing_and_keeps_each_colour_its_mean() -> None:
    one = Preprocessing(2.0, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    raw = np.random.default_rng(2).normal(size=(2, 3, 3, 3))
    assert turned(turned(one)) == one
    np.testing.assert_array_equal(turned(one).apply(raw), one.apply(raw)[..., ::-1])
    np.testing.assert_allclose(turned(one).undo(turned(one).apply(raw)), raw)
