"""Convolutions of every kind and pooling against TFLM's bytes."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.errors import ModelError
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.models import ACTIVATIONS, SAME, VALID, ModelBuilder, hard_inputs, random_int8
from tests.builders.oracle import assert_same_bytes
from tests.builders.windows import (
    Model,
    average_pool,
    conv_2d,
    depthwise,
    grouped,
    max_pool_2d,
)

Build = Callable[..., Model]
"""A builder of :mod:`tests.builders.windows`: a model, and its input's shape."""


FILTERS = [
    pytest.param(partial(conv_2d, channels=9), marks=pytest.mark.oracle("CONV_2D"), id="conv_2d"),
    pytest.param(depthwise, marks=pytest.mark.oracle("DEPTHWISE_CONV_2D"), id="depthwise"),
]
"""Builders of a layer with a filter, which take the input's shape and the filter's."""

POOLS = [
    pytest.param(max_pool_2d, marks=pytest.mark.oracle("MAX_POOL_2D"), id="max"),
    pytest.param(average_pool, marks=pytest.mark.oracle("AVERAGE_POOL_2D"), id="average"),
]


@pytest.mark.parametrize("build", FILTERS)
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_a_filter_of_any_geometry_gives_tflms_bytes(
    build: Build, padding: int, stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    rng = np.random.default_rng([padding, *stride, *dilation])
    content, shape = build(
        rng, (9, 11, 6), kernel=(3, 2), stride=stride, dilation=dilation, padding=padding
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("build", FILTERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_filter_of_any_quantization_gives_tflms_bytes(
    build: Build, activation: int, per_channel: bool, bias: bool
) -> None:
    rng = np.random.default_rng([activation, per_channel, bias])
    content, shape = build(
        rng, (6, 5, 9), kernel=(3, 3), activation=activation, per_channel=per_channel, bias=bias
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("seed", range(10))
def test_convolutions_drawn_at_random_give_tflms_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    content, shape = conv_2d(
        rng,
        (int(rng.integers(5, 13)), int(rng.integers(5, 13)), int(rng.integers(1, 9))),
        int(rng.integers(1, 18)),
        kernel,
        stride=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
        padding=int(rng.integers(0, 2)),
        activation=int(rng.integers(0, 4)),
        per_channel=bool(rng.integers(0, 2)),
        bias=bool(rng.integers(0, 2)),
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


def test_padding_wider_than_the_input_gives_tflms_bytes() -> None:
    """Whole windows may lie on padding where the dilated filter is larger than the input."""
    rng = np.random.default_rng(5)
    content, shape = conv_2d(rng, (2, 1, 3), 5, (4, 2), dilation=(3, 4), padding=SAME)
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("multiplier", [2, 3, 4, 8])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("padding", [SAME, VALID])
def test_depthwise_convolution_of_any_depth_multiplier_gives_tflms_bytes(
    multiplier: int, channels: int, padding: int
) -> None:
    """Outputs outgrow the inputs that they lie over, and must not reach those still needed."""
    rng = np.random.default_rng([multiplier, channels, padding])
    content, shape = depthwise(
        rng, (6, 5, channels), (3, 3), multiplier=multiplier, padding=padding
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("seed", range(8))
def test_depthwise_convolutions_drawn_at_random_give_tflms_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content, shape = depthwise(
        rng,
        (int(rng.integers(5, 13)), int(rng.integers(5, 13)), int(rng.integers(1, 12))),
        (int(rng.integers(1, 6)), int(rng.integers(1, 6))),
        multiplier=int(rng.integers(1, 5)),
        stride=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
        padding=int(rng.integers(0, 2)),
        activation=int(rng.integers(0, 4)),
        per_channel=bool(rng.integers(0, 2)),
        bias=bool(rng.integers(0, 2)),
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("multiplier", [1, 2, 4])
def test_depthwise_pixels_of_one_input_may_lie_over_it(multiplier: int) -> None:
    """A 1x1 filter: the arena then holds no more than the output."""
    rng = np.random.default_rng(multiplier)
    content, shape = depthwise(rng, (4, 5, 6), (1, 1), multiplier=multiplier)
    assert compile_model(content, "small").arena_bytes == 4 * 5 * 6 * multiplier
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("architecture", ["", "armv7e-m"])
def test_depthwise_over_one_channel_is_a_convolution(architecture: str) -> None:
    """Which has faster kernels; the filter's axes are turned for it."""
    rng = np.random.default_rng(21)
    content, shape = depthwise(rng, (9, 8, 1), (3, 5), multiplier=6, padding=SAME)
    made = compile_model(content, "small", architecture=architecture)
    (step,) = made.program.steps
    assert step.kernel.name == ("dsp_conv_2d" if architecture else "conv_2d")
    inputs = hard_inputs(rng, shape, 3)
    found = SharedModel(made).infer(inputs).reshape(3, -1)
    np.testing.assert_array_equal(found, infer(content, inputs).reshape(3, -1))


def test_depthwise_macs_are_one_filter_a_channel() -> None:
    content, _ = depthwise(np.random.default_rng(0), (6, 5, 4), (3, 2), multiplier=2)
    assert compile_model(content, "small").macs == 4 * 4 * 3 * 2 * 8


def test_depthwise_scales_along_another_axis_are_refused() -> None:
    """Four of each: only the axis tells the channels from the columns."""
    content, _ = depthwise(np.random.default_rng(0), (6, 6, 4), (3, 4), axis=2)
    with pytest.raises(ModelError, match=r"4 scales along axis 2; 1, or 4 along axis 3, are all"):
        compile_model(content, "small")


def test_a_depth_multiplier_that_is_not_the_filters_is_refused() -> None:
    content, _ = depthwise(np.random.default_rng(0), (6, 6, 4), (3, 3), stated_multiplier=2)
    with pytest.raises(ModelError, match=r"filter has shape 1x3x3x4; .* follows 1x3x3x8\."):
        compile_model(content, "small")


@pytest.mark.parametrize(("channels", "depth"), [(6, 3), (8, 3), (6, 1), (12, 2), (6, 2), (24, 1)])
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_grouped_convolution_gives_tflms_bytes(
    channels: int, depth: int, padding: int, dilation: tuple[int, int]
) -> None:
    rng = np.random.default_rng([channels, depth, padding, *dilation])
    content, shape = grouped(
        rng,
        (7, 8, 6),
        channels,
        depth,
        stride=(int(rng.integers(1, 3)), int(rng.integers(1, 3))),
        dilation=dilation,
        padding=padding,
        activation=int(rng.integers(0, 4)),
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


def test_grouped_convolution_is_not_fused_with_pooling() -> None:
    """The fused kernel knows no groups."""
    rng = np.random.default_rng(0)
    content, shape = grouped(rng, (9, 9, 6), 8, 3, pooled=True)
    kinds = [row.kind for row in compile_model(content, "small").layers]
    assert kinds == ["CONV_2D of groups", "MAX_POOL_2D"]
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize(("channels", "depth"), [(6, 4), (5, 3), (6, 12)])
def test_groups_that_do_not_divide_the_channels_are_refused(channels: int, depth: int) -> None:
    content, _ = grouped(np.random.default_rng(0), (7, 8, 6), channels, depth)
    with pytest.raises(ModelError) as caught:
        compile_model(content, "small")
    assert str(caught.value) == (
        f"Operator 0 (CONV_2D) cannot be compiled: its filter of {channels}x3x2x{depth} does not "
        f"divide the input's 6 channels into groups of {depth} and its own {channels} alike."
    )


@pytest.mark.parametrize("build", POOLS)
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("kernel", [(2, 2), (1, 1), (5, 4)])
@pytest.mark.parametrize("stride", [(2, 2), (1, 1), (3, 2)])
def test_pooling_of_any_geometry_gives_tflms_bytes(
    build: Build, padding: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    rng = np.random.default_rng([padding, *kernel, *stride])
    activation = int(rng.integers(0, 4))
    content, shape = build(
        rng, (7, 9, 5), kernel, stride=stride, padding=padding, activation=activation
    )
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("kernel", [(2, 1), (2, 2), (3, 2), (25, 5)])
def test_averages_halfway_between_two_numbers_round_as_in_tflm(kernel: tuple[int, int]) -> None:
    """Away from zero, on either side of it: inputs of small numbers make many such sums."""
    rng = np.random.default_rng(kernel)
    content, shape = average_pool(rng, (25, 5, 4), kernel, stride=kernel, padding=VALID)
    centers = rng.integers(-2, 2, (40, 1, 1, shape[3]))
    steps = rng.integers(0, 2, (40, *shape[1:]))
    answers = assert_same_bytes(content, (centers + steps).astype(np.int8))
    assert len(np.unique(answers)) > 3


def test_average_pooling_is_not_fused_as_max_pooling_is() -> None:
    """The mean of clamped numbers is not the clamped mean."""
    rng = np.random.default_rng(0)
    model = ModelBuilder()
    model.tensor((1, 8, 8, 3), 0.02, 5)
    model.weights(random_int8(rng, 4, 3, 3, 3), [0.01] * 4)
    model.bias(np.zeros(4, np.int32))
    middle = model.tensor((1, 8, 8, 4), 0.1, -128)
    last = model.tensor((1, 4, 4, 4), 0.1, -128)
    one = dict.fromkeys(("strideH", "strideW", "dilationHFactor", "dilationWFactor"), 1)
    two = dict.fromkeys(("strideH", "strideW", "filterHeight", "filterWidth"), 2)
    model.operator("CONV_2D", [0, 1, 2], [middle], "Conv2DOptions", version=3, **one)
    model.operator("AVERAGE_POOL_2D", [middle], [last], "Pool2DOptions", version=2, **two)
    content = model.build([0], [last])
    assert [operator.kind for operator in read(content).operators] == ["CONV_2D", "AVERAGE_POOL_2D"]
    assert len(compile_model(content, "small").program.steps) == 2
    assert_same_bytes(content, hard_inputs(rng, (1, 8, 8, 3)))
