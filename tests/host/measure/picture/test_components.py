"""Marks are what is connected; printed lines are told from what crosses them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphite.host.measure.picture.components import Mark, Mask, boxes, label, rules


def by_hand(mask: Mask) -> int:
    """How many marks a flood from pixel to pixel finds."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    count = 0
    while left:
        count, border = count + 1, [left.pop()]
        while border:
            row, column = border.pop()
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
            border += near & left
            left -= near
    return count


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_the_marks_are_those_that_a_flood_finds(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((14, 17)) < share
    labels = label(mask)
    np.testing.assert_array_equal(labels >= 0, mask)
    assert len(np.unique(labels[mask])) == by_hand(mask)


def test_the_tallest_mark_is_the_first_and_its_box_is_tight() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:4, 1:15] = True
    mask[8:18, 6:9] = True
    tall, wide = boxes(label(mask))
    assert (tall.top, tall.bottom, tall.left, tall.right) == (8, 18, 6, 9)
    assert (wide.height, wide.size) == (2, 14)


@pytest.mark.parametrize("turned", [False, True], ids=["level", "upright"])
@pytest.mark.parametrize("slope", [0, 0.1, -0.15])
def test_a_rule_goes_and_the_stroke_across_it_stays(turned: bool, slope: float) -> None:
    mask = np.zeros((200, 200), bool)
    columns = np.arange(200)
    for row in (60, 130):
        for thick in (0, 1):
            mask[np.round(row + slope * (columns - 100)).astype(int) + thick, columns] = True
    lines = mask.copy()
    mask[30:170, 95:107] = True
    ruled = rules(mask.T).T if turned else rules(mask)
    assert not ruled[30:170, 95:107].any()
    assert ruled[lines & (columns < 90)].mean() > 0.95


def test_a_dash_is_no_rule() -> None:
    mask = np.zeros((200, 200), bool)
    mask[100:102, 40:160] = True
    assert not rules(mask).any()


@pytest.mark.parametrize(("width", "is_ruled"), [(4, True), (5, False)])
def test_only_a_line_far_longer_than_wide_is_drawn_along_a_ruler(
    width: int, is_ruled: bool
) -> None:
    assert Mark(0, 0, 100, 10, 10 + width).is_ruled == is_ruled
