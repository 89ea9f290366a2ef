"""Dense layers and softmax, drawn at random and with extreme inputs, against TFLM's bytes."""

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier, requantize
from glyphite.host.runners.compiled import SharedModel
from tests.builders.dense import fully_connected, softmax
from tests.builders.models import ACTIVATIONS, ModelBuilder, hard_inputs, random_int8
from tests.builders.oracle import UNDEFINED_TRAPS, assert_same_bytes
from tests.builders.refusal import refusal


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.oracle("FULLY_CONNECTED")
def test_fully_connected_of_any_quantization_gives_tflms_bytes(
    activation: int, per_channel: bool, bias: bool
) -> None:
    rng = np.random.default_rng([activation, per_channel, bias])
    content = fully_connected(
        rng, (1, 37), 37, 11, activation=activation, per_channel=per_channel, bias=bias
    )
    assert_same_bytes(content, hard_inputs(rng, (1, 37), 40))


def _telling_sums(input_scale: float, weight_scale: float, output_scale: float) -> list[int]:
    """Sums whose output tells in which precision the scales of input and weights are multiplied."""
    product = float(np.float32(input_scale) * np.float32(weight_scale))
    narrow = quantize_multiplier(product / output_scale)
    wide = quantize_multiplier(input_scale * weight_scale / output_scale)
    assert narrow != wide
    factor = product / output_scale
    near = (round((level + 0.5) / factor) + step for level in range(-120, 120)
            for step in range(-200, 200, 7))  # fmt: skip
    return [value for value in near if requantize(value, *narrow) != requantize(value, *wide)]


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_scales_are_multiplied_in_double_precision_as_in_tflm(kind: str, per_channel: bool) -> None:
    """Sums are made of bias alone, each at a tie that the last bit of the multiplier decides."""
    scales = [float(np.float32(scale)) for scale in (0.0123, 0.00345, 300.0)]
    sums = np.array(_telling_sums(*scales)[:100], np.int32)
    assert len(sums) > 20
    count = len(sums)
    model = ModelBuilder()
    spatial = (1, 1) if kind == "CONV_2D" else ()
    first = model.tensor((1, *spatial, 2), scales[0], 0)
    zeros = np.zeros((count, *spatial, 2), np.int8)
    weights = model.weights(zeros, [scales[1]] * (count if per_channel else 1))
    last = model.tensor((1, *spatial, count), scales[2], 0)
    inputs = [first, weights, model.bias(sums)]
    if kind == "CONV_2D":
        one = dict.fromkeys(("strideH", "strideW", "dilationHFactor", "dilationWFactor"), 1)
        model.operator(kind, inputs, [last], "Conv2DOptions", version=3, **one)
    else:
        model.operator(kind, inputs, [last], "FullyConnectedOptions", version=4)
    assert_same_bytes(model.build([first], [last]), np.zeros((1, *spatial, 2), np.int8))


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.5, 3.0, 70.0])
def test_factors_above_one_shift_to_the_left_as_tflm_does(factor: float) -> None:
    rng = np.random.default_rng(int(factor * 10))
    model = ModelBuilder()
    first = model.tensor((1, 8), 0.5, -3)
    weights = model.weights(rng.integers(-2, 3, (5, 8)).astype(np.int8), [0.25] * 5)
    last = model.tensor((1, 5), 0.125 / factor, 9)
    model.operator("FULLY_CONNECTED", [first, weights], [last], "FullyConnectedOptions", version=4)
    assert_same_bytes(model.build([first], [last]), random_int8(rng, 40, 8) // 16)


@pytest.mark.parametrize("weights_format", [1, 2])
def test_weights_in_another_order_are_refused(weights_format: int) -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 16), 0.5, 0), model.tensor((1, 4), 0.5, 0)
    weights = model.weights(np.ones((4, 16), np.int8), 0.25)
    model.operator("FULLY_CONNECTED", [first, weights], [last], "FullyConnectedOptions",
                   version=4, weightsFormat=weights_format)  # fmt: skip
    assert "its weights are shuffled; only the default format" in refusal(
        model.build([first], [last])
    )


@pytest.mark.parametrize("channels", [3, 20])
def test_fully_connected_over_several_rows_gives_tflms_bytes(channels: int) -> None:
    """Each of the rows takes the same weights; outputs may lie over inputs already read."""
    rng = np.random.default_rng(channels)
    content = fully_connected(rng, (1, 4, 8), 8, channels)
    assert_same_bytes(content, hard_inputs(rng, (1, 4, 8)))


@pytest.mark.parametrize("scale", [0.001, 0.0123, 0.0625, 0.138, 0.5, 3.0])
@pytest.mark.parametrize("shape", [(1, 10), (1, 2), (1, 300), (1, 3, 7)])
@pytest.mark.oracle("SOFTMAX")
def test_softmax_gives_tflms_bytes(scale: float, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(int(scale * 1000))
    assert_same_bytes(softmax(shape, scale), hard_inputs(rng, shape, 40))


def test_softmax_with_a_beta_gives_tflms_bytes() -> None:
    rng = np.random.default_rng(1)
    assert_same_bytes(softmax((1, 10), 0.05, 2.5), hard_inputs(rng, (1, 10), 40))


def test_softmax_over_a_thousand_classes_gives_tflms_bytes() -> None:
    """Not with 512 equal inputs or more: TensorFlow Lite Micro aborts there."""
    rng = np.random.default_rng(1)
    assert_same_bytes(softmax((1, 1000), 0.1), random_int8(rng, 6, 1000))


def test_softmax_of_more_equal_inputs_than_tflm_can_take_is_still_defined() -> None:
    """Each of 600 equal classes has a share below 1/512, which rounds to 0 or 1 of 256."""
    compiled = compile_model(softmax((1, 600), 0.1), "large")
    flags = ("-O1", "-shared", "-fPIC", *UNDEFINED_TRAPS)
    answers = SharedModel(compiled, flags).infer(np.zeros((1, 600), np.int8))
    assert set(answers.ravel()) <= {-128, -127}
