"""Decodes a picture of any kind that Pillow itself reads, and makes it small and RGB."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, ImageSequence, UnidentifiedImageError

from glyphite.convert.data.picture_file import FORMATS
from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.text import printable

MAX_BYTES = 256 << 20
MAX_PIXELS = 50_000_000
"""The largest picture that is read: decoding more takes seconds and gigabytes."""
MAX_SIDE = 30_000
"""Of a line of pixels more is held in memory than of a picture, as its border is all of it."""
MOST_FRAMES = 20
"""Of an animation: one that begins with more empty ones is not looked through."""
WORKING_SIDE = 400
"""Pixels that a picture is scaled down to: a digit of a tenth of it still has 40."""

LARGE = 4 * WORKING_SIDE
"""As a larger picture is scaled down, its dots become shades by themselves."""
DOTS = 2.0
"""Pixels of the blur by which dots become shades."""
LEAST_DOTS = 0.05
"""Of the pixels of the rarer colour, so many stand alone where dots stand for shades."""


def frames(path: Path) -> Iterator[tuple[Image.Image, int]]:
    """Each frame of a picture as RGB of at most 400x400 pixels, and how many frames there are.

    Raises InputError where the file cannot be read, ImageError where it is not a picture, is
    damaged or too large, OSError where the system lacks something.
    """
    content = read_bytes(path, MAX_BYTES)
    with _told(path):
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        count, sequence = getattr(image, "n_frames", 1), ImageSequence.Iterator(image)
    for index in range(min(count, MOST_FRAMES)):
        with _told(path):
            frame = sequence[index]
            _require_size(frame, path)
            frame.load()
            decoded = _small_rgb(ImageOps.exif_transpose(frame), path)
        yield decoded, count


def frame_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """Pixels (h, w) or (h, w, 3) as RGB of at most 400x400 pixels."""
    return _reduced(_undithered(Image.fromarray(pixels).convert("RGB")))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let whatever Pillow raises in the block be a sentence, and hear nothing of its libraries.

    What the system lacks (memory, files) is no fault of the picture, and stays as it is.
    """
    try:
        with quiet(), warnings.catch_warnings(), np.errstate(invalid="ignore"):
            # MAX_PIXELS is checked instead; what is odd beside the pixels, as EXIF, is no matter.
            warnings.simplefilter("ignore")
            yield
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(path, "more pixels than Pillow opens")) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not an image that can be read. Give a PNG, or another kind of picture "
            f"({', '.join(FORMATS)}), of one digit."
        ) from error
    except Exception as error:  # Pillow raises whatever its many readers raise
        if isinstance(error, OSError) and error.errno is not None:  # its own have no number
            raise
        reason = printable(str(error) or type(error).__name__).rstrip(".")
        raise ImageError(f"{path} is a damaged image: {reason}. Save the picture anew.") from error


def _require_size(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_too_large(path, f"{image.width}x{image.height} pixels"))
    if max(image.size) > MAX_SIDE:
        raise ImageError(_too_large(path, f"a side of {max(image.size):,} pixels", MAX_SIDE))


def _too_large(path: Path, size: str, most: int = MAX_PIXELS) -> str:
    return (
        f"{path} has {size}, and at most {most:,} are read. "
        "Scale the picture down or cut the digit out: 28x28 pixels are enough."
    )


def _small_rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode == "P" and image.palette is not None and not image.palette.palette:
        raise ImageError(f"{path} is a damaged image: it has no palette. Save the picture anew.")
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits or more: Pillow would clip them
        image = _eight_bits(image, path)
    if image.has_transparency_data:
        return _on_ground(_reduced(image.convert("RGBA").convert("RGBa")))
    return _reduced(_undithered(image.convert("RGB")))


def _undithered(image: Image.Image) -> Image.Image:
    """A picture of two colours whose dots stand for shades, as fax and `convert("1")` make them,
    with the shades; any other as it is.

    Dots have no neighbour of their colour; of strokes drawn in two colours few pixels have none.
    """
    found = image.getcolors(2)
    if found is None or len(found) < 2 or max(image.size) > LARGE:
        return image
    ink = np.pad((np.asarray(image) == found[0][1]).all(axis=2), 1, mode="edge")
    inner = ink[1:-1, 1:-1]
    beside = (ink[:-2, 1:-1], ink[2:, 1:-1], ink[1:-1, :-2], ink[1:-1, 2:])
    alone = np.all([inner != other for other in beside], axis=0)
    if alone.sum() < LEAST_DOTS * min(inner.sum(), (~inner).sum()):
        return image
    return image.filter(ImageFilter.GaussianBlur(DOTS))


def _reduced(image: Image.Image) -> Image.Image:
    """Scaled down to the working size: each pixel is an average."""
    scale = WORKING_SIDE / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if scale >= 1 else image.resize(size, Image.Resampling.BOX, reducing_gap=2)


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """A picture of larger numbers in 0..255, of its own range: cameras of 10 bits save 16."""
    values = np.asarray(image, np.float32)
    if values.size == 0 or not np.isfinite(values).all():
        raise ImageError(
            f"{path} is a damaged image: it has no pixels, or some that are not finite numbers. "
            "Save the picture anew."
        )
    values = values - min(0.0, float(values.min()))
    scaled = values * (255 / max(float(values.max()), 1e-30))
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))


def _on_ground(image: Image.Image) -> Image.Image:
    """A transparent picture on white if its ink is dark, else on black.

    Its colours are multiplied by their opacity already.
    """
    values = np.asarray(image, np.float64)
    colours, opacity = values[..., :3], values[..., 3:]
    is_dark = colours.mean(axis=2).sum() < 0.5 * opacity.sum()
    placed = colours + (255 - opacity) * is_dark
    return Image.fromarray(np.clip(placed, 0, 255).astype(np.uint8))
