"""Connected marks of a mask, and long thin lines across it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""(height, width): True where there is ink."""
Labels = NDArray[np.intp]
"""(height, width): the number of each pixel's mark, -1 for paper."""

MOST_SLOPE = 0.2
"""Of printed rules: a sheet that lies askew by 11 degrees."""
THICK = 60
"""A rule is at most this part of the picture's side thick."""
SPAN = 0.75
"""Of the picture's side: a shorter line is no rule."""
WHOLE = 0.95
"""Of the picture's side: a line that is alone is printed where it goes all the way."""
STRAIGHT = 25
"""A line that is so many times as long as its box is wide was drawn along a ruler."""


@dataclass(frozen=True)
class Mark:
    """The box around connected ink, ends excluded, and its number among the labels."""

    number: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> int:
        """The longer side."""
        return max(self.height, self.right - self.left)

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def is_ruled(self) -> bool:
        """Whether this is a line as a ruler draws it: no hand makes a 1 so thin and straight."""
        return STRAIGHT * min(self.height, self.right - self.left) <= self.size

    def holds(self, other: "Mark") -> bool:
        """Whether the other's box lies within this one's, clear of its sides."""
        rows = self.top < other.top and other.bottom < self.bottom
        return rows and self.left < other.left and other.right < self.right


def label(mask: Mask) -> Labels:
    """Number the connected marks, pixels that touch at a corner included.

    Each pixel begins as its own root. Of two neighbours the higher root is hung below the lower,
    then all paths are made short, until neighbours agree.
    """
    count = int(mask.sum())
    numbers = np.full((mask.shape[0] + 2, mask.shape[1] + 2), -1)
    here = numbers[1:-1, 1:-1]
    here[mask] = np.arange(count)
    pairs = _pairs(here, (numbers[1:-1, 2:], numbers[2:, 1:-1], numbers[2:, 2:], numbers[2:, :-2]))
    roots = np.arange(count)
    while True:
        low, high = np.sort(roots[pairs], axis=0)
        if (low == high).all():
            break
        np.minimum.at(roots, high, low)
        while (roots != roots[roots]).any():
            roots = roots[roots]
    labels = np.full(mask.shape, -1)
    labels[mask] = np.unique(roots, return_inverse=True)[1]
    return labels


def _pairs(here: Labels, neighbours: tuple[Labels, ...]) -> NDArray[np.intp]:
    """The numbers of neighbouring pixels: (2, n)."""
    found = []
    for there in neighbours:
        both = (here >= 0) & (there >= 0)
        found.append(np.stack([here[both], there[both]]))
    return np.concatenate(found, axis=1)


def boxes(labels: Labels) -> list[Mark]:
    """A mark for each number, the tallest first: digits are taller than what lies about them."""
    count = int(labels.max(initial=-1)) + 1
    rows, columns = np.nonzero(labels >= 0)
    numbers = labels[rows, columns]
    low = np.full((2, count), max(labels.shape))
    high = np.zeros((2, count), np.intp)
    for axis, places in enumerate((rows, columns)):
        np.minimum.at(low[axis], numbers, places)
        np.maximum.at(high[axis], numbers, places + 1)
    sides = zip(low[0].tolist(), high[0].tolist(), low[1].tolist(), high[1].tolist(), strict=True)
    marks = [Mark(number, *box) for number, box in enumerate(sides)]
    return sorted(marks, key=lambda mark: -mark.height)


def rules(mask: Mask) -> Mask:
    """The pixels of printed lines, level or upright, that are not part of what crosses them."""
    return np.asarray(_level_rules(mask) | _level_rules(mask.T).T)


def _level_rules(mask: Mask) -> Mask:
    """A straight line leaves a peak where its slope is taken off: the Hough transform.

    The slope is that of most thin lines. What crosses a rule counts for its span; of the pixels
    along it, those belong to it whose column of ink is no thicker than a rule.
    """
    height, width = mask.shape
    found = np.zeros_like(mask)
    rows, columns = np.nonzero(mask & (_column_runs(mask) <= max(2, height // THICK)))
    if len(rows) < width // 4:
        return found
    slopes = np.linspace(-MOST_SLOPE, MOST_SLOPE, max(3, width // 5) | 1)
    counts = [np.bincount(_offsets(rows, columns, width, slope)) for slope in slopes]
    best = max(range(len(slopes)), key=lambda at: int((counts[at].astype(np.int64) ** 2).sum()))
    inked_rows, inked_columns = np.nonzero(mask)
    covered = np.bincount(_offsets(inked_rows, inked_columns, width, slopes[best]))
    on = np.flatnonzero(covered >= SPAN * width)
    near = np.isin(_offsets(rows, columns, width, slopes[best]), on[:, None] + np.arange(-2, 3))
    if not near.any():
        return found
    is_alone = np.ptp(on) <= 2 * max(2, height // THICK)
    if is_alone and np.ptp(columns[near]) < WHOLE * width:
        return found  # a 1 that fills its picture, say
    found[rows[near], columns[near]] = True
    return found


def _offsets(
    rows: NDArray[np.intp], columns: NDArray[np.intp], width: int, slope: float
) -> NDArray[np.intp]:
    """Where lines of this slope through the pixels meet the upright axis; 0 or more."""
    return np.round(rows - slope * columns + MOST_SLOPE * width).astype(np.intp)


def _column_runs(mask: Mask) -> NDArray[np.intp]:
    """For each pixel of ink, how many are connected with it in its column."""
    height = len(mask)
    rows = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0)
