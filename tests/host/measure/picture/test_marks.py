"""What is no digit is left out of a sheet, and said."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.errors import ImageError
from glyphite.host.measure.digit_picture import Seen, read_digit, read_picture

Page = NDArray[np.uint8]


def page() -> Page:
    """A 1 of 100x16 pixels in the middle of a sheet of 300x300."""
    shades = np.full((300, 300), 240, np.uint8)
    shades[100:200, 140:156] = 40
    return shades


def seen(shades: Page, folder: Path) -> Seen:
    Image.fromarray(shades).save(folder / "page.png")
    return read_picture(folder / "page.png")


def with_edge(shades: Page) -> None:
    shades[:12] = 10


def with_frame(shades: Page) -> None:
    shades[80:220, 110:190][[0, 1, -2, -1]] = 40
    shades[80:220, 110:190][:, [0, 1, -2, -1]] = 40


def with_rules(shades: Page) -> None:
    shades[np.arange(20, 300, 40)] = 40


def with_speck(shades: Page) -> None:
    shades[30:35, 250:255] = 40


@pytest.mark.parametrize(
    ("disturb", "said"),
    [
        (with_frame, "1 frame"),
        (with_rules, "printed lines"),
        (with_speck, "1 speck"),
    ],
)
def test_what_is_beside_a_digit_is_left_out_and_said(
    tmp_path: Path, disturb: object, said: str
) -> None:
    shades = page()
    alone = seen(shades, tmp_path)
    assert alone.left_out == ()
    assert callable(disturb)
    disturb(shades)
    found = seen(shades, tmp_path)
    assert said in found.left_out
    assert np.abs(found.digits.astype(int) - alone.digits).mean() < 4


def test_a_dark_edge_changes_nothing(tmp_path: Path) -> None:
    shades = page()
    alone = seen(shades, tmp_path).digits
    with_edge(shades)
    np.testing.assert_allclose(seen(shades, tmp_path).digits.astype(int), alone, atol=3)


def test_two_digits_are_read_from_left_to_right_and_read_digit_refuses(tmp_path: Path) -> None:
    shades = page()
    shades[110:125, 200:260] = shades[180:195, 200:260] = 40
    shades[110:195, 200:215] = shades[110:195, 245:260] = 40
    one, nought = seen(shades, tmp_path).digits
    assert one[14, 14] > 200
    assert nought[14, 14] == 0
    with pytest.raises(ImageError, match=r"has 2 digits side by side, .* Cut one out"):
        read_digit(tmp_path / "page.png")


def test_digits_in_two_rows_are_refused(tmp_path: Path) -> None:
    shades = np.full((300, 300), 240, np.uint8)
    shades[30:110, 100:116] = shades[190:270, 200:216] = 40
    with pytest.raises(ImageError, match="has 2 marks of a digit's size, and not in one row"):
        seen(shades, tmp_path)


def test_a_drawing_that_reaches_the_edge_is_told_from_an_empty_sheet(tmp_path: Path) -> None:
    shades = np.full((300, 300), 240, np.uint8)
    shades[150:, 140:156] = 40
    with pytest.raises(ImageError, match=r"clear of its edges, which 1 mark reach.*margin"):
        seen(shades, tmp_path)
