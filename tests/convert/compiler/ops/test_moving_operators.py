"""Means, paddings, concatenations and views against TFLM's bytes."""

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.memory.plan import verify
from glyphite.convert.compiler.targets.portable.mean import MeanConstants
from glyphite.convert.errors import ModelError
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.models import Shape, hard_inputs
from tests.builders.moving import Quantum, concatenation, mean, pad, transpose, viewed
from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal


@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (-3, -2), (1,), (2,), (3,), (2, 3), (1, 1)])
@pytest.mark.parametrize(
    ("keep", "target"), [(True, (0.02, -11)), (False, (0.0173, 5)), (True, (0.3, 127))]
)
@pytest.mark.oracle("MEAN")
def test_a_mean_gives_tflms_bytes(axes: tuple[int, ...], keep: bool, target: Quantum) -> None:
    """Also where scale and zero point stay, and the mean is a half."""
    shape = (1, 5, 6, 7)
    rng = np.random.default_rng([*(axis + 4 for axis in axes), keep])
    content = mean(shape, axes, keep=keep, target=target)
    small = rng.integers(-13, -9, (10, *shape[1:])).astype(np.int8)
    assert_same_bytes(content, np.concatenate([hard_inputs(rng, shape), small]))


@pytest.mark.parametrize("seed", range(6))
def test_means_of_images_drawn_at_random_give_tflms_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (1, *(int(size) for size in rng.integers(1, 14, 3)))
    scales = [float(np.float32(np.exp(value))) for value in rng.uniform(-9, 2, 2)]
    points = [int(point) for point in rng.integers(-128, 128, 2)]
    content = mean(
        shape, (1, 2), source=(scales[0], points[0]), target=(scales[1], points[1]),
        keep=bool(rng.integers(0, 2)),
    )  # fmt: skip
    assert_same_bytes(content, hard_inputs(rng, shape))


def test_a_means_multiplier_is_cut_off_as_in_tflm() -> None:
    """A sum of 6 is 3.5 here, less what the cut takes: rounded up had the multiplier been."""
    content = mean((1, 1, 3, 2), (1, 2), source=(0.875, 0), target=(0.5, 0))
    constants = compile_model(content, "small").program.steps[0].constants
    assert isinstance(constants, MeanConstants)
    assert constants.multiplier == 7 * 2**31 // 12 < 7 * 2**31 / 12
    tensors = np.random.default_rng(0).integers(-4, 5, (60, 1, 3, 2)).astype(np.int8)
    assert {-6, 6} <= set(tensors.sum(axis=(1, 2), dtype=int).ravel().tolist())
    assert_same_bytes(content, tensors)


def test_a_mean_of_so_coarse_a_scale_that_nothing_is_left_gives_tflms_bytes() -> None:
    """The multiplier's bits run out: the quotient of the scales is near 2**-32."""
    content = mean((1, 4, 4, 2), (1, 2), source=(1e-7, 3), target=(300.0, -7))
    assert_same_bytes(content, hard_inputs(np.random.default_rng(0), (1, 4, 4, 2)))


@pytest.mark.parametrize("axes", [(1, 3), (0, 1, 2), (0, 2), (1, 1, 2), (4,)])
def test_a_mean_over_other_axes_is_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ModelError) as caught:
        compile_model(mean((1, 5, 6, 7), axes), "small")
    assert str(caught.value) == (
        f"Operator 0 (MEAN) cannot be compiled: it takes the mean over axes {list(axes)} of 4; "
        "1 axis, or 2 that are neighbours, such as height and width, are allowed."
    )


def test_a_mean_whose_sums_leave_32_bits_is_refused() -> None:
    with pytest.raises(ModelError, match=r"its sums can leave 32 bits; check the scales\."):
        compile_model(mean((1, 5, 6, 7), (1, 2), source=(1e6, 0), target=(1e-6, 0)), "small")


@pytest.mark.parametrize(("factor", "fits"), [(2.0**21, True), (2.0**22, False)])
def test_the_largest_sum_of_a_mean_is_30_times_255(factor: float, fits: bool) -> None:
    """7,650 * 2**18 is within 32 bits, and twice as much is not, though half of it would be."""
    content = mean((1, 5, 6, 2), (1, 2), source=(factor, -128), target=(1.0, 0))
    if not fits:
        assert "its sums can leave 32 bits" in refusal(content)
    else:
        assert_same_bytes(content, hard_inputs(np.random.default_rng(0), (1, 5, 6, 2)))


def test_a_mean_lies_over_its_input() -> None:
    assert compile_model(mean((1, 5, 6, 7), (1, 2)), "small").arena_bytes == 5 * 6 * 7


PADDINGS: list[tuple[Shape, list[tuple[int, int]]]] = [
    ((1, 5, 4, 3), [(0, 0), (1, 1), (1, 1), (0, 0)]),
    ((1, 5, 4, 3), [(0, 0), (0, 1), (0, 1), (0, 0)]),
    ((1, 5, 4, 3), [(0, 0), (2, 0), (0, 3), (1, 2)]),
    ((1, 5, 4, 3), [(0, 0), (0, 0), (0, 0), (0, 5)]),
    ((1, 5, 4, 3), [(0, 0), (0, 0), (0, 0), (0, 0)]),
    ((1, 33, 40, 8), [(0, 0), (1, 1), (1, 1), (0, 0)]),
    ((1, 4, 3), [(1, 2), (3, 0), (0, 1)]),
    ((1, 7), [(2, 1), (2, 3)]),
]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, marks=pytest.mark.oracle("PAD")),
        pytest.param(-128, marks=pytest.mark.oracle("PADV2")),
        pytest.param(40, marks=pytest.mark.oracle("PADV2")),
    ],
)
@pytest.mark.parametrize(("shape", "paddings"), PADDINGS)
def test_a_padded_tensor_is_tflms(
    shape: Shape, paddings: list[tuple[int, int]], value: int | None
) -> None:
    """Also as a compiler vectorizes the copy, whose input lies at the output's end."""
    content = pad(shape, paddings, value=value)
    tensors = hard_inputs(np.random.default_rng(0), shape)
    answers = assert_same_bytes(content, tensors)
    fast = SharedModel(compile_model(content, "small"), ("-shared", "-fPIC", "-O3"))
    assert np.array_equal(fast.infer(tensors), answers)


def test_padding_takes_less_memory_than_input_and_output() -> None:
    """One row and one pixel more than the output, which overwrites the input from its end."""
    compiled = compile_model(pad((1, 8, 8, 4), [(0, 0), (1, 1), (1, 1), (0, 0)]), "small")
    assert compiled.arena_bytes == 10 * 10 * 4
    verify(compiled.plan)


@pytest.mark.oracle("TRANSPOSE")
@pytest.mark.parametrize("seed", range(24))
def test_a_transposed_tensor_is_tflms(seed: int) -> None:
    """Of two to four axes in any order, some of length 1."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(2, 5))
    shape = (1, *(int(size) for size in rng.integers(1, 8, rank - 1)))
    axes = (0, *(int(axis) + 1 for axis in rng.permutation(rank - 1)))
    if seed % 4 == 0:  # also the first axis, which is the batch of most
        axes = tuple(int(axis) for axis in rng.permutation(rank))
    assert_same_bytes(transpose(shape, axes), hard_inputs(rng, shape))


def test_an_order_that_moves_no_byte_needs_no_code() -> None:
    assert not compile_model(transpose((1, 1, 6, 5), (0, 2, 3, 1)), "small").program.steps
    assert compile_model(transpose((1, 1, 6, 5), (0, 3, 2, 1)), "small").program.steps


@pytest.mark.parametrize(
    ("axes", "told", "reason"),
    [
        (
            (0, 1, 1, 3),
            (1, 5, 5, 3),
            r"order of axes is \(0, 1, 1, 3\); each of 4 axes",
        ),
        ((0, 1, 2, -1), (1, 5, 4, 3), r"each of 4 axes has to come once"),
        ((0, 1, 2), (1, 5, 4), r"order of axes has shape"),
        ((0, 3, 1, 2), (1, 5, 4, 3), r"output has shape"),
    ],
)
def test_orders_that_cannot_be_are_refused(axes: Shape, told: Shape, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        compile_model(transpose((1, 5, 4, 3), axes, told), "small")


def test_paddings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ModelError, match=r"a padding is negative; it cannot cut\."):
        compile_model(pad((1, 5, 4, 3), [(0, 0), (1, -1), (1, 1), (0, 0)]), "small")
    with pytest.raises(ModelError, match=r"batch is not 1 or is padded; only the other axes can"):
        compile_model(pad((1, 5, 4, 3), [(0, 1), (1, 1), (1, 1), (0, 0)]), "small")
    with pytest.raises(ModelError, match=r"input and output differ in scale or zero point"):
        paddings = [(0, 0), (1, 1), (1, 1), (0, 0)]
        compile_model(pad((1, 5, 4, 3), paddings, value=3, other=(0.2, 9)), "small")


@pytest.mark.parametrize(
    ("widths", "axis"),
    [
        ((4, 3), 1), ((2, 4, 7), 1), ((6, 3), 2), ((2, 9, 6, 1), 2), ((2, 5), 3), ((7, 2, 4), 3),
        ((2, 2), 3), ((4, 4, 4), 1), ((6,), 2), ((6, 1, 2, 3, 4, 5, 6, 7, 8, 9), 2),
    ],
)  # fmt: skip
@pytest.mark.oracle("CONCATENATION")
def test_a_concatenation_gives_tflms_bytes(widths: tuple[int, ...], axis: int) -> None:
    """Of tensors that die there, of the input twice, and of one alone."""
    content = concatenation(widths, axis)
    tensors = hard_inputs(np.random.default_rng(0), (1, 4, 6, 2))
    answers = assert_same_bytes(content, tensors)
    counted = concatenation(widths, axis, told_axis=axis - 4)
    assert np.array_equal(assert_same_bytes(counted, tensors), answers)
    fast = SharedModel(compile_model(content, "small"), ("-shared", "-fPIC", "-O3"))
    assert np.array_equal(fast.infer(tensors), answers)


def test_parts_that_die_are_joined_where_they_lie() -> None:
    """The input, padded, is the one part; it lies at its place in the output from the start."""
    compiled = compile_model(concatenation((4, 6), 1), "small")
    assert compiled.arena_bytes == (4 + 6) * 6 * 2
    assert compiled.plan.proven


REFUSED_BY_TFLM = [
    (concatenation((4, 3), 1, target=(0.2, 9)), "its input and output differ in scale or zero"),
    (concatenation((4, 3), 1, target=(0.1, 8)), "its input and output differ in scale or zero"),
    (concatenation((4, 3), 1, activation=1), "it has a fused activation; put the activation bef"),
    (concatenation([4] * 11, 1), "it has 11 inputs and 1 outputs; 1 to 10 and 1 are allowed."),
]
DAMAGED = [
    (concatenation((4, 3), 1, told_axis=4), "its axis is 4, and its output has 4 axes."),
    (concatenation((4, 3), 1, told_axis=-5), "its axis is -5, and its output has 4 axes."),
    (concatenation((4, 3), 1, told_axis=2), "its input 0 has shape 1x4x6x2; from its other tens"),
]


@pytest.mark.parametrize(("content", "reason"), [*REFUSED_BY_TFLM, *DAMAGED])
def test_a_concatenation_that_cannot_be_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        compile_model(content, "small")
    assert f"(CONCATENATION) cannot be compiled: {reason}" in str(caught.value)


@pytest.mark.parametrize("content", [content for content, _ in REFUSED_BY_TFLM])
def test_tflm_refuses_the_same_concatenations(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"TensorFlow Lite Micro cannot load the model: .*concat"):
        infer(content, hard_inputs(np.random.default_rng(0), (1, 4, 6, 2)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(viewed("SQUEEZE", (1, 6, 2)), marks=pytest.mark.oracle("SQUEEZE")),
        *(
            pytest.param(
                viewed("EXPAND_DIMS", (1, 1, 6, 1, 2), axis),
                marks=pytest.mark.oracle("EXPAND_DIMS"),
            )
            for axis in (3, -2)
        ),
    ],
)
def test_a_view_gives_tflms_bytes_and_costs_nothing(content: bytes) -> None:
    assert len(compile_model(content, "small").program.steps) == 2
    assert_same_bytes(content, hard_inputs(np.random.default_rng(0), (1, 4, 6, 2)))


def test_a_view_of_another_size_is_refused() -> None:
    with pytest.raises(
        ModelError, match=r"\(SQUEEZE\) cannot be compiled: it makes 10 values of 12"
    ):
        compile_model(viewed("SQUEEZE", (1, 5, 2)), "small")
    with pytest.raises(ModelError, match=r"it has 1 inputs and 1 outputs; 2 and 1 are allowed\."):
        compile_model(viewed("EXPAND_DIMS", (1, 1, 6, 1, 2)), "small")
