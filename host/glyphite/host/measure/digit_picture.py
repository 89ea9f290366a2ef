"""Reads a picture of digits, and makes each like those of MNIST.

MNIST's own way (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"):
white on black, scaled to 20x20 pixels with its aspect ratio kept and its edges anti-aliased, then
moved so that its centre of mass is in the middle of 28x28 pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from glyphite.convert.data.mnist import SIDE
from glyphite.convert.errors import ImageError
from glyphite.host.measure.picture.decode import frame_of, frames
from glyphite.host.measure.picture.marks import RULED, Sheet, dilated, find_marks
from glyphite.host.measure.picture.order import Digit, group, in_order
from glyphite.host.measure.picture.paper import Plane, dark_ink, grey_of, light_ink

BOX = 20
CENTRE = 14
"""Measured: the centres of mass of all test images lie within half a pixel of (14, 14)."""
THINNEST = 2.0
"""Pixels of a digit's 20: MNIST's strokes are about 2.5 wide, and a fine pen's would vanish."""
MOST_DIGITS = 20
LEAST = 1 / 60
"""Of the picture's longer side: what is smaller is grain or dust, and no digit."""
TALLER = 1.25
"""Times: a digit against its holes, of which that of a 0 is the tallest."""
TINY, MARGIN = 64, 8
"""So small a picture is no photo: no desk is at its edge, and the digit may touch it."""

WAY_OUT = "Draw one digit, dark on light or light on dark, and leave a margin around it."


@dataclass(frozen=True)
class Seen:
    """What was seen in a picture."""

    digits: NDArray[np.uint8]
    """(n, 28, 28), from left to right, as MNIST's: 0 for paper to 255."""
    left_out: tuple[str, ...] = ()
    """What else there was, in words for people."""


def read_digit(path: Path) -> NDArray[np.uint8]:
    """The digit in a picture of any size and format, as one of MNIST: (28, 28) of 0..255.

    Raises as :func:`read_picture` does, and ImageError where there are several digits.
    """
    digits = read_picture(path).digits
    if len(digits) > 1:
        raise ImageError(
            f"{path} has {len(digits)} digits side by side, and one is wanted. Cut one out, or "
            "read them all with `glyphite predict`."
        )
    return np.asarray(digits[0])


def read_picture(path: Path) -> Seen:
    """The digits in a picture, dark on light or light on dark, which stand in one row.

    Of an animation, the first frame with marks is read. Raises InputError where the file cannot be
    read, ImageError where it is not a picture, is damaged, too large or empty, or where what is
    drawn in it is no row of digits.
    """
    return _read(frames(path), str(path))


def read_pixels(pixels: NDArray[np.uint8], named: str) -> Seen:
    """The same of a picture that is here already: grey (h, w) or colours (h, w, 3), 0 to 255.

    ``named``: what a sentence on it calls it. Raises ImageError as :func:`read_picture` does.
    """
    return _read([(frame_of(pixels), 1)], named)


def _read(pictures: Iterable[tuple[Image.Image, int]], path: str) -> Seen:
    at_edge = 0
    for index, (frame, count) in enumerate(pictures):
        sheet = _sheet(frame)
        if sheet.marks:
            _require_large(sheet, frame, path)
            seen = _digits(sheet, path)
            told = (f"frame {index + 1} of {count} was read",) if count > 1 else ()
            return Seen(seen.digits, told + seen.left_out)
        at_edge = at_edge or sheet.left_out.get("mark at the edge", 0)
    if at_edge:
        raise ImageError(
            f"{path} has no mark that stands clear of its edges, which {_counted(at_edge, 'mark')} "
            f"reach. {WAY_OUT}"
        )
    if max(frame.size) > MOST_DIGITS * min(frame.size):
        raise ImageError(
            f"{path} is more than {MOST_DIGITS} times as long as it is wide, and no mark in it can "
            f"be told. At most {MOST_DIGITS} digits in a row are read. Cut it into shorter pieces."
        )
    raise ImageError(f"{path} is empty: nothing stands out from the paper. {WAY_OUT}")


def _sheet(image: Image.Image) -> Sheet:
    """The marks in dark or in light ink."""
    if max(image.size) <= TINY:
        border = np.asarray(image)[[0, -1]].reshape(-1, 3)
        paper = tuple(np.median(border, axis=0).astype(int).tolist())
        image = ImageOps.expand(image, MARGIN, paper)
    grey = grey_of(image)
    dark = find_marks(grey, dark_ink(grey), is_dark=True)
    light = find_marks(grey, light_ink(grey), is_dark=False)
    return _stronger(dark, light)


def _stronger(dark: Sheet, light: Sheet) -> Sheet:
    """The taller marks, as a digit is taller than its holes; else those with more ink, as strokes
    leave a thin rim of the other ink beside them.
    """
    low, high = sorted((dark, light), key=lambda sheet: sheet.height)
    if high.height > TALLER * low.height:
        return high
    return max(dark, light, key=lambda sheet: sheet.amount)


def _require_large(sheet: Sheet, image: Image.Image, path: str) -> None:
    """ImageError where no mark is as large as a digit: faint ink drowns in the grain of a photo."""
    if max(mark.size for mark in sheet.marks) < LEAST * max(image.size):
        raise ImageError(
            f"{path} has nothing but specks: no mark in it is as long as a "
            f"{round(1 / LEAST)}th of the picture. Go nearer, or take more light or a darker pen."
        )


def _digits(sheet: Sheet, path: str) -> Seen:
    parts, strays = group(sheet.marks)
    digits = in_order(parts)
    if digits is None or len(digits) > MOST_DIGITS:
        raise ImageError(
            f"{path} has {len(parts)} marks of a digit's size, and not in one row of at most "
            f"{MOST_DIGITS}. {WAY_OUT}"
        )
    pixels = np.stack([_placed(sheet, digit) for digit in digits])
    left_out = {**sheet.left_out, "smaller mark": len(strays)}
    return Seen(pixels, tuple(_counted(count, what) for what, count in left_out.items() if count))


def _counted(count: int, what: str) -> str:
    """``2 marks at the edge``."""
    if what == RULED:
        return what
    noun, *rest = what.split(" ", 1)
    return " ".join([str(count), noun + "s" * (count > 1), *rest])


def _placed(sheet: Sheet, digit: Digit) -> NDArray[np.uint8]:
    """The marks of one digit as an image of MNIST's kind."""
    inside = np.isin(sheet.labels, [mark.number for mark in digit])
    strongest = float(np.percentile(sheet.ink[inside], 75))
    near = dilated(inside, 1)  # the grey pixels at the edges of strokes
    ink = np.where(near, np.clip(sheet.ink / strongest, 0, 1), 0)
    size = max(np.ptp(np.flatnonzero(inside.any(axis=axis))) + 1 for axis in (0, 1))
    ink = _thick_enough(ink, inside, int(size))
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return _centre(_fit(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))


def _thick_enough(ink: Plane, inside: NDArray[np.bool_], size: int) -> Plane:
    """The ink with strokes that do not vanish as it is scaled down.

    A stroke is about as wide as twice its area by its outline.
    """
    padded = np.pad(inside, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    width = 2 * inside.sum() / max(1, (inside & ~inner).sum())
    missing = THINNEST * size / BOX - width
    return _thickened(ink, round(missing / 2)) if missing > 1 else ink


def _thickened(ink: Plane, radius: int) -> Plane:
    image = Image.fromarray(np.round(255 * ink).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.MaxFilter(2 * radius + 1)), np.float64) / 255


def _fit(digit: Plane) -> Plane:
    """Scale a digit so that its longer side has 20 pixels, each an average of those it covers."""
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    image = Image.fromarray(digit.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _centre(digit: Plane) -> NDArray[np.uint8]:
    """Place a digit of at most 20x20 in 28x28 pixels, its centre of mass in the middle."""
    height, width = digit.shape
    mass = digit.sum()
    row = round(CENTRE - float(digit.sum(axis=1) @ np.arange(height) / mass))
    column = round(CENTRE - float(digit.sum(axis=0) @ np.arange(width) / mass))
    row, column = min(max(row, 0), SIDE - height), min(max(column, 0), SIDE - width)
    placed = np.zeros((SIDE, SIDE), np.uint8)
    placed[row : row + height, column : column + width] = np.round(np.clip(digit, 0, 1) * 255)
    return placed
