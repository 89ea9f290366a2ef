"""Shows the pixels that a network sees, as text and as a picture."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.errors import InputError
from glyphite.convert.files import write_bytes

SHADES = " .:-=+*#%@"
ENLARGED = 10
"""Pixels of a side of the square that each pixel becomes in the picture."""


def as_text(digit: NDArray[np.uint8]) -> list[str]:
    """A digit of (28, 28) as 28 lines of 56 ASCII letters, the darker the more ink."""
    shades = np.array(list(SHADES))[digit.astype(int) * len(SHADES) // 256]
    return ["".join(np.repeat(row, 2)) for row in shades]


def write_picture(digits: NDArray[np.uint8], path: Path) -> None:
    """Write digits (n, 28, 28) side by side as a PNG, each pixel a square.

    Raises InputError where ``path`` is no name of a PNG, or cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"{path} is no name of a PNG. Let it end with .png.")
    row = np.concatenate(list(digits), axis=1)
    squares = row.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    content = io.BytesIO()
    Image.fromarray(squares).save(content, "PNG")
    write_bytes(path, content.getvalue(), way_out="Name another file.")
