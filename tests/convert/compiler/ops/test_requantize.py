"""The bounds of sums and of fused activations, which decide what is refused and what is clamped."""

import numpy as np
import pytest

from glyphite.convert.compiler.ir.graph import Quantization
from glyphite.convert.compiler.ops._requantize import Activation, activation_range, largest_sums
from tests.builders.models import RELU6, RELU_N1_TO_1, ModelBuilder
from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal


@pytest.mark.parametrize("zero_point", [-128, -1, 0, 1, 100, 127])
def test_the_largest_sum_is_that_of_the_worst_inputs(zero_point: int) -> None:
    """Each input at the end of int8 that is farther from the zero point, with the bias's sign."""
    weights, bias = np.array([[3, -5, 0], [-128, 1, 7]], np.int8), np.array([-11, 40], np.int32)
    farthest = max(abs(end - zero_point) for end in (-128, 127))
    expected = [11 + 8 * farthest, 40 + 136 * farthest]
    assert largest_sums(weights, bias, zero_point).tolist() == expected


def dense(zero_point: int, bias: int) -> bytes:
    """One weight of 100 on an input of a zero point, plus a bias; an output of scale 1e9."""
    model = ModelBuilder()
    first = model.tensor((1, 1), 1.0, zero_point)
    weights = model.weights(np.array([[100]], np.int8), 1.0)
    last = model.tensor((1, 1), 1e9, 0)
    inputs = [first, weights, model.bias(np.array([bias], np.int32))]
    model.operator("FULLY_CONNECTED", inputs, [last], "FullyConnectedOptions", version=4)
    return model.build([first], [last])


@pytest.mark.parametrize("bias", [-(2**31) + 100, 2**31 - 100])
@pytest.mark.parametrize("zero_point", [-128, 127])
def test_a_sum_that_only_one_end_of_int8_takes_beyond_32_bits_is_refused(
    bias: int, zero_point: int
) -> None:
    message = refusal(dense(zero_point, bias))
    assert f"the sum of its channel 0 can leave 32 bits (bias {bias}" in message


@pytest.mark.parametrize("zero_point", [-128, 127])
def test_a_sum_just_within_32_bits_is_compiled(zero_point: int) -> None:
    content = dense(zero_point, 2**31 - 1 - 100 * 255)
    assert_same_bytes(content, np.array([[-128], [127]], np.int8))


HALVES = [
    (Activation.RELU6, 12.0, (0, 1)),
    (Activation.RELU_N1_TO_1, 2.0, (-1, 1)),
    (Activation.RELU, 2.0, (0, 127)),
    (Activation.NONE, 2.0, (-128, 127)),
]


@pytest.mark.parametrize(("activation", "scale", "limits"), HALVES)
def test_limits_of_a_half_round_away_from_zero(
    activation: Activation, scale: float, limits: tuple[int, int]
) -> None:
    """6 of a scale of 12, and 1 of a scale of 2."""
    assert activation_range(activation, Quantization((scale,), (0,))) == limits


@pytest.mark.parametrize(("activation", "scale"), [(RELU6, 12.0), (RELU_N1_TO_1, 2.0)])
def test_a_layer_with_such_a_limit_gives_tflms_bytes(activation: int, scale: float) -> None:
    model = ModelBuilder()
    first = model.tensor((1, 1), 1.0, 0)
    weights = model.weights(np.array([[1]], np.int8), 1.0)
    last = model.tensor((1, 1), scale, 0)
    model.operator("FULLY_CONNECTED", [first, weights], [last], "FullyConnectedOptions",
                   version=4, fusedActivationFunction=activation)  # fmt: skip
    answers = assert_same_bytes(
        model.build([first], [last]), np.arange(-128, 128).astype(np.int8).reshape(-1, 1)
    )
    assert answers.max() == 1
