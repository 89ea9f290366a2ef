"""Tells the marks of a digit from the edges, rules, frames and dust of a sheet."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from glyphite.host.measure.picture.components import Labels, Mark, Mask, boxes, label, rules
from glyphite.host.measure.picture.paper import Plane

LEAST_CONTRAST = 0.1
"""Of the paper's light: fainter ink is none."""
DUST = 1 / 12
"""Of the tallest mark's height: what is smaller is dust."""
FRAMED = 0.3
"""Of a frame's size: what it is drawn around is larger."""
MOST_ROUNDS = 4
"""In which marks at the edge are taken away, each of which may hide fainter ink."""
MOST_MARKS = 40
"""The tallest marks, which are looked at."""
RULED = "printed lines"
"""What is left out of a ruled or squared sheet; they are not counted."""


@dataclass
class Sheet:
    """The marks of one picture, with the ink that they are of."""

    ink: Plane
    """0 for paper to 1 for the strongest; what was left out is paper."""
    labels: Labels
    marks: list[Mark]
    """The tallest first."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What was left out, and how many of each."""

    @property
    def height(self) -> int:
        """Of the tallest mark; 0 where there is none."""
        return self.marks[0].height if self.marks else 0

    @property
    def amount(self) -> float:
        """Of ink in the marks."""
        inside = np.isin(self.labels, [mark.number for mark in self.marks])
        return float(self.ink[inside].sum())


def find_marks(grey: Plane, ink: Plane, *, is_dark: bool) -> Sheet:
    """The marks that stand clear of the edges. ``ink`` is how far ``grey`` is from the paper."""
    sheet = _clear_of_edges(ink - np.median(ink))
    most = [mark for mark in boxes(sheet.labels) if mark.size >= 2]
    shade = -grey if is_dark else grey
    solid = [mark for mark in most[:MOST_MARKS] if _stands_out(shade, sheet.labels, mark)]
    framing = [mark for mark in solid if _is_frame(mark, solid)]
    kept = [mark for mark in solid if mark not in framing]
    drawn = [mark for mark in kept if not mark.is_ruled] or kept
    _note(sheet, RULED, len(kept) - len(drawn))
    least = DUST * (drawn[0].height if drawn else 0)
    sheet.marks = [mark for mark in drawn if mark.size >= least]
    _note(sheet, "frame", len(framing))
    _note(sheet, "speck", len(drawn) - len(sheet.marks))
    return sheet


def _clear_of_edges(ink: Plane) -> Sheet:
    """Take rules and what touches the picture's edge away, until nothing does."""
    grain = 5 * 1.4826 * float(np.median(np.abs(ink)))
    floor = max(LEAST_CONTRAST, grain)
    sheet = Sheet(ink, np.full(ink.shape, -1), [])
    for _ in range(MOST_ROUNDS):
        mask = sheet.ink > _threshold(sheet.ink, floor)
        ruled = rules(mask)
        _note(sheet, RULED, int(ruled.any()))
        sheet.ink = np.where(ruled, 0, sheet.ink)
        sheet.labels = label(mask & ~ruled)
        at_edge = _at_edge(sheet.labels)
        if not len(at_edge):
            break
        _note(sheet, "mark at the edge", len(at_edge))
        away = np.isin(sheet.labels, at_edge)
        sheet.ink = np.where(dilated(away, 2), 0, sheet.ink)
        sheet.labels = np.where(away, -1, sheet.labels)
    return sheet


def _note(sheet: Sheet, what: str, count: int) -> None:
    sheet.left_out[what] = sheet.left_out.get(what, 0) + count


def _threshold(ink: Plane, floor: float) -> float:
    """Half of the ink's strength, which is that of the stronger class by Otsu's method."""
    strong = ink[ink > floor]
    if len(strong) == 0:
        return floor
    upper = strong[strong >= _otsu(strong)]
    return max(floor, 0.5 * float(np.median(upper)))


def _otsu(values: NDArray[np.float64]) -> float:
    """The value that parts two classes with the most variance between them.

    N. Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts, edges = np.histogram(values, 128)
    centres = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * centres)[:-1]
    mean = float(counts @ centres) / len(values)
    above = len(values) - below
    between = (mean * below - sums) ** 2 / np.maximum(below * above, 1)
    return float(edges[1 + int(between.argmax())])


def _at_edge(labels: Labels) -> NDArray[np.intp]:
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.unique(border[border >= 0])


def _is_frame(mark: Mark, marks: list[Mark]) -> bool:
    return any(mark.holds(other) and other.size > FRAMED * mark.size for other in marks)


def _stands_out(shade: Plane, labels: Labels, mark: Mark) -> bool:
    """Whether there is paper all around a mark, near and far.

    Near: a part of a shadow or of a sheet has no border on one side. Far: the inside of a 0 has
    strokes around it, and behind them its own shade again.
    """
    margin = mark.size // 2 + 2
    rows = slice(max(0, mark.top - margin), mark.bottom + margin)
    columns = slice(max(0, mark.left - margin), mark.right + margin)
    inside, shades = labels[rows, columns] == mark.number, shade[rows, columns]
    width = max(1, round(max(shade.shape) / 200))
    grown = dilated(inside, width)
    near = shades[dilated(grown, width) & ~grown]
    far = shades[~grown]
    if not len(near):
        return False
    middle = (np.median(shades[inside]) + np.median(near)) / 2
    return bool((near > middle).mean() < 0.12 and (far > middle).mean() < 0.5)


def dilated(mask: Mask, radius: int) -> Mask:
    """The mask and all pixels within ``radius`` rows and columns of it."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.filter(ImageFilter.MaxFilter(2 * radius + 1))) > 0
