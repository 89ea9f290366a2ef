"""Reads a picture of one digit, and makes it like those of MNIST.

MNIST's own way (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"):
white on black, scaled to 20x20 pixels with its aspect ratio kept and its edges anti-aliased, then
moved so that its centre of mass is in the middle of 28x28 pixels.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from glyphite.convert.errors import ImageError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

SIDE = 28
BOX = 20
CENTRE = 14
"""Measured: the centres of mass of all test images lie within half a pixel of (14, 14)."""
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA")
"""Pictures alone: for some of its other kinds Pillow runs a program, as Ghostscript for EPS."""
MAX_BYTES = 256 << 20
MAX_PIXELS = 50_000_000
"""The largest picture that is read: decoding more takes seconds and gigabytes."""
MAX_SIDE = 30_000
"""Of a line of pixels more is held in memory than of a picture, as its border is all of it."""
LEAST_CONTRAST = 0.1
"""A fraction of the full range: a picture of less contrast is empty."""
FAINT = 0.15
"""A fraction of the digit's own contrast: a fainter pixel is noise of paper or compression."""

Grey = NDArray[np.float64]
"""(height, width), 0 black to 1 white; of ink, 0 for paper to 1 for the strongest stroke."""


def read_digit(path: Path) -> NDArray[np.uint8]:
    """The digit in a picture of any size and format, as one of MNIST: (28, 28) of 0..255.

    It may be dark on light or light on dark. Raises InputError where the file cannot be read,
    ImageError where it is not a picture, is damaged or too large, or is empty.
    """
    ink = _ink(_open(path), path)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _centre(_fit(digit))


def _open(path: Path) -> Grey:
    content = read_bytes(path, MAX_BYTES)
    try:
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            # MAX_PIXELS is checked instead; what is odd beside the pixels, as EXIF, is no matter.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(_too_large(path, f"{image.width}x{image.height} pixels"))
            if max(image.size) > MAX_SIDE:
                raise ImageError(
                    _too_large(path, f"a side of {max(image.size):,} pixels", MAX_SIDE)
                )
            image.load()
            grey = _grey(ImageOps.exif_transpose(image))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(path, "more pixels than Pillow opens")) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not an image that can be read. Give a PNG, or another kind of picture "
            f"({', '.join(FORMATS)}), of one digit."
        ) from error
    except Exception as error:  # Pillow raises whatever its many readers raise
        reason = printable(str(error) or type(error).__name__).rstrip(".")
        raise ImageError(f"{path} is a damaged image: {reason}. Save the picture anew.") from error
    if grey.size == 0 or not np.isfinite(grey).all():
        raise ImageError(
            f"{path} is a damaged image: it has no pixels, or some that are not finite numbers. "
            "Save the picture anew."
        )
    return grey


def _too_large(path: Path, size: str, most: int = MAX_PIXELS) -> str:
    return (
        f"{path} has {size}, and at most {most:,} are read. "
        "Scale the picture down or cut the digit out: 28x28 pixels are enough."
    )


def _grey(image: Image.Image) -> Grey:
    """A picture of any of Pillow's modes as grey.

    The ground of a transparent picture is white for dark ink and black for light ink.
    """
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits or more: Pillow would clip them
        values = np.asarray(image, np.float64)
        return np.divide(values, max(65535.0, values.max()))
    if image.has_transparency_data:
        colours = np.asarray(image.convert("RGBA").convert("LA"), np.float64) / 255
        grey, opacity = colours[..., 0], colours[..., 1]
        is_dark = (grey * opacity).sum() < 0.5 * opacity.sum()
        return np.asarray(grey * opacity + (1 - opacity) * is_dark, np.float64)
    return np.asarray(image.convert("L"), np.float64) / 255


def _ink(grey: Grey, path: Path) -> Grey:
    """The contrast of each pixel to the paper, whose shade is the median of the border.

    The grain of the paper is taken as normal noise. Its standard deviation is estimated as 1.4826
    times the median absolute deviation; what is within 5 standard deviations is paper.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(border))
    darkest, lightest = float(grey.min()), float(grey.max())
    is_dark_on_light = paper - darkest > lightest - paper
    ink = paper - grey if is_dark_on_light else grey - paper
    contrast, grain = float(ink.max()), 5 * 1.4826 * float(np.median(np.abs(border - paper)))
    if contrast < max(LEAST_CONTRAST, grain):
        raise ImageError(
            f"{path} is empty: all of it is of nearly one shade. Draw one digit, dark on light or "
            "light on dark, and leave a margin around it."
        )
    ink[ink < max(FAINT * contrast, grain)] = 0
    return np.clip(ink / contrast, 0, 1)


def _fit(digit: Grey) -> Grey:
    """Scale a digit so that its longer side has 20 pixels, each an average of those it covers."""
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    image = Image.fromarray(digit.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _centre(digit: Grey) -> NDArray[np.uint8]:
    """Place a digit of at most 20x20 in 28x28 pixels, its centre of mass in the middle."""
    height, width = digit.shape
    mass = digit.sum()
    row = round(CENTRE - float(digit.sum(axis=1) @ np.arange(height) / mass))
    column = round(CENTRE - float(digit.sum(axis=0) @ np.arange(width) / mass))
    row, column = min(max(row, 0), SIDE - height), min(max(column, 0), SIDE - width)
    placed = np.zeros((SIDE, SIDE), np.uint8)
    placed[row : row + height, column : column + width] = np.round(np.clip(digit, 0, 1) * 255)
    return placed
