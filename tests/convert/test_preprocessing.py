"""What is done to samples can be undone, named and found again."""

import numpy as np
import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.preprocessing import (
    NAMED,
    Preprocessing,
    named_preprocessing,
    standard,
)

PIXELS = np.array([[[0, 51, 255]]], np.uint8)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("raw", [0, 51, 255]),
        ("unit", [0, 0.2, 1]),
        ("signed", [-1, -0.6, 1]),
        ("inverted", [1, 0.8, 0]),
        ("51", [0, 1, 5]),
    ],
)
def test_each_name_is_a_formula(name: str, seen: list[float]) -> None:
    found = named_preprocessing(name, PIXELS)
    np.testing.assert_allclose(found.apply(PIXELS)[0, 0], seen, atol=1e-12)
    np.testing.assert_allclose(found.undo(found.apply(PIXELS)), PIXELS, atol=1e-9)


def test_standard_is_by_the_last_axis() -> None:
    rng = np.random.default_rng(1)
    values = np.stack([rng.normal(5, 2, (400, 9)), rng.normal(-3, 7, (400, 9))], axis=-1)
    seen = standard(values).apply(values)
    np.testing.assert_allclose(seen.mean(axis=(0, 1)), [0, 0], atol=1e-6)
    np.testing.assert_allclose(seen.std(axis=(0, 1)), [1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 9, 9), 1), ((9, 9), 1), ((9, 9, 3), 3), ((9, 9, 1), 1), ((81,), 81)]
)
def test_a_picture_whose_columns_are_last_has_one_mean(shape: tuple[int, ...], count: int) -> None:
    values = np.random.default_rng(1).integers(0, 256, (50, *shape))
    found = named_preprocessing("standard", values, is_picture=True)
    assert len(found.mean) == len(found.deviation) == count


def test_values_that_never_change_stay_finite() -> None:
    assert np.isfinite(standard(np.full((9, 3), 7)).apply(np.full((9, 3), 7))).all()


def test_blue_may_come_first() -> None:
    blue = Preprocessing(colours="bgr")
    assert blue.apply(PIXELS)[0, 0].tolist() == [255, 51, 0]
    assert blue.undo(blue.apply(PIXELS)).tolist() == PIXELS.tolist()


@pytest.mark.parametrize("text", ["", "0", "nan", "inf", "-3", "1e-310", "Unit", "0..1"])
def test_what_is_no_name_and_no_divisor_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(InputError, match="There are: raw, unit, signed, inverted, standard"):
        named_preprocessing(text, PIXELS)


def test_each_says_itself_in_words() -> None:
    assert NAMED["unit"].text == "divided by 255, so 0..1"
    assert Preprocessing(2.0, (3.0,), (4.0, 5.0), "bgr").text == (
        "divided by 2, less 3, divided by 4, 5, blue first"
    )
