"""What a page sends, as the model takes it: a drawing as `predict` reads it, a picture, values."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.picture_file import resized
from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.manifest import Manifest
from glyphite.host.measure.digit_picture import read_pixels
from glyphite.host.runners.base import Tensors
from glyphite.host.serve.messages import Kind, Picture, ReadValues, Sample

DRAWING = "The drawing"
LEAST_SIDE = 4
"""Of a picture that a model reads."""
GREY = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue: ITU-R BT.601."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Test samples as their data set has them."""

    raw: Tensors
    """(n, *shape)."""
    labels: list[str]
    """What is right for each; "" where nothing is."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One input."""

    tensor: Tensors
    """(1, *shape), as the model takes it."""
    picture: NDArray[np.uint8] | None = None
    """(height, width): the same for people; None where it is no picture."""
    note: str = ""


@dataclass(frozen=True)
class Inputs:
    """Makes inputs of one model. ``digits``: it reads drawings of them, and no other data."""

    manifest: Manifest
    digits: bool
    load_samples: Callable[[], Samples]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an input, without the batch."""
        return self.manifest.input.shape[1:]

    @cached_property
    def picture_shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels, where an input is a picture."""
        if self.digits:
            return 28, 28, 1
        full = self.shape if len(self.shape) == 3 else (*self.shape, 1)
        if len(full) != 3 or full[2] not in (1, 3) or min(full[:2]) < LEAST_SIDE:
            return None
        return full[0], full[1], full[2]

    @property
    def kind(self) -> Kind:
        """The page that fits the model."""
        if self.digits:
            return "digits"
        return "picture" if self.picture_shape else "values"

    def of_picture(self, picture: Picture) -> Seen:
        """Raises ImageError where there is no digit in it, or its size is not as it says;
        InputError where the model takes no pictures."""
        grey, colours = _pixels(picture)
        if picture.is_tensor:
            return self._of_tensor(grey, colours)
        if self.digits:
            return self._of_drawing(grey if colours is None else colours)
        if self.picture_shape is None:
            raise InputError(
                f"{self.manifest.name} takes {prod(self.shape):,} values, and no picture. Paste "
                "them in as numbers."
            )
        height, width, channels = self.picture_shape
        whole = grey[..., np.newaxis] if channels == 1 or colours is None else colours
        whole = np.repeat(whole, channels // whole.shape[2], axis=2)
        if whole.shape != self.picture_shape:
            whole = np.rint(resized(whole, height, width)).astype(np.uint8)
        return self._of_raw(whole)

    def of_values(self, asked: ReadValues) -> Seen:
        """Raises InputError where the model takes another number of values, or one is not
        finite."""
        values, wanted = np.array(asked.values, np.float64), prod(self.shape)
        if len(values) != wanted:
            raise InputError(
                f"{len(values):,} values were given, and {self.manifest.name} takes {wanted:,}, of "
                f"shape {self.shape}. Paste that many."
            )
        if not np.isfinite(values).all():
            raise InputError("A value is not a finite number. Paste numbers alone.")
        return Seen(self.manifest.quantize(values[np.newaxis]))

    @cached_property
    def _samples(self) -> Samples:
        return self.load_samples()

    def sample(self, index: int) -> Sample:
        """A test sample for the page. Raises what loading the data does, the first time."""
        with _LOADING:
            samples = self._samples
        at = index % len(samples.raw)
        raw, label = samples.raw[at], samples.labels[at]
        shape = self.picture_shape
        if shape is None or raw.dtype != np.uint8:
            return Sample(label, values=[float(value) for value in raw.reshape(-1)])
        pixels = raw.reshape(shape)
        return Sample(label, _picture_of(pixels))

    def _of_drawing(self, pixels: NDArray[np.uint8]) -> Seen:
        seen = read_pixels(pixels, DRAWING)
        if len(seen.digits) > 1:
            raise ImageError(
                f"{DRAWING} has {len(seen.digits)} digits side by side, and one is read. Clear it, "
                "and draw one."
            )
        note = f"Left out: {', '.join(seen.left_out)}." if seen.left_out else ""
        return Seen(self.manifest.quantize(seen.digits), seen.digits[0], note)

    def _of_tensor(self, grey: NDArray[np.uint8], colours: NDArray[np.uint8] | None) -> Seen:
        shape = self.picture_shape
        if shape is None or grey.shape != shape[:2]:
            raise ImageError(
                f"A picture of {grey.shape[1]}x{grey.shape[0]} pixels was given as one of the "
                f"model's own size, and that is {self.shape}."
            )
        whole = grey if shape[2] == 1 or colours is None else colours
        return self._of_raw(np.broadcast_to(whole.reshape(*shape[:2], -1), shape))

    def _of_raw(self, pixels: NDArray[np.uint8]) -> Seen:
        """Of pixels (height, width, channels) that are a raw sample."""
        grey = pixels[..., 0] if pixels.shape[2] == 1 else _grey(pixels)
        return Seen(self.manifest.quantize(pixels[np.newaxis]), grey)


_LOADING = Lock()


def _pixels(picture: Picture) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Grey (h, w), and any colours (h, w, 3) on white. ImageError where bytes lack."""
    size = picture.height * picture.width
    for content, channels in ((picture.pixels, 1), (picture.rgba, 4)):
        if content is not None and len(content) != channels * size:
            raise ImageError(
                f"A picture of {picture.width}x{picture.height} pixels has {channels * size:,} "
                f"bytes, and {len(content):,} came. Load the page anew."
            )
    grey = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width)
    if picture.rgba is None:
        return grey, None
    rgba = np.frombuffer(picture.rgba, np.uint8).reshape(picture.height, picture.width, 4)
    opacity = rgba[..., 3:].astype(np.float64) / 255
    on_white = rgba[..., :3] * opacity + 255 * (1 - opacity)
    return grey, np.rint(on_white).astype(np.uint8)


def _grey(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(colours[..., :3] @ GREY), np.uint8)


def _picture_of(pixels: NDArray[np.uint8]) -> Picture:
    """Pixels (h, w, channels) as the page takes a picture of the model's own size."""
    height, width, channels = pixels.shape
    if channels == 1:
        return Picture(width, height, pixels.tobytes(), is_tensor=True)
    opaque = np.full((height, width, 1), 255, np.uint8)
    rgba = np.concatenate([pixels[..., :3], opaque], axis=2)
    return Picture(width, height, _grey(pixels).tobytes(), rgba.tobytes(), is_tensor=True)
