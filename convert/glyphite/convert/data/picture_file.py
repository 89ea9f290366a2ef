"""Decodes a picture of any kind that Pillow itself reads, as grey or colours of 8 bits."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.text import printable

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA")
"""Pictures alone: for some of its other kinds Pillow runs a program, as Ghostscript for EPS."""
ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".tga"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2"),
)
"""Of files that are taken for pictures, in lower case."""
MOST_BYTES = 64 << 20
MOST_PIXELS = 50_000_000
"""Of one picture, before it is scaled: decoding more takes seconds and gigabytes."""
GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F"))
WHITE = 255
ORIENTATION, ON_ITS_SIDE = 0x0112, 5
"""EXIF's number of how a camera was held, and the first of its values that turn width to height."""

TIFF_MAGIC = (b"II", b"MM")
Pixels = NDArray[np.uint8]
Places = NDArray[np.intp]


def look(path: Path) -> tuple[int, int, int]:
    """Height, width, and 1 or 3 channels of a picture, from its header alone.

    Raises InputError where the file cannot be read, ImageError where it is not a picture.
    """
    with _opened(path) as image:
        has_exif = image.format != "PNG" or "exif" in image.info  # else all pixels are looked for
        turned = has_exif and image.getexif().get(ORIENTATION, 1) >= ON_ITS_SIDE
        size = image.size if turned else image.size[::-1]
        return *size, 1 if image.mode in GREY_MODES else 3


def decode(path: Path, shape: tuple[int, int, int]) -> Pixels:
    """The pixels (height, width, channels) of a picture, scaled to ``shape`` where it differs.

    Channels: 1 is grey, 3 red, green and blue, 4 opacity as well; with fewer than 4, what is
    transparent lies on white. Raises InputError where the file cannot be read, ImageError where it
    is no picture or damaged.
    """
    height, width, channels = shape
    with _opened(path) as image:
        image.load()
        plain = _eight_bits(ImageOps.exif_transpose(image))
        if channels < 4 and plain.has_transparency_data:
            ground = Image.new("RGBA", plain.size, (WHITE, WHITE, WHITE, WHITE))
            plain = Image.alpha_composite(ground, plain.convert("RGBA"))
        plain = plain.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
        pixels = np.asarray(plain, np.uint8).reshape(plain.height, plain.width, channels)
    if pixels.shape != shape:
        pixels = np.rint(resized(pixels, height, width)).astype(np.uint8)
    return pixels


def resized(pixels: Pixels, height: int, width: int) -> NDArray[np.float32]:
    """Scaled as Keras scales pictures in a folder: bilinear between pixels' middles, not smoothed.

    A model that was trained by ``image_dataset_from_directory`` so gets what it was trained on.
    """
    up, down, share = _neighbours(pixels.shape[0], height)
    rows = pixels[up] * (1 - share)[:, None, None] + pixels[down] * share[:, None, None]
    left, right, share = _neighbours(pixels.shape[1], width)
    across = rows[:, left] * (1 - share)[:, None] + rows[:, right] * share[:, None]
    return across.astype(np.float32)


def _neighbours(size: int, wanted: int) -> tuple[Places, Places, NDArray[np.float32]]:
    """For each wanted place the two places it lies between, and how near it is to the second."""
    place = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    first = np.floor(place).astype(np.intp)
    return first, np.minimum(first + 1, size - 1), (place - first).astype(np.float32)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Of 16 bits the upper 8, as TensorFlow does; Pillow would clip them."""
    if image.mode == "F":
        raise ImageError("it holds floats. Save it with 8 bits a colour")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray((np.clip(values, 0, 65535) >> 8).astype(np.uint8))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture in the block, in which whatever Pillow raises becomes a sentence.

    What the system lacks (memory, files) is no fault of the picture, and stays as it is.
    """
    content = read_bytes(path, MOST_BYTES)
    try:
        hushed = quiet() if content[:2] in TIFF_MAGIC else nullcontext()  # libtiff writes to stderr
        with hushed, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd beside the pixels, as EXIF, is no matter
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ImageError(f"it has {image.width}x{image.height} pixels: scale it down")
                yield image
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("it has more pixels than Pillow opens: scale it down") from error
    except UnidentifiedImageError as error:
        raise ImageError("it is no picture" if content else "it is empty") from error
    except Exception as error:  # Pillow raises whatever its many readers raise
        if isinstance(error, OSError) and error.errno is not None:  # its own have no number
            raise
        reason = printable(str(error) or type(error).__name__).rstrip(".")
        raise ImageError(f"it is damaged: {reason}") from error
