"""The figures of a comparison are what their definitions say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from glyphite.convert.metrics import (
    Z_95,
    Accuracy,
    accuracy,
    answers,
    answers_that_differ,
    are_shares,
    area_under_curve,
    byte_differences,
    classes_of,
    confusion_matrix,
    holm,
    mcnemar,
    wilson_interval,
)

PROPORTIONS = st.integers(1, 20_000).flatmap(
    lambda count: st.tuples(st.integers(0, count), st.just(count))
)
SCORES = npst.arrays(np.int8, st.tuples(st.integers(1, 30), st.integers(1, 12)))
TWO_SCORES = st.tuples(st.integers(1, 30), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(npst.arrays(np.int8, shape), npst.arrays(np.int8, shape))
)
LABELS = st.integers(1, 60).flatmap(
    lambda count: st.tuples(
        npst.arrays(np.int64, count, elements=st.integers(0, 9)),
        npst.arrays(np.int64, count, elements=st.integers(0, 9)),
    )
)


class TestWilsonInterval:
    """Wilson's interval of a proportion."""

    @pytest.mark.parametrize(
        ("correct", "count", "low", "high"),
        [
            # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
            # Medicine 17 (1998), table I, method 3: the score interval without correction.
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_gives_the_published_values(
        self, correct: int, count: int, low: float, high: float
    ) -> None:
        assert wilson_interval(correct, count) == pytest.approx((low, high), abs=5e-5)

    @given(PROPORTIONS)
    def test_holds_the_measured_share_and_stays_inside_zero_to_one(
        self, proportion: tuple[int, int]
    ) -> None:
        correct, count = proportion
        low, high = wilson_interval(correct, count)
        assert 0 <= low <= correct / count <= high <= 1
        assert low < high

    @given(PROPORTIONS)
    def test_its_ends_solve_wilsons_equation(self, proportion: tuple[int, int]) -> None:
        correct, count = proportion
        for end in wilson_interval(correct, count):
            distance = abs(end - correct / count)
            assert distance == pytest.approx(Z_95 * math.sqrt(end * (1 - end) / count), abs=1e-9)

    @given(PROPORTIONS)
    def test_is_the_mirror_image_for_the_wrong_answers(self, proportion: tuple[int, int]) -> None:
        correct, count = proportion
        low, high = wilson_interval(correct, count)
        assert wilson_interval(count - correct, count) == pytest.approx((1 - high, 1 - low))

    @pytest.mark.parametrize(("correct", "count"), [(0, 0), (-1, 5), (6, 5)])
    def test_refuses_what_is_no_proportion(self, correct: int, count: int) -> None:
        with pytest.raises(ValueError, match=f"{correct} of {count} is not a proportion"):
            wilson_interval(correct, count)


class TestAccuracy:
    """The share of right answers."""

    def test_counts_the_right_answers(self) -> None:
        result = accuracy(np.array([7, 2, 1, 0]), np.array([7, 2, 1, 4]))
        assert result == Accuracy(correct=3, count=4)
        assert result.value == 0.75
        assert result.interval == wilson_interval(3, 4)

    @given(LABELS)
    def test_is_what_agreement_leaves(
        self, pair: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> None:
        given_answers, labels = pair
        result = accuracy(given_answers, labels)
        assert result.correct == result.count - answers_that_differ(given_answers, labels)

    def test_of_equal_scores_the_first_is_the_answer(self) -> None:
        scores = np.array([[-128, 5, 5], [127, -128, 127]], np.int8)
        assert answers(scores).tolist() == [1, 0]

    def test_refuses_answers_without_labels(self) -> None:
        with pytest.raises(ValueError, match=r"shapes \(2,\) and \(1,\) cannot be compared"):
            accuracy(np.array([1, 2]), np.array([1]))


class TestByteDifferences:
    """Byte for byte means byte for byte."""

    def test_counts_images_bytes_and_the_largest(self) -> None:
        first = np.array([[0, 0, 0], [1, 2, 3], [-128, 0, 9]], np.int8)
        second = np.array([[0, 0, 0], [1, 3, 1], [127, 0, 9]], np.int8)
        result = byte_differences(first, second)
        assert (result.images, result.values, result.largest) == (2, 3, 255)

    @given(SCORES)
    def test_equal_scores_do_not_differ(self, scores: NDArray[np.int8]) -> None:
        result = byte_differences(scores, scores.copy())
        assert (result.images, result.values, result.largest) == (0, 0, 0)

    @given(TWO_SCORES)
    def test_agrees_with_a_count_in_plain_python(
        self, pair: tuple[NDArray[np.int8], NDArray[np.int8]]
    ) -> None:
        first, second = pair
        distances = [
            [abs(a - b) for a, b in zip(row_a, row_b, strict=True)]
            for row_a, row_b in zip(first.tolist(), second.tolist(), strict=True)
        ]
        result = byte_differences(first, second)
        assert result == byte_differences(second, first)
        assert result.images == sum(any(row) for row in distances)
        assert result.values == sum(distance > 0 for row in distances for distance in row)
        assert result.largest == max(max(row) for row in distances)

    def test_refuses_float_scores(self) -> None:
        floats = np.zeros((1, 10), np.float32)
        with pytest.raises(ValueError, match="int8 scores are compared, not float32"):
            byte_differences(floats, floats)  # type: ignore[arg-type]

    def test_refuses_scores_of_other_shapes_rather_than_broadcast_them(self) -> None:
        with pytest.raises(ValueError, match="cannot be compared"):
            byte_differences(np.zeros((3, 10), np.int8), np.zeros((1, 10), np.int8))


class TestConfusionMatrix:
    """Rows are labels, columns answers."""

    def test_puts_a_seven_read_as_a_one_in_row_seven(self) -> None:
        matrix = confusion_matrix(np.array([7, 7, 1]), np.array([1, 7, 1]), 10)
        assert (matrix[7, 1], matrix[7, 7], matrix[1, 1], matrix.sum()) == (1, 1, 1, 3)

    @given(LABELS)
    def test_its_sums_are_those_of_labels_and_answers(
        self, pair: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> None:
        labels, given_answers = pair
        matrix = confusion_matrix(labels, given_answers, 10)
        assert matrix.sum(axis=1).tolist() == np.bincount(labels, minlength=10).tolist()
        assert matrix.sum(axis=0).tolist() == np.bincount(given_answers, minlength=10).tolist()
        assert np.trace(matrix) == accuracy(given_answers, labels).correct


class TestMcNemar:
    """The exact two-sided test of two runners on the same images."""

    @pytest.mark.parametrize(
        ("first", "second", "chance"),
        [
            (0, 0, 1.0),
            (5, 5, 1.0),
            (1, 0, 1.0),
            (5, 0, 2 / 32),
            (10, 2, 2 * (1 + 12 + 66) / 4096),
        ],
    )
    def test_gives_the_binomial_values(self, first: int, second: int, chance: float) -> None:
        assert mcnemar(first, second) == pytest.approx(chance)

    @given(st.integers(0, 400), st.integers(0, 400))
    def test_is_symmetric_and_a_probability(self, first: int, second: int) -> None:
        assert 0 < mcnemar(first, second) <= 1
        assert mcnemar(first, second) == mcnemar(second, first)

    @given(st.integers(0, 200), st.integers(0, 200))
    def test_agrees_with_the_sum_of_binomial_terms(self, first: int, second: int) -> None:
        count = first + second
        tail = sum(math.comb(count, k) for k in range(min(first, second) + 1))
        assert mcnemar(first, second) == pytest.approx(min(1.0, tail * 2 / 2**count))

    def test_refuses_what_is_no_count(self) -> None:
        with pytest.raises(ValueError, match="-1 and 3 are not counts"):
            mcnemar(-1, 3)


def test_the_area_under_the_curve_counts_pairs_and_half_of_those_that_are_equal() -> None:
    odd = np.array([False, True, False, True])
    assert area_under_curve(np.array([1.0, 2, 3, 4]), odd) == 3 / 4
    assert area_under_curve(np.array([5.0, 5, 5, 5]), odd) == 1 / 2
    assert area_under_curve(np.array([2.0, 1, 2, 1]), odd) == 0
    with pytest.raises(ValueError, match="0 odd and 4 other samples"):
        area_under_curve(np.ones(4), np.zeros(4, np.bool_))


def test_one_output_tells_two_classes_apart_by_a_half_or_by_its_sign() -> None:
    scores = np.array([[-0.1], [0.2], [0.6]])
    assert classes_of(scores, True).tolist() == [0, 0, 1]
    assert classes_of(scores, False).tolist() == [0, 1, 1]
    assert classes_of(np.array([[0.2, 0.5, 0.3]]), True).tolist() == [1]


def test_shares_are_within_0_to_1_and_together_1() -> None:
    assert are_shares(np.array([[0.25, 0.75], [1, 0]]))
    assert are_shares(np.array([[0.3], [0.9]]))
    assert not are_shares(np.array([[0.5, 0.7]]))
    assert not are_shares(np.array([[-0.5, 1.5]]))


def test_holm_s_correction_is_that_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
