"""Corruptions of pictures: shifted, rotated, noisy, of thicker or thinner strokes, badly lit.

Lengths are in pixels of a picture of 28 pixels a side, and grow with the picture. Light is that of
what was photographed: where strokes are light on a dark ground, as MNIST has ink, the picture is
taken for a negative, and the paper behind it loses its light.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.check import without_ones
from glyphite.convert.data.corruption import Array, Change, Corruption, Values

OPACITY = 4
"""Channels of a picture whose last one is opacity."""
CHANNELS = (1, 3, OPACITY)
BASE = 28
"""Pixels of a side for which lengths are given."""
PLAIN_SHARE, PLAIN_WITHIN = 0.9, 0.1
"""A ground is plain where so many pixels of the border are within so much of their median."""
LINEAR = 1e-6
_TURN = 2 * math.pi


_OfPictures = Callable[["Pictures", float, Values, np.random.Generator], Values]


@dataclass(frozen=True, eq=False)
class Pictures:
    """How raw samples (n, *shape) lie as pictures, and what ground their strokes are on."""

    size: tuple[int, int, int]
    """Height, width and channels."""
    low: float
    """The darkest raw value there can be."""
    high: float
    ground: Values
    """(channels,): the median of the border, 0 to 1."""
    is_plain: bool
    """Whether nearly all of the border is ground, so that there are strokes on it."""

    @classmethod
    def of(cls, raw: Array) -> "Pictures | None":
        """Those of these samples; None where they are a row of numbers that is no square."""
        size = picture_size(raw.shape[1:])
        if size is None:
            return None
        least, most = float(raw.min(initial=0)), float(raw.max(initial=0))
        high = 255.0 if raw.dtype == np.uint8 or most > 1 + LINEAR else 1.0
        low = -high if least < 0 else 0.0
        pixels = raw.reshape(-1, *size)
        edges = (pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1])
        border = np.concatenate([edge.reshape(-1, size[2]) for edge in edges])
        values = (border.astype(np.float32) - low) / (high - low)
        ground = np.median(values, axis=0).astype(np.float32)
        near = (np.abs(values - ground) <= PLAIN_WITHIN).all(axis=1)
        is_plain = bool(near.mean() >= PLAIN_SHARE)
        return cls(size, low, high, ground, is_plain)

    @property
    def is_negative(self) -> bool:
        """Whether strokes are light on a dark ground."""
        return self.is_plain and float(self.ground.mean()) < 0.5

    def opened(self, raw: Array) -> Values:
        """Raw samples (n, *shape) as (n, height, width, channels) of 0 to 1."""
        values = (raw.reshape(len(raw), *self.size).astype(np.float32) - self.low) / (
            self.high - self.low
        )
        return values.astype(np.float32)

    def closed(self, values: Values, raw: Array) -> Array:
        """Values (n, height, width, channels) as raw samples of their range; opacity stays."""
        levels = np.clip(values, 0, 1) * (self.high - self.low) + self.low
        if raw.dtype.kind in "iu":
            levels = np.rint(levels)
        if self.size[2] == OPACITY:
            levels[..., 3] = raw.reshape(levels.shape)[..., 3]
        return levels.astype(raw.dtype).reshape(raw.shape)


def picture_size(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Height, width and channels of samples of ``shape``; None where nothing tells them."""
    inner = without_ones(shape)
    if len(inner) == 3 and inner[2] in CHANNELS:
        return inner[0], inner[1], inner[2]
    if len(inner) == 2:
        return inner[0], inner[1], 1
    if len(inner) == 1:
        for channels in CHANNELS:
            side = math.isqrt(inner[0] // channels)
            if side * side * channels == inner[0] and side > 1:
                return side, side, channels
    return None


def corruptions(pictures: Pictures) -> list[Corruption]:
    """All that can be done to such pictures; strokes are changed only where the ground is plain."""
    found: list[Corruption] = []
    for name, how, unit, amounts, change in (
        *MOVES,
        *(STROKES if pictures.is_plain else ()),
        *LIGHT,
    ):
        for own in dict.fromkeys(_own(pictures, name, unit, amount) for amount in amounts):
            given: Change = partial(change, pictures, own / 100 if unit == "%" else own)
            shown = float(f"{own:.3g}")
            found.append(Corruption(name, how, shown, unit, given, pictures, len(found)))
    return found


def _own(of: Pictures, name: str, unit: str, amount: float) -> float:
    """The amount for these pictures; they are shifted by whole pixels."""
    if unit != "pixels":
        return amount
    pixels = amount * min(of.size[:2]) / BASE
    return max(1, round(pixels)) if name == "shifted" else pixels


def _shifted(of: Pictures, pixels: float, values: Values, random: np.random.Generator) -> Values:
    """By whole pixels to the left, to the right, up or down."""
    way = np.floor(4 * random.random(len(values))).astype(np.int64)
    down, across = np.array([0, 0, 1, -1])[way], np.array([1, -1, 0, 0])[way]
    rows, columns = _places(of)
    by = (-1, 1, 1)
    moved = (rows - pixels * down.reshape(by), columns - pixels * across.reshape(by))
    return _read(of, values, *moved)


def _rotated(of: Pictures, degrees: float, values: Values, random: np.random.Generator) -> Values:
    """About the middle, to one side or the other."""
    sign = np.where(random.random(len(values)) < 0.5, -1.0, 1.0).reshape(-1, 1, 1)
    cos, sin = math.cos(math.radians(degrees)), sign * math.sin(math.radians(degrees))
    middle = [(size - 1) / 2 for size in of.size[:2]]
    rows, columns = (place - at for place, at in zip(_places(of), middle, strict=True))
    return _read(
        of, values, cos * rows + sin * columns + middle[0], cos * columns - sin * rows + middle[1]
    )


def _noisy(_: Pictures, deviation: float, values: Values, random: np.random.Generator) -> Values:
    """Normal noise on every value; what leaves the range of a picture is cut off."""
    noise = random.standard_normal(values.shape, np.float32)
    return values + np.float32(deviation) * noise


def _thickened(of: Pictures, reach: float, values: Values, _: np.random.Generator) -> Values:
    """Strokes that reach further to every side: a grey dilation of what is not ground."""
    ink = values - of.ground
    grown = ink
    for weight, moved in _neighbours(of, reach, ink):
        other = np.float32(weight) * moved
        grown = np.where(np.abs(other) > np.abs(grown), other, grown)
    return of.ground + grown


def _thinned(of: Pictures, reach: float, values: Values, _: np.random.Generator) -> Values:
    """Strokes that reach less far to every side: a grey erosion of what is not ground."""
    ink = values - of.ground
    full = np.abs(ink).max(axis=(1, 2, 3), keepdims=True)
    strength = np.abs(ink) / np.maximum(full, np.float32(LINEAR))
    left = strength
    for weight, moved in _neighbours(of, reach, strength):
        left = np.minimum(left, 1 - np.float32(weight) * (1 - moved))
    kept: Values = np.divide(left, strength, out=np.zeros_like(left), where=strength > 0)
    return of.ground + ink * kept


def _neighbours(of: Pictures, reach: float, ink: Values) -> Iterator[tuple[float, Values]]:
    """``ink`` moved to every place within ``reach`` pixels, and how much of it counts.

    That is all within the reach, and less to nothing in one pixel beyond it: so strokes grow by
    fractions of a pixel. There is none outside of a picture.
    """
    most = math.ceil(reach)
    height, width, _ = of.size
    room = [(0, 0), (most, most), (most, most), (0, 0)]
    padded = np.pad(ink, room)
    for down in range(-most, most + 1):
        for across in range(-most, most + 1):
            weight = min(1.0, reach + 1 - math.hypot(down, across))
            if (down or across) and weight > LINEAR:
                top, left = most + down, most + across
                yield weight, padded[:, top : top + height, left : left + width]


def _fainter(of: Pictures, share: float, values: Values, _: np.random.Generator) -> Values:
    """Strokes of a share of their strength, as by a hard pencil."""
    return of.ground + np.float32(share) * (values - of.ground)


def _unevenly_lit(of: Pictures, left: float, values: Values, random: np.random.Generator) -> Values:
    """Light that falls off across the picture, in any direction, down to what is ``left``."""
    angle = (_TURN * random.random(len(values))).reshape(-1, 1, 1)
    rows, columns = _places(of)
    along = np.sin(angle) * rows + np.cos(angle) * columns
    least, most = along.min(axis=(1, 2), keepdims=True), along.max(axis=(1, 2), keepdims=True)
    light = 1 - (1 - left) * (along - least) / np.maximum(most - least, LINEAR)
    return _lit(of, values, light[..., np.newaxis].astype(np.float32))


def _flat(_: Pictures, share: float, values: Values, __: np.random.Generator) -> Values:
    """Every value nearer to the middle grey."""
    return np.float32(0.5) + np.float32(share) * (values - np.float32(0.5))


def _dark(of: Pictures, light: float, values: Values, _: np.random.Generator) -> Values:
    """The same light everywhere, and too little of it."""
    return _lit(of, values, np.float32(light))


def _lit(of: Pictures, values: Values, light: Values | np.float32) -> Values:
    """What is left of the picture in a light of 0 to 1; of a negative, of what it shows."""
    return 1 - light * (1 - values) if of.is_negative else light * values


def _places(of: Pictures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The row and the column of each pixel: (1, height, width) each."""
    rows, columns = np.mgrid[0 : of.size[0], 0 : of.size[1]].astype(np.float64)
    return rows[np.newaxis], columns[np.newaxis]


def _read(
    of: Pictures, values: Values, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> Values:
    """``values`` read at places (n, height, width) between pixels by bilinear interpolation.

    Outside is ground, where that is plain, and else the picture's border.
    """
    height, width, channels = of.size
    padded = np.pad(values, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="edge")
    if of.is_plain:
        padded[:, [0, -1]] = padded[:, :, [0, -1]] = of.ground
    rows, columns = np.clip(rows + 1, 0, height + 1), np.clip(columns + 1, 0, width + 1)
    top = np.minimum(rows.astype(np.int64), height)
    left = np.minimum(columns.astype(np.int64), width)
    down = (rows - top).astype(np.float32)[..., np.newaxis]
    across = (columns - left).astype(np.float32)[..., np.newaxis]
    first = np.arange(len(values)).reshape(-1, 1, 1) * (height + 2) * (width + 2)
    corner, below = first + top * (width + 2) + left, width + 2
    pixels = padded.reshape(-1, channels)
    upper = pixels[corner] + across * (pixels[corner + 1] - pixels[corner])
    lower = pixels[corner + below] + across * (pixels[corner + below + 1] - pixels[corner + below])
    read: Values = upper + down * (lower - upper)
    return read


_Row = tuple[str, str, str, tuple[float, ...], _OfPictures]
"""Name, words, unit, amounts, and what is done."""

MOVES: tuple[_Row, ...] = (
    ("shifted", "shifted by", "pixels", (1, 2, 4), _shifted),
    ("rotated", "rotated by", "degrees", (10, 20, 30), _rotated),
    ("noisy", "noise of", "%", (10, 20, 40), _noisy),
)
STROKES: tuple[_Row, ...] = (
    ("thicker", "thicker by", "pixels", (0.5, 1, 2), _thickened),
    ("thinner", "thinner by", "pixels", (0.25, 0.5, 0.75), _thinned),
    ("faint", "strokes at", "%", (50, 25, 10), _fainter),
)
LIGHT: tuple[_Row, ...] = (
    ("uneven light", "uneven light to", "%", (75, 50, 25), _unevenly_lit),
    ("low contrast", "contrast at", "%", (75, 50, 25), _flat),
    ("dark", "light at", "%", (75, 50, 25), _dark),
)
