"""One sample under every corruption as a picture, with what was answered to it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphite.convert.data.corrupt_pictures import Pictures
from glyphite.convert.data.corrupt_readings import Readings
from glyphite.convert.data.corruption import Array
from glyphite.convert.errors import InputError
from glyphite.convert.files import write_bytes

CELL, HEAD, CAPTION, GAP, LEFT = 96, 22, 36, 12, 16
"""Pixels: a sample's side, the room for its corruption's name above it and for two lines below it,
between cells, and to the left."""
ROW = HEAD + CELL + CAPTION + GAP
ACROSS = 3
"""Cells of one corruption, in its strengths."""
GROUPS = 2
"""Corruptions side by side."""
INK, QUIET, WRONG, PAPER, FRAME = "#22272c", "#5b646d", "#b3261e", "#ffffff", "#d9dde1"
LINES = ("#1f6fb4", "#e08a1e", "#2e7d32", "#8e44ad", "#c8382f", "#5b646d")
"""Of the axes of a sensor, in turn."""
MOST_LINES = 6
SIZE, HEADING, TITLE = 13, 14, 16
AS_IT_IS = "as it is"
_RGB = 3


@dataclass(frozen=True, eq=False)
class Cell:
    """A sample as it comes out, and what is written below it."""

    sample: Array
    """One raw sample, (*shape)."""
    name: str
    """Of its corruption; empty where there is none. Cells of one name are one row."""
    text: str
    """By how much; empty where nothing was done."""
    answer: str
    """What was answered; empty where that is no class."""
    is_right: bool = True


def write_picture(
    path: Path, title: str, cells: Sequence[Cell], layout: Pictures | Readings
) -> None:
    """Write the picture as a PNG.

    Raises InputError where ``path`` is no name of a PNG, or cannot be written.
    """
    require_png(path)
    content = io.BytesIO()
    drawn(title, cells, layout).save(content, "PNG", optimize=True)
    write_bytes(path, content.getvalue(), way_out="Name another file.")


def require_png(path: Path) -> None:
    """Make sure that a picture is to be a PNG. Raises InputError where ``path`` is no such name."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} is no name of a PNG. Let it end with .png.")


def drawn(title: str, cells: Sequence[Cell], layout: Pictures | Readings) -> Image.Image:
    """The picture: the sample as it is, and below it a row for each corruption."""
    names = list(dict.fromkeys(cell.name for cell in cells if cell.name))
    rows = 1 + -(-len(names) // GROUPS)
    width = LEFT + GROUPS * ACROSS * (CELL + GAP) + (GROUPS - 1) * LEFT + GAP
    top = 2 * GAP + TITLE
    height = top + rows * ROW
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((LEFT, GAP), title, INK, ImageFont.load_default(TITLE))
    for name in ("", *names):
        place = names.index(name) if name else 0
        row = 1 + place // GROUPS if name else 0
        x, y = LEFT + (place % GROUPS) * (ACROSS * (CELL + GAP) + LEFT), top + row * ROW
        draw.text((x, y), name or AS_IT_IS, INK, ImageFont.load_default(HEADING))
        for cell in (cell for cell in cells if cell.name == name):
            _cell(picture, (x, y + HEAD), cell, layout)
            x += CELL + GAP
    return picture


def _cell(
    picture: Image.Image, at: tuple[int, int], cell: Cell, layout: Pictures | Readings
) -> None:
    draw, (x, y) = ImageDraw.Draw(picture), at
    if isinstance(layout, Pictures):
        shown = _as_picture(cell.sample, layout)
        picture.paste(shown, (x + (CELL - shown.width) // 2, y + (CELL - shown.height) // 2))
    else:
        _draw_lines(draw, at, cell.sample, layout)
    draw.rectangle((x - 1, y - 1, x + CELL, y + CELL), outline=FRAME)
    font = ImageFont.load_default(SIZE)
    colour = INK if cell.is_right else WRONG
    for line, (text, shade) in enumerate(((cell.text, QUIET), (cell.answer, colour))):
        draw.text((x, y + CELL + 2 + 16 * (line if cell.text else 0)), text, shade, font)


def _as_picture(sample: Array, layout: Pictures) -> Image.Image:
    """A picture as it was photographed: dark strokes on light paper where it is a negative."""
    values = np.clip(layout.opened(sample[np.newaxis])[0], 0, 1)
    shown = 1 - values if layout.is_negative else values
    pixels: NDArray[np.uint8] = np.rint(255 * shown[..., :_RGB]).astype(np.uint8)
    image = Image.fromarray(pixels if pixels.shape[2] == _RGB else pixels[..., 0]).convert("RGB")
    factor = CELL / max(image.size)
    size = (max(1, round(factor * image.width)), max(1, round(factor * image.height)))
    way = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    return image.resize(size, way)


def _draw_lines(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], sample: Array, layout: Readings
) -> None:
    """Readings over their steps, a line for each axis; of a row of numbers, one over its places.

    The height of a cell is three deviations to each side of the mean.
    """
    values = layout.opened(sample[np.newaxis])[0]
    scaled = (values - layout.mean) / np.where(layout.deviation > 0, layout.deviation, 1)
    lines = scaled if len(scaled) == 1 else scaled.T[:MOST_LINES]
    for place, line in enumerate(lines):
        across = np.linspace(at[0], at[0] + CELL - 1, max(2, len(line)))
        down = at[1] + CELL / 2 - np.clip(line, -3, 3) * (CELL - 2) / 6
        points = [
            (float(x), float(y)) for x, y in zip(across, np.resize(down, len(across)), strict=True)
        ]
        draw.line(points, LINES[place % len(LINES)], 1)
