"""Marks become digits, and digits are read from left to right."""

from glyphite.host.measure.picture.components import Mark
from glyphite.host.measure.picture.order import group, in_order


def mark(top: int, bottom: int, left: int, right: int) -> Mark:
    return Mark(0, top, bottom, left, right)


def test_the_bar_of_a_five_is_a_part_of_it() -> None:
    body, bar = mark(20, 100, 10, 60), mark(5, 17, 30, 90)
    assert group([body, bar]) == ([[body, bar]], [])


def test_the_upper_half_of_a_broken_digit_is_a_part_of_it() -> None:
    lower, upper = mark(55, 100, 10, 60), mark(20, 50, 20, 50)
    assert group([lower, upper]) == ([[lower, upper]], [])


def test_two_marks_of_like_height_side_by_side_are_two_digits() -> None:
    two, seven = mark(10, 100, 120, 180), mark(15, 95, 20, 90)
    digits, strays = group([two, seven])
    assert strays == []
    assert in_order(digits) == [[seven], [two]]


def test_a_low_mark_far_away_is_of_no_digit() -> None:
    digit, dash = mark(10, 100, 20, 90), mark(50, 60, 150, 190)
    assert group([digit, dash]) == ([[digit]], [dash])


def test_digits_in_two_rows_have_no_order() -> None:
    assert in_order([[mark(0, 50, 0, 40)], [mark(80, 130, 5, 45)]]) is None
