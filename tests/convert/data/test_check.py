"""What fits a model is told from what does not, with the way out."""

import numpy as np
import pytest

from glyphite.convert.data.check import fits, fitted, require_fit
from glyphite.convert.data.dataset import Array, DataSet, Labels, Numbers, Part, Targets
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import DataError


def data_set(
    shape: tuple[int, ...],
    targets: Targets = None,
    classes: tuple[str, ...] = (),
    kind: Kind = Kind.WINDOW,
) -> DataSet:
    part = Part((np.zeros((4, *shape), np.float32),), targets)
    return DataSet("mine", "Mine", kind, part, None, part, classes)


def labels(*values: int) -> Labels:
    return Labels(np.array(values, np.int64))


def refused(data: DataSet, shape: tuple[int, ...], outputs: tuple[int, ...] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        require_fit(data, shape, outputs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("found", "wanted", "answer"),
    [
        ((28, 28), (28, 28), True),
        ((28, 28), (28, 28, 1), True),
        ((1, 28, 28, 1), (28, 28), True),
        ((28, 28), (784,), True),
        ((784,), (28, 28, 1), True),
        ((392, 2), (784,), True),
        ((1,), (), True),
        ((392, 2), (28, 28, 1), False),
        ((28, 28), (392, 2), False),
        ((28, 28), (14, 56), False),
        ((2, 3), (3, 2), False),
        ((28, 28), (28, 28, 3), False),
        ((3,), (4,), False),
    ],
)
def test_shapes_fit_where_the_layout_leaves_no_doubt(
    found: tuple[int, ...], wanted: tuple[int, ...], answer: bool
) -> None:
    assert fits(found, wanted) is answer


def test_channels_at_the_other_end_are_told_as_such() -> None:
    assert refused(data_set((3, 28, 28)), (28, 28, 3)) == (
        "Mine has inputs of 3x28x28, and the model takes 28x28x3: its channels come first, and "
        "the model's last. Save the inputs as `np.moveaxis(inputs, 1, -1)`."
    )
    assert "np.moveaxis(inputs, -1, 1)" in refused(data_set((28, 28, 3)), (3, 28, 28))
    inputs = np.zeros((4, 3, 28, 28))
    assert np.moveaxis(inputs, 1, -1).shape == (4, 28, 28, 3)


def test_pictures_of_another_size_can_be_scaled() -> None:
    assert refused(data_set((8, 8, 3), kind=Kind.PICTURE), (96, 96, 3)).endswith(
        "Pictures in a folder are scaled to the model's; or take another model."
    )
    assert "Give samples of the model's shape" in refused(data_set((8, 3)), (9, 3))


@pytest.mark.parametrize(
    ("targets", "classes", "outputs"),
    [
        (labels(0, 1, 2, 0), (), 3),
        (labels(0, 1, 2, 0), (), 10),
        (labels(0, 1, 2, 0), ("a", "b", "c"), 3),
        (labels(0, 1, 1, 0), ("no", "yes"), 1),
        (None, (), 7),
        (Numbers(np.zeros((4, 1))), (), 1),
        (Numbers(np.zeros(4)), (), 1),
        (Numbers(np.zeros((4, 3))), (), 3),
    ],
)
def test_targets_fit_as_many_outputs(
    targets: Targets, classes: tuple[str, ...], outputs: int
) -> None:
    data = data_set((3,), targets, classes)
    assert fitted(data, (3,), (outputs,)).test.targets is data.test.targets


@pytest.mark.parametrize(
    ("targets", "classes", "outputs", "told"),
    [
        (labels(0, 1, 5, 0), (), 3, "Mine has 6 classes, and the model has 3 outputs. Take"),
        (labels(0, 1, 1, 0), ("a", "b"), 3, "Mine has 2 classes (a, b), and the model has 3"),
        (labels(0, 1, 2, 0), ("a", "b", "c"), 1, "one output, which tells two apart"),
        (Numbers(np.zeros((4, 2))), (), 1, "targets of 2 for each sample, and the model gives 1"),
    ],
)
def test_targets_that_do_not_fit_are_refused(
    targets: Targets, classes: tuple[str, ...], outputs: int, told: str
) -> None:
    assert told in refused(data_set((3,), targets, classes), (3,), (outputs,))


def test_what_is_to_be_given_back_has_the_shape_of_the_inputs() -> None:
    data = data_set((8, 2), labels(0, 1, 0, 1)).reconstructing()
    require_fit(data, (8, 2), (16,))
    assert "wants its inputs of 8x2 back, and the model gives 4" in refused(data, (8, 2), (4,))
    assert data.test.labels is not None


@pytest.mark.parametrize("shape", [(28, 28, 1), (784,), (1, 28, 28)])
def test_samples_are_laid_out_as_the_model_takes_them(shape: tuple[int, ...]) -> None:
    inputs: Array = np.arange(2 * 784).reshape(2, 28, 28)
    part, empty = Part((inputs,)), Part((inputs[:0],))
    data = fitted(DataSet("m", "M", Kind.PICTURE, empty, part, part), shape, (3,))
    assert data.validation is not None
    assert data.test.inputs.shape == data.validation.inputs.shape == (2, *shape)
    assert data.train.inputs.shape == (0, *shape)
    assert np.array_equal(data.test.inputs.ravel(), inputs.ravel())
