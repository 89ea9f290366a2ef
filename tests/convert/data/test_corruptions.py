"""Corruptions do what they are called, alike for the same seed, on samples of every shape."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data import corrupt_pictures
from glyphite.convert.data.corrupt_pictures import LIGHT, MOVES, STROKES, Pictures, picture_size
from glyphite.convert.data.corrupt_readings import CHANGES, Readings
from glyphite.convert.data.corruption import AT_A_TIME, Corruption
from glyphite.convert.data.corruptions import corruptions_of, layout_of
from glyphite.convert.data.options import Kind

Array = NDArray[Any]
INK = 200


def strokes(count: int = 6, side: int = 28) -> Array:
    """Light crosses on black, (n, side, side), each at a place of its own."""
    made = np.zeros((count, side, side), np.uint8)
    for number, picture in enumerate(made):
        row = side // 2 - 2 + number % 5
        picture[row - 1 : row + 2, 6 : side - 6] = INK
        picture[6 : side - 6, row - 1 : row + 2] = INK
    return made


def photos(shape: tuple[int, ...]) -> Array:
    """Colours without a plain ground."""
    return np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)


def one(raw: Array, name: str, place: int = 0, kind: Kind = Kind.PICTURE) -> Corruption:
    """The corruption of that name, at one of its strengths."""
    return [each for each in corruptions_of(layout_of(raw, kind)) if each.name == name][place]


def named(raw: Array, kind: Kind = Kind.PICTURE) -> list[str]:
    return [each.text for each in corruptions_of(layout_of(raw, kind))]


CASES: dict[str, tuple[Array, Kind]] = {
    "digits": (strokes(), Kind.PICTURE),
    "one channel": (strokes()[..., np.newaxis], Kind.PICTURE),
    "channels first": (strokes()[:, np.newaxis], Kind.PICTURE),
    "flat": (strokes().reshape(6, -1), Kind.PICTURE),
    "dark on light": (255 - strokes(), Kind.PICTURE),
    "floats": ((strokes() / 255).astype(np.float32), Kind.PICTURE),
    "signed": ((strokes() / 127.5 - 1).astype(np.float32), Kind.PICTURE),
    "larger": (strokes(3, 96), Kind.PICTURE),
    "colours": (photos((5, 20, 30, 3)), Kind.PICTURE),
    "opacity": (photos((5, 12, 10, 4)), Kind.PICTURE),
    "no square": (photos((5, 17)), Kind.PICTURE),
    "window": (np.random.default_rng(4).normal(0, 300, (7, 20, 3)).astype(np.int16), Kind.WINDOW),
    "vector": (np.random.default_rng(5).normal(5, 2, (40, 4)).astype(np.float32), Kind.VECTOR),
}


@pytest.mark.parametrize("case", CASES)
def test_a_corruption_keeps_shape_type_and_range_and_is_the_same_for_a_seed(case: str) -> None:
    raw, kind = CASES[case]
    found = corruptions_of(layout_of(raw, kind))
    assert len({each.text for each in found}) == len(found) >= 12
    assert [each.place for each in found] == list(range(len(found)))
    for each in found:
        before = raw.copy()
        worse = each.apply(raw, 1)
        np.testing.assert_array_equal(raw, before)
        assert (worse.shape, worse.dtype) == (raw.shape, raw.dtype), each.text
        assert np.isfinite(worse).all()
        assert (worse != raw).any(), each.text
        np.testing.assert_array_equal(each.apply(raw, 1), worse)
        np.testing.assert_array_equal(each.apply(raw[:2], 1), worse[:2])
        if kind is Kind.PICTURE and case not in ("floats", "signed", "no square"):
            assert worse.max() <= 255
        elif case == "floats":
            assert 0 <= worse.min() <= worse.max() <= 1


def test_another_seed_draws_others() -> None:
    raw = strokes()
    for name in ("shifted", "rotated", "noisy", "uneven light"):
        assert (one(raw, name).apply(raw, 1) != one(raw, name).apply(raw, 2)).any(), name
    for name in ("thicker", "thinner", "faint", "low contrast", "dark"):
        np.testing.assert_array_equal(one(raw, name).apply(raw, 1), one(raw, name).apply(raw, 2))


def test_samples_beyond_the_first_portion_are_corrupted_too() -> None:
    raw = np.tile(strokes(5, 8), (AT_A_TIME // 5 + 1, 1, 1))
    noisy = one(raw, "noisy").apply(raw, 1)
    assert (noisy[AT_A_TIME:] != raw[AT_A_TIME:]).any()
    assert (noisy[AT_A_TIME:] != noisy[: len(noisy) - AT_A_TIME]).any()


def test_a_shift_is_by_whole_pixels_in_each_direction() -> None:
    raw = strokes(64)
    worse = one(raw, "shifted", 1).apply(raw, 1)
    ways = set()
    for before, after in zip(raw, worse, strict=True):
        for axis in (0, 1):
            for by in (2, -2):
                if (np.roll(before, by, axis) == after).all():
                    ways.add((axis, by))
    assert len(ways) == 4
    assert all(worse.sum(axis=(1, 2)) == raw.sum(axis=(1, 2)))


def test_lengths_grow_with_the_picture() -> None:
    assert named(strokes())[:3] == [
        "shifted by 1 pixel", "shifted by 2 pixels", "shifted by 4 pixels",
    ]  # fmt: skip
    assert named(strokes(3, 84))[:3] == [
        "shifted by 3 pixels", "shifted by 6 pixels", "shifted by 12 pixels",
    ]  # fmt: skip


def test_a_quarter_turn_is_numpy_s() -> None:
    raw = strokes(32)
    layout = Pictures.of(raw)
    assert layout is not None
    turned = partial(corrupt_pictures._rotated, layout, 90.0)
    worse = Corruption("", "", 90, "degrees", turned, layout, 0).apply(raw, 1)
    found = {
        quarter
        for before, after in zip(raw, worse, strict=True)
        for quarter in (1, 3)
        if (np.rot90(before, quarter) == after).all()
    }
    assert found == {1, 3}  # to one side and to the other


def test_noise_has_the_deviation_that_it_says() -> None:
    grey = np.full((50, 28, 28), 128, np.uint8)
    for place, share in enumerate((0.1, 0.2)):
        noise = one(grey, "noisy", place).apply(grey, 1).astype(float) - 128
        assert abs(noise.mean()) < 1
        assert noise.std() == pytest.approx(255 * share, rel=0.03)


def test_strokes_get_thicker_and_thinner_by_what_is_said() -> None:
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, 14, 14] = 100
    thicker = one(dot, "thicker", 1).apply(dot, 1)[0, 12:17, 12:17]
    corner = round(100 * (2 - np.sqrt(2)))
    assert thicker.tolist() == [
        [0, 0, 0, 0, 0],
        [0, corner, 100, corner, 0],
        [0, 100, 100, 100, 0],
        [0, corner, 100, corner, 0],
        [0, 0, 0, 0, 0],
    ]
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[0, 5:20, 10:15] = INK
    thinner = one(bar, "thinner", 1).apply(bar, 1)[0]
    assert thinner[12, 9:16].tolist() == [0, INK // 2, INK, INK, INK, INK // 2, 0]
    areas = [one(bar, "thinner", place).apply(bar, 1).sum() for place in range(3)]
    assert bar.sum() > areas[0] > areas[1] > areas[2] > 0


def test_strokes_of_either_shade_are_changed_alike() -> None:
    raw = strokes()
    for name in ("thicker", "thinner", "faint", "uneven light", "low contrast", "dark"):
        light = one(raw, name, 2).apply(raw, 1).astype(int)
        dark = one(255 - raw, name, 2).apply(255 - raw, 1).astype(int)
        assert np.abs(light + dark - 255).max() <= 1, name


def test_faint_strokes_have_a_share_of_their_strength() -> None:
    raw = strokes()
    for place, share in enumerate((0.5, 0.25, 0.1)):
        np.testing.assert_array_equal(
            one(raw, "faint", place).apply(raw, 1), np.rint(raw * share).astype(np.uint8)
        )


def test_light_falls_on_the_paper_that_was_photographed() -> None:
    """MNIST's ground is black where the paper was white: in bad light it is not black any more."""
    raw = strokes()
    dark = one(raw, "dark", 1).apply(raw, 1)
    np.testing.assert_array_equal(dark, np.rint(255 - (255 - raw.astype(float)) / 2))
    colours = photos((5, 20, 30, 3))
    np.testing.assert_array_equal(
        one(colours, "dark", 1).apply(colours, 1), np.rint(colours.astype(np.float32) / 2)
    )


def test_uneven_light_falls_off_across_the_picture() -> None:
    white = np.full((40, 28, 28), 255, np.uint8)
    worse = one(white, "uneven light", 1).apply(white, 1)
    assert (worse.max(axis=(1, 2)) == 255).all()
    assert (np.abs(worse.min(axis=(1, 2)).astype(int) - 128) <= 1).all()
    darkest = np.divmod(worse.reshape(len(worse), -1).argmin(axis=1), 28)
    assert len({(row > 13, column > 13) for row, column in zip(*darkest, strict=True)}) == 4


def test_only_strokes_on_a_plain_ground_are_made_thicker_or_thinner() -> None:
    names = {each.name for each in corruptions_of(layout_of(photos((5, 20, 30, 3)), Kind.PICTURE))}
    assert names == {name for name, *_ in (*MOVES, *LIGHT)}
    names = {each.name for each in corruptions_of(layout_of(strokes(), Kind.PICTURE))}
    assert names == {name for name, *_ in (*MOVES, *STROKES, *LIGHT)}


def test_opacity_stays() -> None:
    raw = photos((5, 12, 10, 4))
    for each in corruptions_of(layout_of(raw, Kind.PICTURE)):
        np.testing.assert_array_equal(each.apply(raw, 1)[..., 3], raw[..., 3])


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((28, 28), (28, 28, 1)),
        ((1, 28, 28), (28, 28, 1)),
        ((20, 30, 3), (20, 30, 3)),
        ((784,), (28, 28, 1)),
        ((3072,), (32, 32, 3)),
        ((17,), None),
        ((3, 20, 30, 2), None),
    ],
)
def test_the_size_of_a_picture(shape: tuple[int, ...], size: tuple[int, ...] | None) -> None:
    assert picture_size(shape) == size


class TestReadings:
    """Of a sensor, or a table."""

    RAW = np.random.default_rng(6).normal([0, 50], [1, 20], (400, 10, 2)).astype(np.float32)

    def change(self, name: str, place: int) -> Array:
        return one(self.RAW, name, place, Kind.WINDOW).apply(self.RAW, 1) - self.RAW

    def test_all_are_there(self) -> None:
        assert named(self.RAW, Kind.WINDOW) == [
            f"{how} {amount} %" for _, how, amounts, _ in CHANGES for amount in amounts
        ]

    def test_noise_is_by_the_deviation_of_each_axis(self) -> None:
        noise = self.change("noisy", 1).reshape(-1, 2)
        assert noise.std(axis=0) == pytest.approx([0.25, 5], rel=0.05)

    def test_an_offset_is_one_for_all_steps_up_or_down(self) -> None:
        offset = self.change("offset", 2)
        deviation = self.RAW.reshape(-1, 2).std(axis=0)
        np.testing.assert_allclose(np.abs(offset), np.broadcast_to(deviation, offset.shape), 1e-3)
        assert (np.ptp(offset, axis=1) < 1e-3).all()
        assert {tuple(row) for row in np.sign(offset[:, 0]).astype(int).tolist()} == {
            (a, b) for a in (-1, 1) for b in (-1, 1)
        }

    def test_a_scale_is_by_a_share_of_the_value(self) -> None:
        share = self.change("scaled", 0)[..., 1] / self.RAW[..., 1]
        np.testing.assert_allclose(np.abs(share), 0.1, atol=1e-3)

    def test_what_is_missing_has_the_mean(self) -> None:
        worse = one(self.RAW, "missing", 2, Kind.WINDOW).apply(self.RAW, 1)
        changed = worse != self.RAW
        assert changed.mean() == pytest.approx(0.25, abs=0.02)
        mean = self.RAW.reshape(-1, 2).mean(axis=0)
        np.testing.assert_allclose(worse[changed[..., 1], 1], mean[1], rtol=1e-4)

    def test_whole_numbers_stay_whole_and_within_their_type(self) -> None:
        raw = np.array([[32_767, 5], [-32_768, 5], [32_000, 5]], np.int16)
        worse = one(raw, "offset", 2, Kind.VECTOR).apply(raw, 1)
        assert worse[:, 0].max() == 32_767
        assert (worse[:, 1] == 5).all()  # what never changes has no deviation

    def test_flags_stay_flags(self) -> None:
        raw = np.random.default_rng(1).random((50, 4)) < 0.5
        assert isinstance(layout_of(raw, Kind.VECTOR), Readings)
        assert one(raw, "noisy", 2, Kind.VECTOR).apply(raw, 1).dtype == np.bool_
