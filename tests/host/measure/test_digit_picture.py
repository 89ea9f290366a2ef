"""A picture of a digit is made like MNIST's, whatever it is like."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.measure.digit_picture import read_digit
from glyphite.host.measure.picture.decode import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from glyphite.host.runners.litert import LitertRunner, read_manifest
from tests.paths import PROJECT

Pixels = NDArray[np.uint8]
Make = Callable[[Pixels], Image.Image]
COUNT = 12


@pytest.fixture(scope="module")
def originals() -> Pixels:
    return load_mnist().test_images[:COUNT]


def enlarged(pixels: Pixels, width: int = 200, height: int = 200) -> Pixels:
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def stretched_and_inverted(pixels: Pixels) -> Image.Image:
    return Image.fromarray(255 - enlarged(pixels, 200, 300))


def in_the_middle_of_a_page(pixels: Pixels) -> Image.Image:
    return Image.fromarray(255 - np.pad(enlarged(pixels), ((50, 50), (0, 0))))


def in_a_corner(pixels: Pixels) -> Image.Image:
    return Image.fromarray(255 - np.pad(enlarged(pixels, 90, 90), ((20, 300), (330, 60))))


def light_on_dark_rgb(pixels: Pixels) -> Image.Image:
    return Image.fromarray(enlarged(pixels, 77, 77)).convert("RGB")


def dithered(pixels: Pixels) -> Image.Image:
    """Black ink on white paper in two colours, whose dots stand for the shades at its edges."""
    return Image.fromarray(255 - enlarged(pixels, 280, 280)).convert("1")


def dithered_on_grey(pixels: Pixels) -> Image.Image:
    return Image.fromarray(220 - (enlarged(pixels, 280, 280) * 0.6).astype(np.uint8)).convert("1")


def palette(pixels: Pixels) -> Image.Image:
    return Image.fromarray(255 - enlarged(pixels)).convert("P", palette=Image.Palette.ADAPTIVE)


def black_on_transparent(pixels: Pixels) -> Image.Image:
    ink = enlarged(pixels)
    black = np.zeros_like(ink)
    return Image.fromarray(np.dstack([black, black, black, ink]))


def white_on_transparent(pixels: Pixels) -> Image.Image:
    ink = enlarged(pixels)
    return Image.fromarray(np.dstack([np.full_like(ink, 255), ink]))


def sixteen_bits(pixels: Pixels) -> Image.Image:
    return Image.fromarray((255 - enlarged(pixels)).astype(np.uint16) * 257)


def a_bit_a_pixel(pixels: Pixels) -> Image.Image:
    return Image.fromarray(enlarged(pixels) < 128)


def grainy_paper(pixels: Pixels) -> Image.Image:
    shade = 220 - 0.7 * enlarged(pixels) + np.random.default_rng(3).normal(0, 10, (200, 200))
    return Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))


KINDS: list[Make] = [
    stretched_and_inverted,
    in_the_middle_of_a_page,
    in_a_corner,
    light_on_dark_rgb,
    palette,
    black_on_transparent,
    white_on_transparent,
    sixteen_bits,
    a_bit_a_pixel,
    dithered,
    dithered_on_grey,
    grainy_paper,
]


@pytest.fixture
def uno() -> ModelFolder:
    """The model that is shipped."""
    return find_model("uno")


def recognised(model: ModelFolder, images: list[Pixels] | Pixels) -> NDArray[np.intp]:
    tensors = read_manifest(model).quantize(np.asarray(images))
    return np.asarray(LitertRunner(model.tflite).run(tensors)[0].argmax(axis=1))


def read(path: Path) -> Pixels:
    """The digit, or nothing where the picture is refused, as few of MNIST's own are."""
    with suppress(ImageError):
        return read_digit(path)
    return np.zeros((28, 28), np.uint8)


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_a_digit_is_recognised_as_its_original_is(
    uno: ModelFolder, originals: Pixels, tmp_path: Path, make: Make
) -> None:
    """Blown up, inverted, moved, saved in another mode: nearly all of 100 digits stay the same."""
    path = tmp_path / "digit.png"
    seen = []
    for pixels in originals:
        make(pixels).save(path)
        seen.append(read(path))
    same = np.count_nonzero(recognised(uno, seen) == recognised(uno, originals))
    assert same >= COUNT - 1, f"{same} of {COUNT}"


def test_a_jpeg_is_read_too(uno: ModelFolder, originals: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "digit.jpg"
    seen = []
    for pixels in originals:
        in_a_corner(pixels).save(path, quality=50)
        seen.append(read(path))
    same = np.count_nonzero(recognised(uno, seen) == recognised(uno, originals))
    assert same >= COUNT - 1, f"{same} of {COUNT}"


def test_an_mnist_image_stays_nearly_as_it_is(originals: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    distance = []
    for pixels in originals:
        Image.fromarray(pixels).save(path)
        distance.append(np.abs(read(path).astype(int) - pixels).mean())
    assert np.median(distance) < 1
    assert max(distance) < 20


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    length=st.integers(20, 90),
    width=st.integers(2, 20),
    margin=st.integers(10, 40),
    is_light=st.booleans(),
)
@example(length=68, width=7, margin=27, is_light=True)  # beside it is a rim of the other ink
@example(length=60, width=2, margin=10, is_light=False)  # it goes along most of its picture
def test_a_stroke_is_scaled_to_20_and_centred_by_mass(
    tmp_path: Path, length: int, width: int, margin: int, is_light: bool
) -> None:
    """No thinner than MNIST's, as a fine pen's would vanish on the way."""
    bar = np.full((length, min(length // 3, width)), 255, np.uint8)
    drawn = np.pad(bar, ((margin, margin), (margin + length, margin)))
    path = tmp_path / "bar.png"
    Image.fromarray(drawn if is_light else 255 - drawn).save(path)
    pixels = read_digit(path)
    assert pixels.shape == (28, 28)
    rows, columns = np.nonzero(pixels)
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(sides) == 20
    expected = 20 * min(length // 3, width) / length
    assert min(sides) == pytest.approx(max(2, expected), abs=1.6)
    assert abs(rows.mean() - 14) <= 0.5
    assert abs(columns.mean() - 14) <= 0.5


@pytest.mark.parametrize(
    ("paper", "ink"), [(80, 10), (80, 200), (120, 20), (130, 240), (180, 30), (180, 250)]
)
def test_ink_is_what_stands_out_from_the_paper_however_dark_both_are(
    tmp_path: Path, paper: int, ink: int
) -> None:
    """A bar on grey paper reads as the same bar in black on white."""
    seen = []
    for name, background, stroke in (("grey.png", paper, ink), ("plain.png", 255, 0)):
        page = np.full((60, 60), background, np.uint8)
        page[10:50, 25:31] = stroke
        Image.fromarray(page).save(tmp_path / name)
        seen.append(read_digit(tmp_path / name))
    np.testing.assert_array_equal(seen[0], seen[1])


def test_an_exif_rotation_is_undone(originals: Pixels, tmp_path: Path) -> None:
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    image = in_a_corner(originals[0])
    image.save(upright)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    np.testing.assert_array_equal(read_digit(turned), read_digit(upright))


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear Pillow,")
    with pytest.raises(ImageError, match=r"letter\.png is not an image that can be read\. Give a"):
        read_digit(path)


def test_a_damaged_png_is_refused(originals: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    in_a_corner(originals[0]).save(path)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ImageError, match=r"cut\.png is a damaged image: .*\. Save the picture"):
        read_digit(path)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No such file: .*absent\.png"):
        read_digit(tmp_path / "absent.png")


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_page_is_refused(tmp_path: Path, shade: int) -> None:
    path = tmp_path / "page.png"
    Image.new("L", (60, 40), shade).save(path)
    with pytest.raises(ImageError, match=r"page\.png is empty: .* Draw one digit"):
        read_digit(path)


def test_a_wholly_transparent_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "glass.png"
    Image.new("RGBA", (60, 40), (10, 200, 30, 0)).save(path)
    with pytest.raises(ImageError, match="is empty"):
        read_digit(path)


def test_a_speck_alone_is_no_digit(tmp_path: Path) -> None:
    page = np.full((300, 400), 240, np.uint8)
    page[100:103, 200:203] = 20
    Image.fromarray(page).save(tmp_path / "page.png")
    with pytest.raises(ImageError, match="nothing but specks: no mark in it is as long as a 60th"):
        read_digit(tmp_path / "page.png")


def test_grain_alone_is_an_empty_page(tmp_path: Path) -> None:
    path = tmp_path / "grain.png"
    noise = np.random.default_rng(5).normal(200, 10, (60, 60))
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(path)
    with pytest.raises(ImageError, match="is empty"):
        read_digit(path)


def png_of_size(width: int, height: int) -> bytes:
    """A tiny PNG file whose header claims many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("side", "found"), [(8_000, "8000x8000 pixels"), (60_000, "more pixels than Pillow opens")]
)
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, side: int, found: str
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_size(side, side))
    with pytest.raises(ImageError, match=f"has {found}, and at most {MAX_PIXELS:,} are read"):
        read_digit(path)


def test_a_line_of_pixels_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """Its border is all of it, and so more memory is taken than for a picture."""
    path = tmp_path / "line.png"
    path.write_bytes(png_of_size(MAX_SIDE + 1, 1))
    with pytest.raises(ImageError, match="has a side of 30,001 pixels, and at most 30,000 are"):
        read_digit(path)


def test_a_library_that_complains_of_a_picture_is_not_heard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """libtiff writes to stderr past Python."""
    path = tmp_path / "digit.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)
    Image.fromarray(pixels).save(path, compression="tiff_lzw")
    content = bytearray(path.read_bytes())
    content[100:160] = b"\xff" * 60
    path.write_bytes(content)
    with pytest.raises(ImageError, match="is a damaged image"):
        read_digit(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("error")
def test_odd_metadata_of_a_picture_is_no_matter(tmp_path: Path) -> None:
    pixels = np.zeros((30, 30), np.uint8)
    pixels[10:20, 14] = 255
    path = tmp_path / "odd.png"
    Image.fromarray(pixels).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09")
    assert read_digit(path).max() == 255


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_of_no_finite_numbers_is_refused(tmp_path: Path, value: float) -> None:
    """NaN is neither above nor below any limit: all of the page would be ink."""
    pixels = np.zeros((30, 30), np.float32)
    pixels[10:20, 14] = 1
    pixels[3, 3] = value
    path = tmp_path / "float.tif"
    Image.fromarray(pixels).save(path)
    with pytest.raises(ImageError, match=r"is a damaged image: .* not finite numbers\. Save the"):
        read_digit(path)


def test_a_picture_that_is_a_program_is_not_run(tmp_path: Path) -> None:
    """PostScript is one, and Pillow would give it to Ghostscript."""
    path = tmp_path / "seven.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\nshowpage\n")
    with pytest.raises(ImageError, match="is not an image that can be read"):
        read_digit(path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is a pipe or a device"),
        (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
        (huge, "at most"),
    ],
    ids=["pipe", "device", "huge"],
)
def test_what_is_no_file_of_an_honest_size_is_not_read(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "seven.png")
    with pytest.raises(InputError, match=said):
        read_digit(tmp_path / "seven.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA"])
def test_a_damaged_picture_of_any_kind_is_refused_or_read(tmp_path: Path, kind: str) -> None:
    """Whatever Pillow's readers raise becomes a sentence."""
    rng = np.random.default_rng(7)
    made = io.BytesIO()
    with Image.open(PROJECT / "tests" / "data" / "seven.png") as seven:
        seven.convert("RGB").save(made, kind)
    path = tmp_path / f"seven.{kind.lower()}"
    for _ in range(40):
        content = bytearray(made.getvalue()[: rng.integers(1, len(made.getvalue()))])
        for at in rng.integers(0, min(len(content), 200), 3):
            content[at] = rng.integers(256)
        path.write_bytes(content)
        with suppress(ImageError):
            assert read_digit(path).shape == (28, 28)
