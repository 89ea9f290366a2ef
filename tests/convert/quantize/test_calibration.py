"""Calibration data are in the range that the model was trained on, or they are refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.quantize.calibration import evenly, from_file, from_pixels, from_random


def saved(folder: Path, values: NDArray[np.generic]) -> Path:
    np.save(folder / "data.npy", values)
    return folder / "data.npy"


def test_evenly_takes_the_first_and_the_last_and_no_more_than_there_are() -> None:
    assert evenly(np.arange(101), 5).tolist() == [0, 25, 50, 75, 100]
    assert evenly(np.arange(3), 500).tolist() == [0, 1, 2]


def test_pixels_are_divided_and_shaped_and_their_source_is_told() -> None:
    pixels = np.full((60, 2, 2), 51, np.uint8)
    made = from_pixels(pixels, 10, (2, 2, 1), 255.0, "training images")
    assert made.inputs.shape == (10, 2, 2, 1)
    assert made.inputs.dtype == np.float32
    assert np.allclose(made.inputs, 0.2)
    assert made.source == "10 of 60 training images, evenly spread"


def test_a_file_of_uint8_is_divided(tmp_path: Path) -> None:
    path = saved(tmp_path, np.array([[0, 255], [51, 102]], np.uint8))
    made = from_file(path, 500, (2,), 255.0)
    assert np.allclose(made.inputs, np.array([[0, 1], [0.2, 0.4]]))
    assert made.source == "2 of 2 inputs of data.npy, evenly spread"


def test_a_file_of_floats_is_taken_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 30, (40, 7, 1))
    made = from_file(saved(tmp_path, values), 20, (7, 1), 255.0)
    assert made.inputs.dtype == np.float32
    assert np.allclose(made.inputs, evenly(values, 20))


def test_a_missing_channel_is_added(tmp_path: Path) -> None:
    path = saved(tmp_path, np.zeros((3, 4, 4), np.uint8))
    assert from_file(path, 9, (4, 4, 1), 255.0).inputs.shape == (3, 4, 4, 1)


def test_raw_pixels_as_floats_are_refused_with_the_ways_out(tmp_path: Path) -> None:
    path = saved(tmp_path, np.arange(256, dtype=np.float32).reshape(4, 64))
    with pytest.raises(InputError) as caught:
        from_file(path, 9, (64,), 255.0)
    assert str(caught.value) == (
        f"{path} holds whole numbers from 0 to 255, which look like raw pixels, and the model "
        "takes pixels divided by 255. Divide them, save them as uint8, or say --pixel-divisor 1 "
        "if the model was trained on raw pixels."
    )
    assert from_file(path, 9, (64,), 1.0).inputs.max() == 255


@pytest.mark.filterwarnings("error")
def test_floats_too_large_for_the_model_are_refused_as_such(tmp_path: Path) -> None:
    path = saved(tmp_path, np.full((3, 4), -1e300))
    with pytest.raises(InputError, match=r"values up to 1e\+300 in size, .* ends at 3\.4e"):
        from_file(path, 9, (4,), 255.0)
    path = saved(tmp_path, np.full((3, 4), np.finfo(np.float32).max, np.float64))
    assert np.isfinite(from_file(path, 9, (4,), 255.0).inputs).all()


def test_black_and_white_images_in_the_unit_range_are_no_raw_pixels(tmp_path: Path) -> None:
    path = saved(tmp_path, np.eye(8, dtype=np.float32))
    assert from_file(path, 9, (8,), 255.0).inputs.max() == 1


def test_random_pixels_are_the_same_each_time_and_say_so() -> None:
    first, second = (from_random(5, (3, 3), 255.0) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
    assert first.source == "5 inputs of random pixels"
    assert 0 <= first.inputs.min() < first.inputs.max() <= 1


def test_random_pixels_are_of_all_shades() -> None:
    shades = np.rint(from_random(50, (20, 20), 255.0).inputs * 255)
    assert np.array_equal(np.unique(shades), np.arange(256))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            np.zeros((5, 3), np.float32),
            r"has the shape \(5, 3\), and the model takes \(n, 2, 2\)\.",
        ),
        (np.zeros((0, 2, 2), np.float32), r"has the shape \(0, 2, 2\)"),
        (np.float32(1), r"has the shape \(\), and"),
        (np.zeros((5, 2, 2), np.int64), "holds int64. Pixels of uint8 are allowed, and floats"),
    ],
)
def test_a_file_of_other_shape_or_type_is_refused(
    values: NDArray[np.generic], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        from_file(saved(tmp_path, values), 9, (2, 2), 255.0)


def test_a_file_that_is_no_npy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    with pytest.raises(InputError, match=r"No such file: .*data\.npy\. Check the path"):
        from_file(path, 9, (2,), 255.0)
    for content in (b"", b"neither", b"\x93NUMPY\x01\x00"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"data\.npy is not a \.npy file of numbers"):
            from_file(path, 9, (2,), 255.0)


def test_a_file_with_objects_never_runs_them(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"is not a \.npy file of numbers"):
        from_file(tmp_path / "data.npy", 9, (2,), 255.0)


def test_an_archive_of_several_arrays_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "data.npy").open("wb") as file:
        np.savez(file, a=np.zeros(2), b=np.zeros(2))
    with pytest.raises(InputError, match=r"holds several arrays\. Save the inputs alone"):
        from_file(tmp_path / "data.npy", 9, (2,), 255.0)
