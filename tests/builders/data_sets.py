"""Small data sets as people keep them: files of every kind that ``glyphite.convert.data`` reads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(shape: tuple[int, ...], seed: int = 1) -> NDArray[np.uint8]:
    """Noise of 0..255, the same for the same seed."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save_picture(path: Path, shape: tuple[int, ...] = (8, 8, 3), seed: int = 1) -> Path:
    """A picture of noise, of the kind that its name's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(shape, seed)).save(path)
    return path


def save_pictures(
    folder: Path, classes: Sequence[str], count: int, shape: tuple[int, ...] = (8, 8, 3)
) -> Path:
    """``count`` PNGs in a folder for each class, each of noise of its own."""
    for number, name in enumerate(classes):
        for place in range(count):
            save_picture(folder / name / f"{place:03}.png", shape, 1000 * number + place)
    return folder


def save_recording(
    path: Path, rows: int, names: Sequence[str] = ("ax", "ay", "az"), first: float = 0.0
) -> Path:
    """A CSV whose values count the rows from ``first`` on, the same in each column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(f"{first + row:g}" for _ in names) for row in range(rows)]
    path.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8", newline="")
    return path
