"""Varied images are repeatable, stay digits, and are read from the places that are asked for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import SIDE, Images, Mnist
from glyphite.train.networks.augment import Field, Warp, fields, sample, spline_basis, vary

STILL = Warp().weaker(0)
"""No variation at all."""


def places(count: int) -> tuple[Field, Field]:
    """Rows and columns that read each pixel where it is."""
    grid = np.indices((SIDE, SIDE), dtype=np.float32)
    return tuple(np.repeat(axis[np.newaxis], count, axis=0) for axis in grid)  # type: ignore[return-value]


def centre(images: Images) -> NDArray[np.float64]:
    """(n, 2): row and column of each image's centre of mass."""
    weights = images.astype(np.float64)
    total = weights.sum(axis=(1, 2))
    grid = np.indices((SIDE, SIDE))
    return np.stack([(weights * axis).sum(axis=(1, 2)) / total for axis in grid], axis=1)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(mnist: Mnist) -> None:
    images = mnist.train_images[:50]
    once = vary(images, Warp(), (3, 1))
    assert np.array_equal(once, vary(images, Warp(), (3, 1)))
    assert not np.array_equal(once, vary(images, Warp(), (3, 2)))


def test_varied_images_are_pixels_of_the_same_shape_and_the_old_ones_stay(mnist: Mnist) -> None:
    images = mnist.train_images[:1_500]  # more than one chunk
    before = images.copy()
    varied = vary(images, Warp(), (1, 0))
    assert varied.shape == images.shape
    assert varied.dtype == np.uint8
    assert np.array_equal(images, before)
    assert (varied != images).any(axis=(1, 2)).all()


def test_each_image_is_varied_its_own_way(mnist: Mnist) -> None:
    varied = vary(np.repeat(mnist.train_images[:1], 20, axis=0), Warp(), (1, 0))
    assert len(np.unique(varied.reshape(20, -1), axis=0)) == 20


def test_a_digit_keeps_its_ink_and_its_place_nearly(mnist: Mnist) -> None:
    images = mnist.train_images[:500]
    varied = vary(images, Warp(), (1, 0))
    ink = varied.sum(axis=(1, 2)) / images.sum(axis=(1, 2))
    assert 0.95 < ink.mean() < 1.1
    moved = np.abs(centre(varied) - centre(images))
    assert 0.5 < moved.mean() < 3.0


def test_without_strength_nothing_changes(mnist: Mnist) -> None:
    images = mnist.train_images[:20]
    assert np.array_equal(vary(images, STILL, (1, 0)), images)


def test_strength_sets_how_far_images_go(mnist: Mnist) -> None:
    images = mnist.train_images[:200].astype(np.int32)
    changes = [
        np.abs(vary(mnist.train_images[:200], Warp().weaker(strength), (1, 0)) - images).mean()
        for strength in (0.25, 0.5, 1.0)
    ]
    assert changes == sorted(changes)
    assert changes[2] > 1.5 * changes[0]


@pytest.mark.parametrize(
    ("warp", "row", "column"),
    [
        (Warp(0, 0, 0, 3.0, 0), 3.0, 3.0),  # a shift, up to 3 pixels
        (Warp(10.0, 0, 0, 0, 0), 13.5 * np.sin(np.deg2rad(10)) + 0.21, 13.5 * 0.174 + 0.21),
        (Warp(0, 0.2, 0, 0, 0), 0.0, 13.5 * 0.2),  # a slant moves columns only
        (Warp(0, 0, 0.1, 0, 0), 13.5 * np.expm1(0.1), 13.5 * np.expm1(0.1)),
    ],
)
def test_each_limit_is_reached_and_kept(warp: Warp, row: float, column: float) -> None:
    found = fields(2_000, warp, np.random.default_rng(1))
    still = places(1)
    for field, at, limit in zip(found, still, (row, column), strict=True):
        most = np.abs(field - at).max()
        assert most <= limit + 1e-4
        assert most >= 0.97 * limit - 1e-6


def test_rotation_and_slant_are_about_the_middle() -> None:
    found = fields(100, Warp(45.0, 0.5, 0.3, 0, 0), np.random.default_rng(1))
    for field in found:
        assert np.allclose(field[:, 13:15, 13:15].mean(axis=(1, 2)), 13.5, atol=1e-4)


def test_rotation_keeps_distances() -> None:
    rows, columns = fields(50, Warp(30.0, 0, 0, 0, 0), np.random.default_rng(1))
    for end in ((0, 27), (27, 0), (27, 27)):  # the diagonal tells a rotation from a slant
        far = np.hypot(rows[:, *end] - rows[:, 0, 0], columns[:, *end] - columns[:, 0, 0])
        assert np.allclose(far, np.hypot(*end), atol=1e-3)


def test_the_bend_is_smooth_and_as_wide_as_asked() -> None:
    rows, _ = fields(2_000, Warp(0, 0, 0, 0, 1.0), np.random.default_rng(1))
    bend = rows - places(1)[0]
    assert 0.35 < bend.std() < 0.65  # a point's unit deviation, spread over its neighbours
    assert np.abs(np.diff(bend, n=2, axis=1)).max() < 0.25


def test_spline_weights_sum_to_one_and_reach_four_points() -> None:
    basis = spline_basis(6)
    assert basis.shape == (SIDE, 6)
    assert np.allclose(basis.sum(axis=1), 1, atol=1e-6)
    assert (basis >= 0).all()
    assert ((basis > 0).sum(axis=1) <= 4).all()
    assert np.allclose(basis @ np.arange(6), np.linspace(1, 4, SIDE), atol=1e-5)  # lines stay lines


def test_whole_steps_move_pixels_exactly(mnist: Mnist) -> None:
    images = mnist.train_images[:10]
    rows, columns = places(10)
    moved = sample(images, rows + 2, columns - 3)
    assert np.array_equal(moved[:, :-2, 3:], images[:, 2:, :-3])
    assert not moved[:, -2:].any()
    assert not moved[:, :, :3].any()


def test_half_a_step_is_the_mean_of_both_neighbours() -> None:
    image = np.zeros((1, SIDE, SIDE), np.uint8)
    image[0, 10, 10], image[0, 10, 11], image[0, 11, 10] = 200, 100, 60
    rows, columns = places(1)
    assert sample(image, rows, columns + 0.5)[0, 10, 10] == 150
    assert sample(image, rows + 0.5, columns)[0, 10, 10] == 130
    assert sample(image, rows + 0.5, columns + 0.5)[0, 10, 10] == 90


def test_a_value_between_two_pixels_is_rounded() -> None:
    """A quarter of the way from 0 to 255 is 63.75, and three quarters are 191.25."""
    image = np.zeros((1, SIDE, SIDE), np.uint8)
    image[0, 10, 11:] = 255
    rows, columns = places(1)
    assert sample(image, rows, columns + 0.25)[0, 10, 10] == 64
    assert sample(image, rows, columns + 0.75)[0, 10, 10] == 191


def test_far_outside_is_background(mnist: Mnist) -> None:
    images = np.full((1, SIDE, SIDE), 255, np.uint8)
    rows, columns = places(1)
    for far in (-40, 40):
        assert not sample(images, rows + far, columns).any()
        assert not sample(images, rows, columns + far).any()
