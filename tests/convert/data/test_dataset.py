"""A data set is named by its content, and its parts can be joined and chosen from."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from glyphite.convert.data.check import absent_classes
from glyphite.convert.data.dataset import DataSet, Inputs, Labels, Numbers, Part, Targets, joined
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import DataError


def part(begin: int, end: int, targets: Targets = None) -> Part:
    origins = tuple(f"file {place}" for place in range(begin, end))
    return Part((np.arange(begin, end).reshape(-1, 1),), targets, origins)


def data_set() -> DataSet:
    first, second = Labels(np.array([0, 1, 2])), Labels(np.array([1, 0]))
    return DataSet(
        "a", "A", Kind.VECTOR, part(0, 3, first), None, part(3, 5, second), ("x", "y", "z")
    )


Change = Callable[[DataSet], DataSet]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: dataclasses.replace(data, classes=("x", "y", "w")),
        lambda data: dataclasses.replace(data, kind=Kind.WINDOW),
        lambda data: dataclasses.replace(data, train=data.test, test=data.train),
        lambda data: dataclasses.replace(data, validation=data.test),
        lambda data: dataclasses.replace(data, test=data.test.take(np.array([1, 0]))),
        lambda data: dataclasses.replace(data, test=part(3, 5, Labels(np.array([1, 1])))),
        lambda data: dataclasses.replace(data, test=part(4, 6, data.test.targets)),
        lambda data: dataclasses.replace(data, test=part(3, 5)),
        lambda data: data.reconstructing(),
    ],
)
def test_another_content_is_another_sha256(change: Change) -> None:
    assert change(data_set()).sha256 != data_set().sha256


def test_a_name_a_note_and_the_layout_in_memory_change_no_sha256() -> None:
    data = data_set()
    wide = np.zeros((3, 4), np.int64)
    wide[:, 0] = [0, 1, 2]
    train = Part((wide[:, :1],), data.train.targets)
    same = dataclasses.replace(data, name="b", notes=("left out",), split="by hand", train=train)
    assert same.sha256 == data.sha256
    big = Part((wide[:, :1].astype(">i8"),), data.train.targets)
    assert dataclasses.replace(data, train=big).sha256 == data.sha256
    assert data.sha256 == data.sha256
    assert len(data.sha256) == 64


def test_the_whole_is_all_parts_with_targets_and_origins() -> None:
    whole = data_set().whole
    assert whole.inputs[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert whole.labels is not None
    assert whole.labels.tolist() == [0, 1, 2, 1, 0]
    assert whole.origins == tuple(f"file {place}" for place in range(5))


@pytest.mark.parametrize(
    "targets",
    [Labels(np.arange(3)), Numbers(np.arange(3.0)), Inputs(np.arange(3)), Inputs(), None],
)
def test_samples_are_taken_with_their_targets(targets: Targets) -> None:
    chosen = part(0, 3, targets).take(np.array([2, 0]))
    assert chosen.inputs[:, 0].tolist() == [2, 0]
    assert chosen.origins == ("file 2", "file 0")
    assert type(chosen.targets) is type(targets)
    kept = chosen.targets.values if isinstance(chosen.targets, Numbers) else chosen.labels
    assert kept is None or kept.tolist() == [2, 0]
    both = joined([chosen, part(0, 3, targets).take(slice(1))])
    assert type(both.targets) is type(targets)
    assert len(both) == 3


def test_classes_are_counted_by_names_else_by_labels() -> None:
    data = data_set()
    assert (data.class_count, data.class_name(1)) == (3, "y")
    bare = dataclasses.replace(data, classes=())
    assert (bare.class_count, bare.class_name(1)) == (3, "1")
    assert dataclasses.replace(bare, train=part(0, 3), test=part(3, 5)).class_count == 0


def test_a_line_says_what_it_is() -> None:
    data = data_set()
    assert data.summary == "A: 3 + 2 vectors of 1, 3 classes: x, y, z"
    assert dataclasses.replace(data, classes=()).summary == "A: 3 + 2 vectors of 1, 3 classes"
    many = dataclasses.replace(data, classes=tuple(f"c{place}" for place in range(20)))
    assert many.summary.endswith("c10, c11, ...")


def test_an_empty_part_is_one() -> None:
    data = dataclasses.replace(data_set(), validation=part(0, 0, Labels(np.array([], np.int64))))
    assert len(data.parts) == 3
    assert absent_classes(data) == ("1 class has no samples in the test part: 'z'.",)
    assert len(data.whole) == 5


def test_of_several_inputs_there_is_no_only_one() -> None:
    two = Part((np.zeros((3, 4)), np.zeros((3, 5))))
    with pytest.raises(DataError, match="have 2 input tensors, and one is read"):
        _ = two.inputs
    data = DataSet("a", "A", Kind.VECTOR, two, None, two)
    assert data.shapes == ((4,), (5,))
    assert [tensor.shape for tensor in data.whole.tensors] == [(6, 4), (6, 5)]
