"""A split is the same for the same seed, of every class, and loses no sample."""

import numpy as np
import pytest

from glyphite.convert.data.dataset import Labels, Part
from glyphite.convert.data.found import TEST, WHOLE, Found
from glyphite.convert.data.options import Options, Shares
from glyphite.convert.data.split import Split, split_of
from glyphite.convert.errors import InputError


def split(labels: list[int] | int, shares: Shares | None = None, seed: int = 1) -> Split:
    """Of samples that are counted from 0."""
    count = labels if isinstance(labels, int) else len(labels)
    targets = None if isinstance(labels, int) else Labels(np.array(labels))
    part = Part((np.arange(count).reshape(-1, 1),), targets)
    return split_of(Found({WHOLE: part}), Options(shares=shares or Shares(), seed=seed))


def places(found: Split) -> list[set[int]]:
    parts = (found.train, found.validation, found.test)
    return [set() if part is None else set(part.inputs[:, 0].tolist()) for part in parts]


@pytest.mark.parametrize("labels", [[0] * 60 + [1] * 30 + [2] * 10, 100, [0, 1, 2] * 33])
def test_every_sample_lies_in_one_part(labels: list[int] | int) -> None:
    found = places(split(labels))
    count = labels if isinstance(labels, int) else len(labels)
    assert set.union(*found) == set(range(count))
    assert sum(map(len, found)) == count
    assert abs(len(found[2]) - 0.2 * count) <= 1
    assert abs(len(found[1]) - 0.1 * count) <= 1


def test_each_class_has_its_share_of_each_part() -> None:
    found = split([0] * 60 + [1] * 30 + [2] * 10)
    assert found.validation is not None
    counts = [
        np.bincount(part.labels).tolist()
        for part in (found.train, found.validation, found.test)
        if part.labels is not None
    ]
    assert counts == [[42, 21, 7], [6, 3, 1], [12, 6, 2]]


def test_the_seed_alone_decides() -> None:
    """These samples are those of every version of numpy."""
    assert places(split(50)) == places(split(50))
    assert places(split(50))[2] != places(split(50, seed=2))[2]
    assert sorted(places(split(20))[2]) == [6, 12, 17, 19]


def test_a_part_that_stands_class_by_class_is_mixed_and_others_stay() -> None:
    labels = np.repeat([0, 1], 20)
    part = Part((np.arange(40),), Labels(labels))
    mixed = split_of(Found({TEST: part}), Options()).test
    assert mixed.labels is not None
    assert 2 < mixed.labels[:12].sum() < 10
    assert np.array_equal(labels[mixed.inputs], mixed.labels)
    assert split_of(Found({TEST: mixed}), Options()).test is mixed


def test_shares_are_those_that_are_asked_for() -> None:
    assert [len(part) for part in places(split(100, Shares(0, 0, 1)))] == [0, 0, 100]
    assert [len(part) for part in places(split(100, Shares(1, 0, 0)))] == [100, 0, 0]
    assert [len(part) for part in places(split(100, Shares(80, 0, 20)))] == [80, 0, 20]
    assert [len(part) for part in places(split(100, Shares(1, 1, 2)))] == [25, 25, 50]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1, 0, 0]), (2, [1, 0, 1]), (3, [1, 1, 1])])
def test_of_few_samples_something_is_left_to_test(count: int, sizes: list[int]) -> None:
    assert [len(part) for part in places(split(count))] == sizes


@pytest.mark.parametrize("shares", [(0, 0, 0), (-1, 1, 1), (float("nan"), 1, 1), (1, 1, 1e999)])
def test_shares_that_make_no_parts_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match=r"make no parts: .* for example 70, 10, 20\."):
        Shares(*shares)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match=f"The seed {seed} is none"):
        Options(seed=seed)


def test_the_sentence_has_seed_and_sizes() -> None:
    assert split([0, 1] * 50, seed=7).sentence == (
        "The source has one part, which was split by seed 7, class by class: 70 to train, 10 to "
        "validate, 20 to test."
    )
    assert "at random" in split(100).sentence
