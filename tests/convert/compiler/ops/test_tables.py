"""Operators of one value, each as a table: all 256 inputs, many scales, against TFLM's bytes."""

import math

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ops import _sigmoid
from glyphite.convert.errors import ModelError
from tests.builders.models import ModelBuilder
from tests.builders.oracle import assert_same_bytes, each_of
from tests.builders.refusal import refusal
from tests.builders.tables import EVERY_INPUT, Scaling, unary


def _scaling(rng: np.random.Generator, low: float, high: float) -> Scaling:
    zero_point = int(rng.choice(np.array([-128, 127, 0, rng.integers(-128, 128)])))
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))), zero_point


OUTPUTS = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


@each_of(*OUTPUTS)
@pytest.mark.parametrize("seed", range(8))
def test_a_sigmoid_gives_tflms_byte_for_every_input_at_any_scale(kind: str, seed: int) -> None:
    source = _scaling(np.random.default_rng(seed), 1e-4, 2.0)
    assert_same_bytes(unary(kind, source, OUTPUTS[kind]), EVERY_INPUT)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("scale", [2.0**-28, 1e-6, 2.0**-7, 1 / 16, 0.125, 8.0, 1e4, 2.0**29])
def test_a_sigmoid_of_extreme_scales_and_powers_of_two_gives_tflms_bytes(
    kind: str, scale: float
) -> None:
    for zero_point in (-128, -1, 0, 127):
        assert_same_bytes(unary(kind, (scale, zero_point), OUTPUTS[kind]), EVERY_INPUT)


def test_the_fixed_point_sigmoids_are_the_real_ones_to_a_few_bits() -> None:
    """So a mistake cannot hide in the few bits that int8 keeps."""
    for a in range(-(2**31) + 1, 2**31, 2**23 + 12345):
        real = a / 2**27
        assert abs(_sigmoid.logistic(a) / 2**31 - 1 / (1 + math.exp(-real))) < 1e-7
        assert abs(_sigmoid.tanh(a) / 2**31 - math.tanh(real)) < 1e-7


@pytest.mark.parametrize(
    ("kind", "needed"), [("LOGISTIC", "1/256 and -128"), ("TANH", "1/128 and 0")]
)
def test_a_sigmoid_of_another_output_scale_is_refused(kind: str, needed: str) -> None:
    assert refusal(unary(kind, (0.1, 0), (0.01, 0))) == (
        f"Operator 0 ({kind}) cannot be compiled: its output has scale 0.01 and zero point 0; "
        f"{needed} are needed."
    )


@pytest.mark.parametrize("scale", [2.0**-29, 2.0**30])
def test_a_sigmoid_of_a_scale_beyond_tflms_shifts_is_refused(scale: float) -> None:
    found = refusal(unary("TANH", (scale, 0), OUTPUTS["TANH"]))
    assert f"its input's scale is {scale:g}; 2**-28 to 2**30 are allowed." in found


@each_of("RELU", "RELU6", "HARD_SWISH", "QUANTIZE")
@pytest.mark.parametrize("seed", range(6))
def test_operators_of_any_two_scales_give_tflms_byte_for_every_input(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = _scaling(rng, 1e-3, 0.5)
    output = _scaling(rng, source[0] / 20, source[0] * 20)
    assert_same_bytes(unary(kind, source, output), EVERY_INPUT)


@pytest.mark.parametrize("kind", ["RELU", "QUANTIZE"])
@pytest.mark.parametrize("factor", [1.0, 2.0, 127.0, 2.0**20, 2.0**-20, 2.0**-40])
def test_factors_of_any_size_give_tflms_bytes(kind: str, factor: float) -> None:
    for zero_point in (-128, 5, 127):
        assert_same_bytes(unary(kind, (0.5, zero_point), (0.5 / factor, -3)), EVERY_INPUT)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3, 1.0, 7.5])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.oracle("LEAKY_RELU")
def test_leaky_relu_gives_tflms_byte_for_every_input(alpha: float, seed: int) -> None:
    rng = np.random.default_rng([seed, int(alpha * 10)])
    source = _scaling(rng, 1e-3, 0.5)
    output = _scaling(rng, source[0] / 4, source[0] * 4)
    content = unary("LEAKY_RELU", source, output, alpha)
    assert_same_bytes(content, EVERY_INPUT)


@pytest.mark.parametrize("alpha", [-0.5, float("nan"), float("inf"), 1e30])
def test_a_leaky_relu_whose_alpha_no_table_can_hold_is_refused(alpha: float) -> None:
    content = unary("LEAKY_RELU", (0.1, 0), (0.1, 0), alpha)
    assert "it must be 0 or more, and below 2**22." in refusal(content)


def test_scales_too_far_apart_are_refused() -> None:
    assert refusal(unary("RELU", (1000.0, 0), (1e-6, 0))) == (
        "Operator 0 (RELU) cannot be compiled: from its input's to its output's scale is a factor "
        "of 1e+09; it must be 0 or more, and below 2**22."
    )
    assert "the input's must lie between 2**-15 and 2" in refusal(
        unary("HARD_SWISH", (3.0, 0), (0.1, 0))
    )


@pytest.mark.parametrize("scale", [1e-42, 1e38])
@pytest.mark.parametrize("other", [1e-42, 1e38])
@pytest.mark.parametrize("kind", ["RELU", "RELU6", "HARD_SWISH", "QUANTIZE", "LEAKY_RELU"])
def test_absurd_scales_compile_or_are_refused(kind: str, scale: float, other: float) -> None:
    content = unary(kind, (scale, 0), (other, 0), 0.5 if kind == "LEAKY_RELU" else None)
    try:
        compile_model(content, "small")
    except ModelError as error:
        assert str(error).endswith(".")


def test_another_shape_of_output_is_refused() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((1, 5), 0.1, 0)
    model.operator("RELU", [first], [last])
    assert "its output has shape 1x5; from its other tensors follows 1x4" in refusal(
        model.build([first], [last])
    )


def test_a_table_is_read_in_place() -> None:
    compiled = compile_model(unary("TANH", (0.1, 0), (1 / 128, 0)), "small")
    assert (compiled.arena_bytes, compiled.constant_bytes) == (256, 256)
