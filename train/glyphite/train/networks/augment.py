"""Data augmentation: images shifted, rotated, scaled, sheared and elastically deformed.

Each pixel of a new image is read at another place of the old one; ``fields`` gives the places.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import SIDE, Images

BORDER = 1
"""Pixels of background around an image, so that a place just outside can be interpolated, too."""
CHUNK = 1000
"""Images augmented at a time: few enough that their fields stay in the processor's cache."""

Field = NDArray[np.float32]
"""(n, 28, 28): for each pixel of each new image, the row or the column where it is read."""


@dataclass(frozen=True)
class Warp:
    """The limits of augmentation; each amount is drawn uniformly from -limit to +limit."""

    rotation: float = 12.0
    """Degrees."""
    shear: float = 0.2
    """Columns per row."""
    scale: float = 0.12
    """Natural logarithm of the factor, drawn for width and height separately."""
    shift: float = 2.0
    """Pixels, drawn for rows and columns separately."""
    elastic: float = 1.35
    """Pixels: the standard deviation of the displacement of each control point."""
    grid: int = 6
    """Control points per side of the grid; a smooth surface over them deforms the image."""

    def weaker(self, strength: float) -> "Warp":
        """The same limits multiplied by ``strength``, 0 to 1."""
        return Warp(
            rotation=strength * self.rotation,
            shear=strength * self.shear,
            scale=strength * self.scale,
            shift=strength * self.shift,
            elastic=strength * self.elastic,
            grid=self.grid,
        )


def vary(images: Images, warp: Warp, seed: tuple[int, ...]) -> Images:
    """``images`` (n, 28, 28) augmented at random; the same ``seed`` gives the same pixels."""
    random = np.random.default_rng(seed)
    varied = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        varied[start : start + CHUNK] = sample(part, *fields(len(part), warp, random))
    return varied


def fields(count: int, warp: Warp, random: np.random.Generator) -> tuple[Field, Field]:
    """The rows and the columns where ``count`` images are read: affine maps plus a deformation."""

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
    """The weight of each control point in each pixel of a row: (28, points), rows of sum 1.

    The basis of the uniform cubic B-spline, ``2/3 - d**2 + d**3 / 2`` at distances d below 1 and
    ``(2 - d)**3 / 6`` below 2; the outermost points lie one interval outside the image.
    """
    places = np.linspace(1.0, points - 2.0, SIDE)[:, np.newaxis]
    away = np.abs(places - np.arange(points))
    inner = 2 / 3 - away**2 + away**3 / 2
    outer = np.clip(2 - away, 0, None) ** 3 / 6
    return np.where(away < 1, inner, outer).astype(np.float32)


def sample(images: Images, rows: Field, columns: Field) -> Images:
    """``images`` (n, 28, 28) read at ``rows`` and ``columns`` by bilinear interpolation.

    Outside an image is background, 0.
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
