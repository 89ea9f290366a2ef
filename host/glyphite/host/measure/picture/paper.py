"""Takes the paper out of a picture: what is left is ink, whatever the light and the colours are.

The light on a sheet changes slowly, strokes are narrow. A grey closing (the largest value around
each pixel, then the smallest of these) fills dark strokes and follows the light; it shows the paper
as it would be without ink. J. Serra, "Image Analysis and Mathematical Morphology", 1982.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Plane = NDArray[np.float64]
"""(height, width)."""

STROKE = 0.25
"""Of the picture's longer side: a wider dark field is no stroke but another paper."""
COARSE_SIDE = 120
"""Pixels in which the paper is sought: its light has no detail."""
LEAST_PAPER = 0.2
"""Darker paper is taken as this dark: a division by less would make ink of its grain."""


def grey_of(image: Image.Image) -> Plane:
    """An RGB picture along the one direction of colours in which strokes stand out: 0 to 1.

    Red ink on green of one brightness has no contrast in any mix of all three.
    """
    radius = max(image.size) / 600  # the grain of sensor and paper, not of strokes
    smooth = image.filter(ImageFilter.GaussianBlur(radius)) if radius > 0.3 else image
    colours = np.asarray(smooth, np.float64) / 255
    light = smooth.filter(ImageFilter.GaussianBlur(max(image.size) / 12))
    detail = (colours - np.asarray(light, np.float64) / 255).reshape(-1, 3)
    direction = np.linalg.eigh(detail.T @ detail)[1][:, -1]
    direction *= 1 if direction.sum() > 0 else -1
    darkest = np.minimum(direction, 0).sum()
    lightest = np.maximum(direction, 0).sum()
    return np.asarray((colours @ direction - darkest) / (lightest - darkest))


def dark_ink(grey: Plane) -> Plane:
    """How much of the paper's light each pixel lacks: 0 for paper, 1 for black."""
    paper = _closed(grey)
    return np.asarray((paper - grey) / np.maximum(paper, LEAST_PAPER))


def light_ink(grey: Plane) -> Plane:
    """How much lighter than the paper each pixel is: a black board reflects no light to share."""
    return grey + _closed(-grey)


def _closed(grey: Plane) -> Plane:
    """The paper without dark strokes."""
    height, width = grey.shape
    scale = min(1.0, COARSE_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(grey.astype(np.float32)).resize(size, Image.Resampling.BOX)
    coarse = image.filter(ImageFilter.MedianFilter(3)) if scale < 1 else image
    window = min(round(STROKE * max(size)), min(size) - 1) + 1
    closed = _closing(np.asarray(coarse, np.float64), window).astype(np.float32)
    large = Image.fromarray(closed).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float64)


def _closing(plane: Plane, window: int) -> Plane:
    """Beyond its edges the plane goes on as it falls or rises there."""
    padded = np.pad(plane, window - 1, mode="reflect", reflect_type="odd")
    return -_largest(-_largest(padded, window), window)


def _largest(plane: Plane, window: int) -> Plane:
    for axis in (0, 1):
        plane = sliding_window_view(plane, window, axis=axis).max(axis=-1)
    return plane
