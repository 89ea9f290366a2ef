"""Calibration data: inputs like those of the training, which set the scales of the tensors."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.arrays import read_npy
from glyphite.convert.errors import InputError

Value = TypeVar("Value", bound=np.generic)

IMAGES = 500
"""Images by default: on the network ``seed``, 20 to 2,000 give the same accuracy within 0.03
percentage points."""


@dataclass(frozen=True)
class Calibration:
    """Inputs (n, *input shape) of the float model, and where they come from."""

    inputs: NDArray[np.float32]
    source: str
    """Where the inputs come from, as text for the manifest and for people."""


def from_pixels(
    pixels: NDArray[np.uint8], count: int, shape: tuple[int, ...], divisor: float, source: str
) -> Calibration:
    """``count`` of the images ``pixels`` (n, ...), evenly spread, divided by ``divisor``.

    ``shape`` is that of one input, without the batch. Raises ValueError where an image does not
    have as many pixels.
    """
    chosen = evenly(pixels, count)
    inputs = (chosen.astype(np.float32) / np.float32(divisor)).reshape(len(chosen), *shape)
    return Calibration(inputs, f"{len(chosen):,} of {len(pixels):,} {source}, evenly spread")


def from_file(path: Path, count: int, shape: tuple[int, ...], divisor: float) -> Calibration:
    """``count`` inputs of the .npy file ``path``: (n, *shape) of uint8 pixels or of floats.

    Pixels are divided by ``divisor``; floats are used as they are. Raises InputError where the file
    is missing or not a .npy file, its type or shape does not fit the model, or its floats look like
    pixels that were not divided or are beyond float32.
    """
    values = read_npy(path)
    if values.ndim == 0 or prod(values.shape[1:]) != prod(shape) or len(values) == 0:
        wanted = ", ".join(map(str, ("n", *shape)))
        raise InputError(f"{path} has the shape {values.shape}, and the model takes ({wanted}).")
    if values.dtype == np.uint8:
        return from_pixels(values, count, shape, divisor, f"inputs of {path.name}")
    if values.dtype.kind != "f":
        raise InputError(
            f"{path} holds {values.dtype}. Pixels of uint8 are allowed, and floats as the model "
            "was trained on."
        )
    _refuse_raw_pixels(path, values, divisor)
    _refuse_beyond_float32(path, values)
    chosen = evenly(values, count).astype(np.float32).reshape(-1, *shape)
    source = f"{len(chosen):,} of {len(values):,} inputs of {path.name}, evenly spread"
    return Calibration(chosen, source)


def from_random(count: int, shape: tuple[int, ...], divisor: float) -> Calibration:
    """``count`` inputs (n, *shape) of random pixels: enough for sizes, useless for accuracy."""
    pixels = np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8)
    inputs = from_pixels(pixels, count, shape, divisor, "").inputs
    return Calibration(inputs, f"{count:,} inputs of random pixels")


def evenly(values: NDArray[Value], count: int) -> NDArray[Value]:
    """At most ``count`` of ``values`` (n, ...), evenly spread from the first to the last."""
    chosen = np.linspace(0, len(values) - 1, min(count, len(values))).astype(np.intp)
    return np.take(values, chosen, axis=0)


def _refuse_raw_pixels(path: Path, values: NDArray[Any], divisor: float) -> None:
    """InputError where all floats are whole numbers of 0..255: pixels that were not divided."""
    low, high = values.min(), values.max()
    whole = low >= 0 and 2 <= high <= 255 and not np.mod(values, 1).any()
    if whole and divisor != 1:
        raise InputError(
            f"{path} holds whole numbers from {low:g} to {high:g}, which look like raw pixels, and "
            f"the model takes pixels divided by {divisor:g}. Divide them, save them as uint8, or "
            "say --pixel-divisor 1 if the model was trained on raw pixels."
        )


def _refuse_beyond_float32(path: Path, values: NDArray[Any]) -> None:
    """InputError where a float is too large for the model's type, in which it would be infinite."""
    largest, most = np.abs(values).max(), np.finfo(np.float32).max
    if largest > most:
        raise InputError(
            f"{path} holds values up to {largest:.3g} in size, and the model's float32 ends at "
            f"{most:.3g}. Scale them as the model's training data were."
        )
