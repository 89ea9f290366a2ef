"""Calibration data are what the model was trained on, as it sees it."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.dataset import DataSet, Part
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import InputError
from glyphite.convert.preprocessing import NAMED, Preprocessing
from glyphite.convert.quantize.calibration import coarse_places, evenly, from_data, from_random


def data_of(train: NDArray[np.generic], test: NDArray[np.generic] | None = None) -> DataSet:
    """A data set of inputs without targets."""
    tests = Part((train[:1] if test is None else test,))
    return DataSet("x", "the samples", Kind.VECTOR, Part((train,)), None, tests)


def test_evenly_takes_the_first_and_the_last_and_no_more_than_there_are() -> None:
    assert evenly(np.arange(101), 5).tolist() == [0, 25, 50, 75, 100]
    assert evenly(np.arange(3), 500).tolist() == [0, 1, 2]


def test_samples_are_prepared_and_their_source_is_told() -> None:
    made = from_data(data_of(np.full((60, 2, 2), 51, np.uint8)), 10, NAMED["unit"])
    assert made.inputs.shape == (10, 2, 2)
    assert made.inputs.dtype == np.float32
    assert np.allclose(made.inputs, 0.2)
    assert made.source == "10 of 60 training samples of the samples, evenly spread"


def test_those_held_out_to_validate_are_training_samples_too() -> None:
    data = dataclasses.replace(data_of(np.zeros((6, 2))), validation=Part((np.ones((2, 2)),)))
    assert from_data(data, 99, Preprocessing()).inputs[:, 0].tolist() == [0] * 6 + [1] * 2


def test_a_source_with_a_test_part_alone_says_so() -> None:
    made = from_data(data_of(np.zeros((0, 2)), np.ones((3, 2))), 9, Preprocessing())
    assert made.source == "3 of 3 test samples of the samples, evenly spread"


def test_integers_of_a_sensor_are_taken() -> None:
    values = np.array([[-300, 12], [7, 30_000]], np.int16)
    assert from_data(data_of(values), 9, Preprocessing()).inputs.tolist() == values.tolist()


@pytest.mark.filterwarnings("error")
def test_floats_too_large_for_the_model_are_refused_as_such() -> None:
    with pytest.raises(InputError, match=r"values up to 1e\+300 in size, .* ends at 3\.4e"):
        from_data(data_of(np.full((3, 4), -1e300)), 9, Preprocessing())
    most = np.full((3, 4), np.finfo(np.float32).max, np.float64)
    assert np.isfinite(from_data(data_of(most), 9, Preprocessing()).inputs).all()


def test_random_numbers_are_the_same_each_time_and_say_so() -> None:
    first, second = (from_random(5, (3, 3)) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
    assert first.source == "5 samples of random numbers, so accuracy means nothing"
    assert 0 <= first.inputs.min() < first.inputs.max() <= 1


def test_columns_of_which_int8_leaves_little_are_named() -> None:
    rising = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    table = np.concatenate([680 * rising, rising, 30 * rising, 0 * rising + 5], axis=1)
    (said,) = coarse_places(table, 680 / 255)
    assert "Of the 4 numbers of the input's last axis, 1 vary by fewer than 8 steps" in said
    assert "(number 2 by 0.38)" in said
    assert not list(coarse_places(table[:, [0, 2, 3]], 680 / 255))
    (said,) = coarse_places(table, 680 / 255, "output")
    assert "output's last axis, 1 vary by fewer than 8 steps of int8 (number 2 by 0.38)" in said
    assert said.endswith("one scale serves the whole output. Train on targets scaled alike.")
