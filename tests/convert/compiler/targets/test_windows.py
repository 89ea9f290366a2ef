"""A window as the kernels are told of it."""

from glyphite.convert.compiler.ir.window import Axis, Padding, Window
from glyphite.convert.compiler.targets.portable.window import WindowConstants


def window(padding: Padding) -> WindowConstants:
    """3x2 at steps of 2x3, dilated by 1x2, over 8x13."""
    return WindowConstants.of(Window(Axis(8, 3, 2, 1, padding), Axis(13, 2, 3, 2, padding)))


def test_each_axis_keeps_its_own_numbers() -> None:
    found = window(Padding.SAME)
    assert found.kernel == (3, 2)
    assert found.stride == (2, 3)
    assert found.dilation == (1, 2)
    assert found.output == (4, 5)
    assert (found.input_height, found.input_width) == (8, 13)
    assert (found.padding_top, found.padding_left) == (0, 1)


def test_the_reach_is_the_last_input_under_the_last_window() -> None:
    assert window(Padding.VALID).reach == (7, 3 * 3 + 2 + 1)
    assert window(Padding.SAME).reach == (9, 4 * 3 + 2 + 1)


def test_a_vector_is_a_pixel_of_a_single_row() -> None:
    found = WindowConstants.of_row(7)
    assert found.output == found.reach == (1, 7)
    assert (found.input_height, found.input_width) == (1, 7)
