"""Pictures of a sheet of paper with a digit of MNIST on it, as cameras and scanners make them.

Each kind is a function of a generator of random numbers and of the strokes, (600, 600) of 0 (paper)
to 1 (ink). The digit's place, its size, and what disturbs it are drawn at random.
"""

import io
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Rng = np.random.Generator
Plane = NDArray[np.float64]
Make = Callable[[Rng, Plane], Image.Image]
SIDE = 600
PAPER, INK = 245.0, 40.0


def strokes(rng: Rng, pixels: NDArray[np.uint8], size: int = 0, level: float = 0.5) -> Plane:
    """A digit of (28, 28) pixels on a sheet, its edges as sharp as a pen's.

    ``size``: of the 28 pixels, on the sheet of 600. A higher ``level`` makes thinner strokes.
    """
    size = size or int(rng.integers(200, 380))
    large = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
    sharp = np.clip(0.5 + (large / 255 - level) * size / 60, 0, 1)
    row, column = rng.integers(40, SIDE - size - 40, 2)
    sheet = np.zeros((SIDE, SIDE))
    sheet[row : row + size, column : column + size] = sharp
    return sheet


def painted(ink: Plane, paper: Plane | float = PAPER, shade: float = INK) -> Plane:
    """Ink on paper: shades of 0..255."""
    return paper + (shade - paper) * ink


def picture(shades: Plane, rng: Rng, grain: float = 3) -> Image.Image:
    """Shades (height, width) or (height, width, 3), with the grain of a sensor."""
    noisy = shades + rng.normal(0, grain, shades.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def across(rng: Rng) -> Plane:
    """0 at one side of the sheet to 1 at the other, in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    along = rows * np.sin(angle) + columns * np.cos(angle)
    return np.asarray((along - along.min()) / np.ptp(along))


def rules(rng: Rng, step: float, thick: int, both: bool) -> Plane:
    """Printed lines, one way or both: 1 on a line."""
    start = rng.uniform(0, step)
    on = ((np.arange(SIDE) + start) % step < thick).astype(float)
    lines = np.repeat(on[:, None], SIDE, axis=1)
    return np.maximum(lines, lines.T) if both else lines


def blurred(plane: Plane, radius: float) -> Plane:
    """A plane of 0..1, smoothed."""
    image = Image.fromarray(np.round(plane * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float64) / 255


def plain(rng: Rng, ink: Plane) -> Image.Image:
    return picture(painted(ink), rng)


def gradient_60(rng: Rng, ink: Plane) -> Image.Image:
    return picture(painted(ink) * (1 - 60 / PAPER * across(rng)), rng)


def gradient_110(rng: Rng, ink: Plane) -> Image.Image:
    return picture(painted(ink) * (1 - 110 / PAPER * across(rng)), rng)


def vignette(rng: Rng, ink: Plane) -> Image.Image:
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return picture(painted(ink) * (1 - rng.uniform(0.25, 0.35) * (rows**2 + columns**2)), rng)


def lined(rng: Rng, ink: Plane) -> Image.Image:
    lines = rules(rng, rng.uniform(40, 70), int(rng.integers(1, 4)), both=False)
    return picture(painted(ink, PAPER - rng.uniform(50, 90) * lines), rng)


def lined_dark(rng: Rng, ink: Plane) -> Image.Image:
    lines = rules(rng, rng.uniform(60, 90), int(rng.integers(2, 4)), both=False)
    return picture(painted(np.maximum(ink, lines)), rng)


def squared(rng: Rng, ink: Plane) -> Image.Image:
    lines = rules(rng, rng.uniform(25, 50), int(rng.integers(1, 4)), both=True)
    return picture(painted(ink, PAPER - rng.uniform(50, 90) * lines), rng)


def squared_tilted(rng: Rng, ink: Plane) -> Image.Image:
    lines = rules(rng, rng.uniform(30, 50), 2, both=True)
    return turned(painted(ink, PAPER - 80 * lines), rng)


def dark_frame(rng: Rng, ink: Plane) -> Image.Image:
    """The lens hood, or a scan on black: all four sides are dark."""
    shades = painted(ink)
    for side in range(4):
        thick = int(rng.integers(8, 40))
        np.rot90(shades, side)[:thick] = rng.uniform(5, 60)
    return picture(shades, rng)


def thumb(rng: Rng, ink: Plane) -> Image.Image:
    """A shadow that covers one corner."""
    drawn = Image.new("L", (SIDE, SIDE))
    x, y = (int(rng.choice([0, SIDE])) for _ in range(2))
    wide, high = (int(rng.uniform(150, 260)) for _ in range(2))
    ImageDraw.Draw(drawn).ellipse((x - wide, y - high, x + wide, y + high), fill=255)
    shadow = blurred(np.asarray(drawn) / 255, rng.uniform(4, 15))
    return picture(painted(ink) * (1 - rng.uniform(0.35, 0.6) * shadow), rng)


def desk(rng: Rng, ink: Plane) -> Image.Image:
    """A sheet that is turned a little, on a dark desk with grain of its own."""
    sheet = Image.fromarray(painted(ink).astype(np.uint8)).convert("LA")
    small = int(rng.uniform(420, 520))
    sheet = sheet.resize((small, small), Image.Resampling.LANCZOS)
    sheet = sheet.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, expand=True)
    wood = rng.uniform(40, 90) + 10 * np.sin(np.arange(SIDE) / rng.uniform(5, 30))
    ground = Image.fromarray(np.repeat(wood[:, None], SIDE, axis=1).astype(np.uint8))
    at = (SIDE - sheet.width) // 2 + int(rng.integers(-20, 20))
    ground.paste(sheet.getchannel(0), (at, at), sheet.getchannel(1))
    return picture(np.asarray(ground, np.float64), rng)


def scanner_edge(rng: Rng, ink: Plane) -> Image.Image:
    shades = painted(ink)
    for side in rng.choice(4, 2, replace=False):
        np.rot90(shades, side)[: int(rng.integers(3, 15))] = rng.uniform(5, 30)
    return picture(shades, rng)


def form_box(rng: Rng, ink: Plane) -> Image.Image:
    """The box of a form, drawn around the digit, which does not touch it."""
    rows, columns = (np.flatnonzero((ink > 0.2).any(axis=axis)) for axis in (1, 0))
    gap = [int(rng.integers(12, 36)) for _ in range(4)]
    drawn = Image.fromarray(painted(ink).astype(np.uint8))
    corners = (columns[0] - gap[0], rows[0] - gap[1], columns[-1] + gap[2], rows[-1] + gap[3])
    ImageDraw.Draw(drawn).rectangle(corners, outline=int(INK), width=int(rng.integers(2, 6)))
    return picture(np.asarray(drawn, np.float64), rng)


def pencil(rng: Rng, ink: Plane) -> Image.Image:
    """Thin, faint, and broken by the grain of the paper."""
    thin = np.asarray(
        Image.fromarray((ink * 255).astype(np.uint8)).filter(ImageFilter.MinFilter(7))
    )
    grain = blurred(rng.uniform(0, 1, ink.shape), 1.5)
    grain = np.clip(0.5 + (grain - grain.mean()) / grain.std() / 4, 0, 1)
    return picture(painted(thin / 255 * (0.5 + 0.5 * grain), shade=rng.uniform(120, 160)), rng)


def blue_ink(rng: Rng, ink: Plane) -> Image.Image:
    return coloured(ink, (250, 248, 240), (40, 60, rng.uniform(150, 200)), rng)


def red_on_green(rng: Rng, ink: Plane) -> Image.Image:
    """Of one brightness: as grey, there is nothing to see."""
    return coloured(ink, (60, 160, 60), (200, 87, 70), rng)


def coloured(
    ink: Plane, paper: tuple[float, ...], shade: tuple[float, ...], rng: Rng
) -> Image.Image:
    layers = [painted(ink, *pair) for pair in zip(paper, shade, strict=True)]
    return picture(np.dstack(layers), rng)


def jpeg_20(rng: Rng, ink: Plane) -> Image.Image:
    content = io.BytesIO()
    plain(rng, ink).save(content, "JPEG", quality=20)
    return Image.open(content)


def turned(shades: Plane, rng: Rng) -> Image.Image:
    image = Image.fromarray(shades.astype(np.uint8))
    angle = rng.uniform(-10, 10)
    return image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=int(PAPER))


def rotated(rng: Rng, ink: Plane) -> Image.Image:
    return turned(painted(ink), rng)


def grain_20(rng: Rng, ink: Plane) -> Image.Image:
    return picture(painted(ink), rng, grain=20)


def speck(rng: Rng, ink: Plane) -> Image.Image:
    """Three dots of dirt, not on the digit."""
    shades = painted(ink)
    for _ in range(3):
        row, column = rng.integers(10, SIDE - 20, 2)
        size = int(rng.integers(2, 8))
        if not ink[row - 10 : row + 20, column - 10 : column + 20].any():
            shades[row : row + size, column : column + size] = INK
    return picture(shades, rng)


def chalk(rng: Rng, ink: Plane) -> Image.Image:
    """Light on dark, with light that falls off."""
    return picture(painted(ink, 50, 220) * (1 - 0.4 * across(rng)), rng)


def phone(rng: Rng, ink: Plane) -> Image.Image:
    """All at once: a ruled sheet on a desk, half in shade, blue ink, JPEG."""
    lines = rules(rng, rng.uniform(40, 70), 2, both=False)
    light = 1 - rng.uniform(0.2, 0.4) * across(rng)
    paper = [shade - 60 * lines for shade in (248, 246, 238)]
    layers = [painted(ink, *pair) * light for pair in zip(paper, (40, 60, 170), strict=True)]
    shades = np.dstack(layers)
    shades[:, : int(rng.integers(10, 40))] = (90, 60, 40)
    content = io.BytesIO()
    picture(shades, rng, grain=5).save(content, "JPEG", quality=60)
    return Image.open(content)


KINDS: Mapping[str, Make] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(plain, gradient_60, gradient_110, vignette, lined, lined_dark, squared, squared_tilted),
        *(dark_frame, thumb, desk, scanner_edge, form_box, pencil, blue_ink, red_on_green),
        *(jpeg_20, rotated, grain_20, speck, chalk, phone),
    )
}
