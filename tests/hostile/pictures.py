"""The way in for a picture of a digit."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from glyphite.host.measure.digit_picture import read_digit
from tests.fuzz.bytewise import WORDS
from tests.hostile.documents import SOUND
from tests.hostile.way import Rng, bytes_damaged, one_of, require

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA")
CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"acTL", b"fcTL",
          b"IDAT", b"IEND",
          b"gAMA", b"\x1b[2J")  # fmt: skip


class PictureWay:
    """A picture of each kind that is read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "digit.png"
        drawn = Image.new("L", (36, 40), 255)
        ImageDraw.Draw(drawn).ellipse((8, 6, 28, 34), outline=0, width=4)
        modes = [(kind, drawn.convert(mode)) for kind in FORMATS for mode in _modes(kind)]
        self.bases = [_saved(picture, kind) for kind, picture in modes]
        self.pngs = [base for base in self.bases if base.startswith(b"\x89PNG")]

    def make(self, rng: Rng) -> bytes:
        """Damage the bytes of any kind, or the chunks of a PNG."""
        how = rng.random()
        if how < SOUND:
            return one_of(rng, self.bases)
        if how < 0.6:
            return bytes_damaged(one_of(rng, self.bases), rng)
        return _damaged_png(one_of(rng, self.pngs), rng)

    def read(self, content: bytes) -> bool:
        """Read it as `glyphite predict` does."""
        self.path.write_bytes(content)
        found = read_digit(self.path)
        require(found.shape == (28, 28) and found.dtype == np.uint8, "no digit of MNIST's size")
        require(found.max() > 0, "an empty digit")
        return True


def _modes(kind: str) -> tuple[str, ...]:
    return {"PNG": ("L", "1", "P", "RGBA", "I;16", "LA"), "TIFF": ("L", "F", "1", "I;16")}.get(
        kind, ("L",)
    )


def _saved(picture: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind)
    return content.getvalue()


def _damaged_png(content: bytes, rng: Rng) -> bytes:
    """A PNG with one to three chunks changed, moved, doubled or left out; its checksums fit."""
    chunks = _chunks(content)
    for _ in range(one_of(rng, (1, 1, 2, 3))):
        at, how = int(rng.integers(len(chunks))), int(rng.integers(6))
        kind, inner = chunks[at]
        if how == 0:
            chunks.insert(int(rng.integers(len(chunks) + 1)), (kind, inner))
        elif how == 1 and len(chunks) > 1:
            del chunks[at]
        elif how == 2:
            chunks[at] = (one_of(rng, CHUNKS), inner)
        elif how == 3:
            chunks[at] = (
                kind,
                _pixels(inner, rng) if kind == b"IDAT" else bytes_damaged(inner, rng),
            )
        elif how == 4:
            extra = (one_of(rng, CHUNKS), rng.bytes(int(rng.integers(40))))
            chunks.insert(at, extra)
        else:
            chunks[0] = (chunks[0][0], _header(chunks[0][1], rng))
    return content[:8] + b"".join(_chunk(kind, inner) for kind, inner in chunks)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _chunk(kind: bytes, inner: bytes) -> bytes:
    return (
        struct.pack(">I", len(inner)) + kind + inner + struct.pack(">I", zlib.crc32(kind + inner))
    )


def _header(inner: bytes, rng: Rng) -> bytes:
    """Another width, height, depth, colour or interlace."""
    damaged = bytearray(inner)
    if rng.random() < 0.6:
        at = one_of(rng, (0, 4))
        sizes = (*WORDS, 1, 28, 7071, 60_000, 50_000_000)
        damaged[at : at + 4] = struct.pack(">I", one_of(rng, sizes))
    else:
        at = int(rng.integers(8, 13))
        damaged[at : at + 1] = bytes([one_of(rng, (0, 1, 2, 3, 4, 6, 8, 16, 255))])
    return bytes(damaged)


def _pixels(inner: bytes, rng: Rng) -> bytes:
    """Other rows, or a few bytes that stand for many."""
    try:
        rows = zlib.decompress(inner)
    except zlib.error:
        rows = b""
    bomb = bytes(1 << 20)
    return zlib.compress(one_of(rng, (bytes_damaged(rows, rng), rows + bomb, rows[:50], b"")), 1)
