"""A test image of MNIST as strokes: its lines, one pixel thin, traced as a hand would draw them.

Thinned as T. Y. Zhang and C. Y. Suen did ("A fast parallel algorithm for thinning digital
patterns", 1984), on the image enlarged, so that lines have room.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
Pixel = tuple[int, int]
"""Row and column."""
Point = tuple[float, float]
"""x and y, from 0 to 1 across the image."""

ENLARGED = 4
INK = 110
"""Of 255: what is lighter is the soft edge of a stroke."""
SHORTEST = 7
"""Pixels of the enlarged image: a shorter spur is an unevenness of the stroke's edge."""
EVERY = 3
"""Of a line's pixels, those that the pointer passes."""
AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def strokes(image: NDArray[np.uint8]) -> list[list[Point]]:
    """The strokes of an image (28, 28), the longest first, each of one or more points."""
    side = ENLARGED * image.shape[0]
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    lines = _lines(thinned(np.asarray(large) > INK))
    lines = [line for line in lines if len(line) >= SHORTEST] or lines
    return [_points(line, side) for line in sorted(lines, key=len, reverse=True)]


def thinned(mask: Mask) -> Mask:
    """The lines in the middle of strokes, one pixel wide."""
    mask = np.pad(mask, 1)
    while True:
        before = mask.sum()
        for first in (True, False):
            mask = mask & ~_removable(mask, first=first)
        if mask.sum() == before:
            return np.asarray(mask[1:-1, 1:-1])


def _removable(mask: Mask, *, first: bool) -> Mask:
    around = [np.roll(mask, (-row, -column), (0, 1)) for row, column in AROUND]
    count = sum(each.astype(int) for each in around)
    changes = sum((~one & other).astype(int) for one, other in pairwise([*around, around[0]]))
    north, east, south, west = around[0], around[2], around[4], around[6]
    if first:
        open_side = ~(north & east & south) & ~(east & south & west)
    else:
        open_side = ~(north & east & west) & ~(north & south & west)
    removable = mask & (count >= 2) & (count <= 6) & (changes == 1) & open_side
    return np.asarray(removable)


def _lines(mask: Mask) -> list[list[Pixel]]:
    """The lines of a thinned mask: from an end on, straight through crossings, until all is
    drawn."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    whole = frozenset(left)
    lines = []
    while left:
        ends = [pixel for pixel in left if len(_near(pixel, left)) == 1]
        start = min(ends or left, key=lambda pixel: (len(_near(pixel, whole)), pixel))
        line = [start]
        left.discard(start)
        while near := _near(line[-1], left):
            line.append(_straightest(line, near))
            left.discard(line[-1])
        lines.append(_joined(line, whole))
    return lines


def _near(pixel: Pixel, among: set[Pixel] | frozenset[Pixel]) -> list[Pixel]:
    row, column = pixel
    places = [(row + down, column + right) for down, right in AROUND]
    return [place for place in places if place in among]


def _straightest(line: list[Pixel], near: list[Pixel]) -> Pixel:
    """The neighbour that goes on as the last pixels did."""
    (row, column), (from_row, from_column) = line[-1], line[max(0, len(line) - 5)]
    ahead = (row - from_row, column - from_column)
    return max(near, key=lambda to: (to[0] - row) * ahead[0] + (to[1] - column) * ahead[1])


def _joined(line: list[Pixel], whole: frozenset[Pixel]) -> list[Pixel]:
    """A line whose ends touch what was drawn before, where they are beside it: a ring closes."""
    for end in (0, -1):
        touched = [pixel for pixel in _near(line[end], whole) if pixel not in line[:3] + line[-3:]]
        if touched and len(line) > 2:
            line = [touched[0], *line] if end == 0 else [*line, touched[0]]
    return line


def _points(line: list[Pixel], side: int) -> list[Point]:
    kept = [*line[:-1:EVERY], line[-1]]
    return [((column + 0.5) / side, (row + 0.5) / side) for row, column in kept]
