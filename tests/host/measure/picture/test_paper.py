"""Ink is what differs from the paper around it, whatever light and colours there are."""

import numpy as np
import pytest
from PIL import Image

from glyphite.host.measure.picture.paper import dark_ink, grey_of, light_ink

SIDE = 100


def sheet(paper: float, ink: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    grey = np.full((SIDE, SIDE), float(paper))
    grey[30:70, 45:55] = ink
    return grey


def test_dark_ink_is_the_share_of_light_that_is_lacking() -> None:
    """Half the light everywhere changes nothing."""
    light = np.linspace(1, 0.5, SIDE)[None]
    ink = dark_ink(sheet(1, 0.25) * light)
    assert ink[50, 50] == pytest.approx(0.75, abs=0.03)
    assert np.abs(ink[:, :40]).max() < 0.03
    assert np.abs(ink[:, 60:]).max() < 0.03


def test_light_ink_is_the_difference_to_a_board_that_may_be_black() -> None:
    ink = light_ink(sheet(0, 0.8))
    assert ink[50, 50] == pytest.approx(0.8)
    assert np.abs(ink[:20]).max() < 0.01


def test_a_sudden_shadow_is_another_paper_and_no_ink() -> None:
    grey = sheet(0.9, 0.2)
    grey[:, 70:] *= 0.5
    assert np.abs(dark_ink(grey)[:, 72:]).max() < 0.02


@pytest.mark.parametrize("paper", [(60, 160, 60), (255, 170, 190)])
def test_ink_of_the_paper_s_brightness_is_seen_by_its_colour(paper: tuple[int, ...]) -> None:
    colours = np.empty((SIDE, SIDE, 3), np.uint8)
    colours[:] = paper
    colours[30:70, 45:55] = paper[::-1] if paper[0] != paper[2] else (200, 90, 60)
    grey = grey_of(Image.fromarray(colours))
    assert abs(grey[50, 50] - grey[5, 5]) > 0.2
