"""Arrays by Keras's names, as they are saved and sometimes mis-saved."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.dataset import Array, Inputs, Labels, Numbers
from glyphite.convert.data.load import load
from glyphite.convert.data.options import OnBad, Options
from glyphite.convert.errors import InputError
from tests.builders.data_sets import pixels


def npz(path: Path, **arrays: object) -> str:
    plain = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez(path / "set.npz", allow_pickle=False, **plain)
    return str(path / "set.npz")


def refused(source: str, options: Options | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load(source, options)
    return str(caught.value)


X, Y = pixels((30, 8, 8)), np.arange(30) % 3


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test", "x_val", "y_val"),
        ("X_train", "Y_train", "X_test", "Y_test", "X_valid", "Y_valid"),
        ("train_images", "train_labels", "test_images", "test_labels", "val_images", "val_labels"),
    ],
)
def test_parts_by_their_names_stay_as_they_are(tmp_path: Path, names: tuple[str, ...]) -> None:
    arrays = (X, Y, X[:12], Y[:12], X[12:20], Y[12:20])
    data = load(npz(tmp_path, **dict(zip(names, arrays, strict=True))))
    assert data.validation is not None
    assert [len(part) for part in data.parts] == [30, 8, 12]
    assert np.array_equal(data.train.inputs, X)
    assert np.array_equal(data.validation.inputs, X[12:20])
    assert data.test.labels is not None
    assert np.array_equal(data.test.labels, Y[:12])
    assert data.test.labels.dtype == np.int64
    assert data.train.inputs.dtype == np.uint8
    assert data.split == "The source has its own parts: 30 train, 8 validation, 12 test samples."
    assert not data.split_is_made


def test_without_a_validation_part_a_share_of_the_training_samples_is_held_out(
    tmp_path: Path,
) -> None:
    data = load(npz(tmp_path, x_train=X, y_train=Y, x_test=X[:5], y_test=Y[:5]))
    assert [len(part) for part in data.parts] == [26, 4, 5]
    assert (
        "4 of the training samples were held out to validate, by seed 1, leaving 26." in data.split
    )
    assert len(data.without_validation().train) == 30


def test_without_a_test_part_the_validation_part_is_it(tmp_path: Path) -> None:
    data = load(npz(tmp_path, x_train=X, y_train=Y, x_val=X[:9], y_val=Y[:9]))
    assert len(data.test) == 9
    assert "There is no test part: the validation part is it." in data.split


def test_a_test_part_alone_is_enough_to_test_by(tmp_path: Path) -> None:
    data = load(npz(tmp_path, x_test=X, y_test=Y))
    assert [len(part) for part in data.parts] == [0, 30]


def test_one_array_of_any_name_is_inputs_without_targets(tmp_path: Path) -> None:
    data = load(npz(tmp_path, whatever=np.zeros((20, 28, 28, 3), np.float32)))
    assert data.shape == (28, 28, 3)
    assert data.test.targets is None
    assert data.class_count == 0


def test_integers_of_a_sensor_are_taken_as_they_are(tmp_path: Path) -> None:
    readings = np.arange(20 * 64 * 3, dtype=np.int16).reshape(20, 64, 3) - 1000
    np.save(tmp_path / "accelerometer.npy", readings)
    data = load(str(tmp_path / "accelerometer.npy"))
    assert data.shape == (64, 3)
    assert data.whole.inputs.dtype == np.int16
    assert np.array_equal(np.sort(data.whole.inputs, axis=0), np.sort(readings, axis=0))


def test_inputs_beside_labels_are_read_from_file_and_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "inputs.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    data, same = load(str(tmp_path)), load(str(tmp_path / "inputs.npy"))
    assert data.sha256 == same.sha256
    assert (len(data.whole), data.class_count, data.classes) == (30, 3, ())
    place = next(i for i, each in enumerate(data.whole.inputs) if np.array_equal(each, X[7]))
    assert data.whole.labels is not None
    assert data.whole.labels[place] == Y[7]


def test_a_text_beside_them_names_the_classes(tmp_path: Path) -> None:
    np.save(tmp_path / "inputs.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    (tmp_path / "labels.txt").write_text("cat\n dog\nTür\n\n", encoding="utf-8", newline="")
    assert load(str(tmp_path)).classes == ("cat", "dog", "Tür")
    (tmp_path / "labels.txt").write_text("cat\ndog\n", encoding="utf-8", newline="")
    assert "has the label 2 and the names of 2 classes" in refused(str(tmp_path))
    (tmp_path / "labels.txt").write_text("cat\ndog\ncat\n", encoding="utf-8", newline="")
    assert "names a class twice" in refused(str(tmp_path))


@pytest.mark.parametrize("labels", [Y.reshape(-1, 1), Y.astype(np.float32), np.eye(3)[Y]])
def test_labels_are_read_in_the_forms_that_keras_has(tmp_path: Path, labels: Array) -> None:
    data = load(npz(tmp_path, x=X, y=labels))
    assert isinstance(data.test.targets, Labels)
    assert data.whole.labels is not None
    assert np.bincount(data.whole.labels).tolist() == [10, 10, 10]


@pytest.mark.parametrize(
    "labels",
    [
        np.linspace(0, 1, 30),
        np.linspace(-1, 1, 60).reshape(30, 2),
        Y.astype(float) - 0.5,
        np.eye(3)[Y] + np.eye(3)[0] > 0,
    ],
)
def test_numbers_that_are_no_labels_are_to_be_met(tmp_path: Path, labels: Array) -> None:
    targets = load(npz(tmp_path, x=X, y=labels)).whole.targets
    assert isinstance(targets, Numbers)
    assert targets.values.shape == labels.shape


def test_whole_numbers_are_to_be_met_where_it_is_said(tmp_path: Path) -> None:
    source = npz(tmp_path, x=X, y=Y - 1)
    assert "goes from -1 to 1, and labels of classes are whole" in refused(source)
    assert isinstance(load(source, Options(numbers=True)).test.targets, Numbers)


def test_targets_that_are_the_inputs_are_to_be_given_back(tmp_path: Path) -> None:
    assert isinstance(load(npz(tmp_path, x=X, y=X)).test.targets, Inputs)


def test_a_row_of_numbers_is_a_sample_each(tmp_path: Path) -> None:
    data = load(npz(tmp_path, x=np.linspace(0, 1, 40), y=np.linspace(0, 1, 40) ** 2))
    assert data.shape == (1,)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": X, "y": Y[:-1]}, "has 30 inputs and 29 targets. Give one target for each input"),
        ({"x": X, "y": np.int64(3)}, "has 30 inputs and 1 targets"),
        ({"y_train": Y}, "has targets and no inputs"),
        ({"x": X, "weights": Y}, "has the arrays x, weights, and 'weights' is none that is known"),
        ({"x": X, "inputs": X}, "has two arrays of inputs, x and inputs. Keep one"),
        ({"x": X, "x_test": X}, "has arrays of all samples and arrays of parts"),
        ({"x": X, "y": np.full(30, 1 << 40)}, "goes from 1.09951e+12 to 1.09951e+12"),
        ({"x": np.full(30, "a")}, "is not a .npy file of numbers: it holds <U1"),
        (
            {"x": np.array([np.nan, 1.0])},
            "hold values that are not finite (NaN or infinite): number 0 (from 0)",
        ),
        (
            {"x": np.array([1.0, 1e300])},
            "hold values that float32 cannot, which ends at 3.40282e+38: number 1 (from 0)",
        ),
        ({"x": X, "y": np.append(Y[1:], 1e39) + 0.5}, "1 of 30 samples"),
        ({"x": np.zeros((0, 4))}, "has no samples. Give one at least"),
        ({"x": np.zeros((9, 0))}, "has inputs of the shape (0,): they are empty"),
        ({"x": np.float32(1)}, "are one number"),
        ({"x_train": X, "x_test": X[:, :4]}, "have inputs of 8x8 and 4x8"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "Some parts"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, object], told: str
) -> None:
    assert told in refused(npz(tmp_path, **arrays))


def test_arrays_of_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], object), allow_pickle=True)
    assert "is not a .npy file of numbers" in refused(str(tmp_path / "x.npy"))


def test_an_unknown_npy_among_several_is_named(tmp_path: Path) -> None:
    for name in ("first", "second"):
        np.save(tmp_path / f"{name}.npy", X)
    assert "'first' is none that is known" in refused(str(tmp_path))


def test_samples_that_are_not_finite_are_named_or_left_out(tmp_path: Path) -> None:
    x = np.ones((10, 2), np.float32)
    x[3, 1], x[7, 0] = np.nan, np.inf
    path = npz(tmp_path, x=x, y=np.arange(10) % 2)
    found = f"2 of 10 samples of {path} hold values that are not finite (NaN or infinite): "
    assert refused(path).startswith(f"{found}number 3 (from 0), number 7 (from 0).")
    data = load(path, Options(on_bad=OnBad.LEAVE_OUT))
    assert len(data.whole) == 8
    assert any(note.startswith(found) and note.endswith(": left out.") for note in data.notes)


def test_labels_that_are_not_finite_do_not_become_numbers_to_be_met(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.ones((4, 2)), y=np.array([0, np.nan, 1, 2]))
    assert "holds 1 of 4 values that are not finite (NaN or infinite) among labels" in refused(
        path, Options(on_bad=OnBad.LEAVE_OUT)
    )
