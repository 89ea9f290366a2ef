"""Pictures of larger numbers, of several frames, and large ones are made small and RGB."""

import io
import resource
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.errors import ImageError, InputError
from glyphite.host.measure.digit_picture import read_digit, read_picture
from glyphite.host.measure.picture.decode import MOST_FRAMES, WORKING_SIDE, frames
from tests.paths import PROJECT
from tools.kills.limits import descriptors, limit

Plane = NDArray[np.float64]


def page() -> Plane:
    """A 1 on paper: 0 black to 1 white."""
    grey = np.full((120, 100), 0.9)
    grey[30:90, 45:55] = 0.2
    return grey


@pytest.mark.parametrize(
    ("name", "scale", "kind"),
    [
        ("12 of 16.png", 4095, np.uint16),
        ("10 of 16.png", 1023, np.uint16),
        ("8 of 16.png", 255, np.uint16),
        ("float 1.tif", 1, np.float32),
        ("float 255.tif", 255, np.float32),
        ("signed.tif", 255, np.int32),
    ],
)
def test_larger_numbers_are_taken_by_their_own_range(
    tmp_path: Path, name: str, scale: float, kind: type[np.generic]
) -> None:
    Image.fromarray((page() * scale).astype(kind)).save(tmp_path / name)
    Image.fromarray((page() * 255).astype(np.uint8)).save(tmp_path / "plain.png")
    distance = read_digit(tmp_path / name).astype(int) - read_digit(tmp_path / "plain.png")
    assert np.abs(distance).max() <= 3


def animation(path: Path, empty: int) -> Path:
    """So many empty frames, then a digit; a dot moves in the corner, so that none is dropped."""
    shades = [np.full((120, 100), 0.9) for _ in range(empty)] + [page()]
    for index, shade in enumerate(shades):
        shade[0, index] = 0.8
    first, *rest = [Image.fromarray((shade * 255).astype(np.uint8)) for shade in shades]
    first.save(path, save_all=True, append_images=rest)
    return path


def test_the_first_frame_with_a_digit_is_read_and_named(tmp_path: Path) -> None:
    seen = read_picture(animation(tmp_path / "late.gif", 3))
    assert seen.digits.shape == (1, 28, 28)
    assert seen.left_out[0] == "frame 4 of 4 was read"


def test_a_long_animation_is_not_looked_through(tmp_path: Path) -> None:
    path = animation(tmp_path / "long.gif", MOST_FRAMES + 3)
    assert len(list(frames(path))) == MOST_FRAMES


def test_a_large_picture_is_made_small(tmp_path: Path) -> None:
    Image.new("L", (3 * WORKING_SIDE, WORKING_SIDE), 200).save(tmp_path / "wide.png")
    [(frame, count)] = frames(tmp_path / "wide.png")
    assert (frame.mode, count) == ("RGB", 1)
    assert frame.size == (WORKING_SIDE, round(WORKING_SIDE / 3))


SEVEN = PROJECT / "tests" / "data" / "seven.png"


def test_what_the_system_lacks_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with descriptors(2), pytest.raises(OSError, match="Too many open files"):
        read_digit(SEVEN)
    monkeypatch.setattr("tempfile.tempdir", None)
    with (
        limit(resource.RLIMIT_FSIZE, 0),
        pytest.raises(InputError, match=r"^No folder takes temporary files\. .* TMPDIR\.$"),
    ):
        read_digit(SEVEN)


def test_a_picture_without_its_palette_is_damaged_and_not_empty(tmp_path: Path) -> None:
    made = io.BytesIO()
    with Image.open(SEVEN) as seven:
        seven.convert("P").save(made, "PNG")
    before, _, after = made.getvalue().partition(b"PLTE")
    length = int.from_bytes(before[-4:], "big")
    (tmp_path / "bare.png").write_bytes(before[:-4] + after[length + 4 :])
    with pytest.raises(ImageError, match=r"is a damaged image: it has no palette\. Save"):
        read_digit(tmp_path / "bare.png")


def test_a_strip_of_too_many_digits_is_not_called_empty(tmp_path: Path) -> None:
    with Image.open(SEVEN) as seven:
        small = np.asarray(seven.convert("L").resize((28, 28)))
    Image.fromarray(np.tile(small, 120)).save(tmp_path / "strip.png")
    with pytest.raises(ImageError, match=r"At most 20 digits in a row are read\. Cut it into"):
        read_picture(tmp_path / "strip.png")
