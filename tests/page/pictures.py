"""Pictures for the page's reader of digits and its Python twin, and how far the two differ."""

import base64
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import ImageError
from glyphite.host.measure.digit_picture import read_pixels
from tests.page.strokes import strokes
from tests.paths import TESTS
from tests.pictures.sheets import KINDS
from tests.pictures.sheets import strokes as ink_of

PROGRAM = TESTS / "page" / "javascript" / "digits.mjs"
SIDE, MARGIN, PEN, FINE = 280, 24, 20, 4
"""Of the page's canvas, in its pixels; it is drawn so many times as large, to smooth its edges."""
Pixels = NDArray[np.uint8]
"""(h, w) of greys or (h, w, 3) of colours."""


@dataclass(frozen=True)
class Difference:
    """One picture, as both read it: how many of 784 bytes differ, and by how much at most."""

    named: str
    bytes: int
    most: int
    refused: str = ""
    """By one of the two alone: which, and why."""


def drawn(image: Pixels) -> Pixels:
    """A test image as one draws it on the page: white lines on black, smooth."""
    side = FINE * (SIDE + 2 * MARGIN)
    sheet = Image.new("L", (side, side))
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes(image):
        points = [(FINE * (MARGIN + x * SIDE), FINE * (MARGIN + y * SIDE)) for x, y in stroke]
        pen.line(points, fill=255, width=FINE * PEN, joint="curve")
        for x, y in (points[0], points[-1]):
            reach = FINE * PEN / 2
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return np.asarray(sheet.resize((side // FINE, side // FINE), Image.Resampling.BOX))


def pictures(mnist: Mnist, count: int) -> Iterator[tuple[str, Pixels]]:
    """``count`` drawings, as many test images themselves, a file, and a photo of each kind."""
    for index in range(count):
        yield f"drawing of test image {index}", drawn(mnist.test_images[index])
        yield f"test image {index}", mnist.test_images[index]
    with Image.open(TESTS / "data" / "seven.png") as file:
        yield "seven.png", np.asarray(file.convert("RGB"))
    for index, (kind, paint) in enumerate(KINDS.items()):
        rng = np.random.default_rng(index)
        sheet = paint(rng, ink_of(rng, mnist.test_images[index]))
        yield kind, np.asarray(sheet.convert("RGB"))


def differences(node: str, given: Sequence[tuple[str, Pixels]]) -> list[Difference]:
    """Read each by both."""
    asked = json.dumps([_told(pixels) for _, pixels in given])
    command = [node, str(PROGRAM)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    return [_difference(named, pixels, answer)
            for (named, pixels), answer in zip(given, answers, strict=True)]  # fmt: skip


def _difference(named: str, pixels: Pixels, answer: dict[str, str]) -> Difference:
    try:
        digits = read_pixels(pixels, "The drawing").digits
        seen = digits[0] if len(digits) == 1 else None
        why = "several digits"
    except ImageError as error:
        seen, why = None, str(error)
    refused = answer.get("refused", "")
    if seen is None or refused:
        same = seen is None and bool(refused)
        who = f"JavaScript: {refused}" if refused else f"Python: {why}"
        return Difference(named, 0, 0, "" if same else who)
    other = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(28, 28)
    gap = np.abs(seen.astype(int) - other)
    return Difference(named, int((gap > 0).sum()), int(gap.max()))


def _told(pixels: Pixels) -> dict[str, object]:
    height, width = pixels.shape[:2]
    told: dict[str, object] = {"width": width, "height": height}
    if pixels.ndim == 2:
        return {**told, "pixels": _text(pixels)}
    opaque = np.full((height, width, 1), 255, np.uint8)
    grey = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return {**told, "pixels": _text(grey), "rgba": _text(np.concatenate([pixels, opaque], axis=2))}


def _text(pixels: Pixels) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
