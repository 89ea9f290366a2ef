"""Digits that might have been written: images moved, turned, stretched, slanted and warped.

A new image is the old one read at other places: for each of its pixels, ``fields`` says where.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.train.data.mnist import Images

SIDE = 28
"""Rows and columns of an image, in pixels."""
BORDER = 1
"""Background around a padded image, so that a place just outside has neighbours, too."""
CHUNK = 1000
"""Images at a time: few enough that their fields stay in the processor's cache."""

Field = NDArray[np.float32]
"""(n, 28, 28): for each pixel of each image, a row or a column of the image it is read from."""


@dataclass(frozen=True)
class Warp:
    """How far an image may be changed; each amount is drawn evenly from -limit to +limit."""

    rotation: float = 12.0
    """Degrees."""
    shear: float = 0.2
    """Columns of slant a row."""
    scale: float = 0.12
    """Natural logarithm of the factor, drawn for width and height apart."""
    shift: float = 2.0
    """Pixels, drawn for rows and columns apart."""
    elastic: float = 1.35
    """Pixels: the standard deviation by which each control point is moved."""
    grid: int = 6
    """Control points a side; a smooth surface through them bends the image."""

    def weaker(self, strength: float) -> "Warp":
        """The same with each limit times ``strength``, 0 to 1."""
        return Warp(
            rotation=strength * self.rotation,
            shear=strength * self.shear,
            scale=strength * self.scale,
            shift=strength * self.shift,
            elastic=strength * self.elastic,
            grid=self.grid,
        )


def vary(images: Images, warp: Warp, seed: tuple[int, ...]) -> Images:
    """Each of ``images`` (n, 28, 28) changed at random; the same seed gives the same pixels."""
    random = np.random.default_rng(seed)
    varied = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        varied[start : start + CHUNK] = sample(part, *fields(len(part), warp, random))
    return varied


def fields(count: int, warp: Warp, random: np.random.Generator) -> tuple[Field, Field]:
    """Rows and columns to read ``count`` images at: an affine map plus a smooth bend."""

    def draw(limit: float) -> Field:
        return random.uniform(-limit, limit, (count, 1, 1)).astype(np.float32)

    angle = np.deg2rad(draw(warp.rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    height, width, slant = np.exp(draw(warp.scale)), np.exp(draw(warp.scale)), draw(warp.shear)
    middle = np.float32((SIDE - 1) / 2)
    centred = np.arange(SIDE, dtype=np.float32) - middle
    down, across = height * centred[:, np.newaxis], width * centred
    across = across + slant * down
    bend = _bend(count, warp, random)
    rows = sin * across + cos * down + middle + draw(warp.shift) + bend[0]
    columns = cos * across - sin * down + middle + draw(warp.shift) + bend[1]
    return rows, columns


def _bend(count: int, warp: Warp, random: np.random.Generator) -> NDArray[np.float32]:
    """(2, count, 28, 28): cubic B-spline surfaces over a grid of random control points."""
    points = random.standard_normal((2, count, warp.grid, warp.grid), np.float32)
    basis = spline_basis(warp.grid)
    bend: NDArray[np.float32] = basis @ (np.float32(warp.elastic) * points) @ basis.T
    return bend


def spline_basis(points: int) -> NDArray[np.float32]:
    """(28, points): the weight of each control point in each pixel; a row's sum is 1.

    The uniform cubic B-spline; the outermost points lie one interval outside the image.
    """
    places = np.linspace(1.0, points - 2.0, SIDE)[:, np.newaxis]
    away = np.abs(places - np.arange(points))
    inner = 2 / 3 - away**2 + away**3 / 2
    outer = np.clip(2 - away, 0, None) ** 3 / 6
    return np.where(away < 1, inner, outer).astype(np.float32)


def sample(images: Images, rows: Field, columns: Field) -> Images:
    """``images`` (n, 28, 28) read at ``rows`` and ``columns``, between pixels bilinearly.

    What lies outside an image is background, 0.
    """
    padded = np.pad(images, ((0, 0), *[(BORDER, BORDER + 1)] * 2)).astype(np.float32)
    stride = padded.shape[2]
    rows, columns = (np.clip(field + BORDER, 0, SIDE + BORDER) for field in (rows, columns))
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, across = rows - top, columns - left
    first = np.arange(len(images), dtype=np.int32)[:, np.newaxis, np.newaxis] * padded[0].size
    corner = first + top * stride + left
    pixels = padded.reshape(-1)
    upper = pixels[corner] + across * (pixels[corner + 1] - pixels[corner])
    below = corner + stride
    lower = pixels[below] + across * (pixels[below + 1] - pixels[below])
    read: Images = np.rint(upper + down * (lower - upper)).astype(np.uint8)
    return read
