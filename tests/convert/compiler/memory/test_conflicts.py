"""Rings of few rows, by hand: what lies between two conflicts, and rows that are taken whole."""

import numpy as np

from glyphite.convert.compiler.ir.rows import Rows, RowWindow
from glyphite.convert.compiler.memory.conflicts import conflicts
from glyphite.convert.compiler.memory.plan import plan
from glyphite.convert.compiler.memory.rings import Ring
from tests.builders.networks import RandomNetwork


def test_between_two_distances_that_harm_one_that_does_not_is_free() -> None:
    """Of two rows of 4, the first lives later, the second earlier than a row of 4: it lies between
    the two places at which it would meet the one, or behind."""
    one = Ring(0, 4, 3, np.array([0, 5, 0]), np.array([3, 9, 3]))
    other = Ring(1, 4, 1, np.array([1]), np.array([2]))
    assert conflicts(one, other) == ((-4, 4), (4, 12))


def test_rows_are_taken_whole_where_their_sums_would_take_more() -> None:
    """The input lies whole anyway, so that sums of its rows come on top of it."""
    network = RandomNetwork(0)
    network.tensors.clear()
    for height in (3, 1):
        network.tensor(height, 20)
    network.add((0,), 1, Rows("none", (RowWindow(3),), (None,), accumulated=3, sums_bytes=80))
    made = plan(network.program())
    assert [task.by_rows for task in made.tasks] == [False]
    assert made.bytes <= 80
