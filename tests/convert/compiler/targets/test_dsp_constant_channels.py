"""Channels that give one value: trained networks have them, with scales and biases of any size."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.targets.dsp.constant_channels import constant_channels, settled
from glyphite.convert.compiler.targets.dsp.target import forms
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.kernels import constants_of, only_step
from tests.builders.models import RELU, SAME, ModelBuilder, hard_inputs, random_int8
from tests.builders.oracle import UNDEFINED_TRAPS

SHAPE = (1, 6, 6, 4)
CHANNELS = 8
CONSTANT = {1: (0.0, 2**30 - 1), 4: (0.0, -(2**30)), 6: (2e-9, 2**20), 7: (1e-12, 0)}
"""Channel -> (its scale, or 0 for the least there is; its bias); weights of some are all 0."""


def layer(kind: str, rng: np.random.Generator, dead: dict[int, tuple[float, int]]) -> bytes:
    """One layer with ReLU, with dead channels among living ones."""
    channels = 4 if kind == "DEPTHWISE_CONV_2D" else CHANNELS
    scales = np.exp(rng.uniform(-5, -4, channels)).astype(np.float32)
    bias = rng.integers(-3000, 3000, channels).astype(np.int32)
    weights = np.maximum(random_int8(rng, channels, 3, 3, 4), -127)
    for channel, (scale, constant) in dead.items():
        at = channel % channels
        scales[at], bias[at] = scale or np.float32(1e-11), constant
        weights[at] = 0 if scale == 0.0 else weights[at]
    model = ModelBuilder()
    model.tensor(SHAPE, 0.03, -11)
    if kind == "DEPTHWISE_CONV_2D":
        filters = np.ascontiguousarray(weights[..., :1].transpose(3, 1, 2, 0))
        model.tensor(filters.shape, [float(s) for s in scales], data=filters, axis=3)
    else:
        model.weights(weights, [float(s) for s in scales])
    model.bias(bias)
    output = model.tensor((1, 6, 6, channels), 0.09, -128)
    extra = {"depthMultiplier": 1} if kind == "DEPTHWISE_CONV_2D" else {}
    model.operator(
        kind, [0, 1, 2], [output], "DepthwiseConv2DOptions" if extra else "Conv2DOptions",
        version=3, padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
        fusedActivationFunction=RELU, **extra,
    )  # fmt: skip
    return model.build([0], [output])


def dsp_bytes(content: bytes, goal: Goal, tensors: NDArray[np.int8]) -> tuple[str, bytes]:
    """The kernel that a Cortex-M4 gets, and its answers on this machine."""
    compiled = compile_model(content, "small", architecture="armv7e-m", goal=goal)
    flags = ("-shared", "-fPIC", "-O1", *UNDEFINED_TRAPS)
    (step,) = compiled.program.steps
    return step.kernel.name, np.asarray(SharedModel(compiled, flags).infer(tensors)).tobytes()


@pytest.mark.parametrize("goal", [Goal.SPEED, Goal.SIZE])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_constant_channels_do_not_keep_a_layer_from_its_kernel(kind: str, goal: Goal) -> None:
    rng = np.random.default_rng(2)
    content = layer(kind, rng, CONSTANT)
    tensors = hard_inputs(rng, SHAPE, 10)
    kernel, answers = dsp_bytes(content, goal, tensors)
    assert kernel.startswith("dsp_")
    assert answers == infer(content, tensors).tobytes()


def test_by_rows_they_do_not_either() -> None:
    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        made, _ = forms(only_step(layer(kind, np.random.default_rng(2), CONSTANT)))
        assert made[0].kernel.folder == "dsp"


def test_a_layer_of_constant_channels_only_keeps_its_bytes() -> None:
    rng = np.random.default_rng(3)
    content = layer("CONV_2D", rng, {c: (0.0, (c - 4) << 27) for c in range(CHANNELS)})
    tensors = hard_inputs(rng, SHAPE, 2)
    kernel, answers = dsp_bytes(content, Goal.SPEED, tensors)
    assert kernel.startswith("dsp_")
    assert answers == infer(content, tensors).tobytes()


def test_only_channels_whose_output_never_changes_are_called_constant() -> None:
    content = layer("CONV_2D", np.random.default_rng(4), CONSTANT)
    assert set(constant_channels(constants_of(content))) == set(CONSTANT)


def test_a_channel_whose_output_changes_by_one_is_not_constant() -> None:
    content = layer("CONV_2D", np.random.default_rng(4), {5: (2.5e-6, 2**22)})
    tensors = hard_inputs(np.random.default_rng(0), SHAPE, 10)
    values = np.unique(infer(content, tensors).reshape(-1, CHANNELS)[:, 5])
    assert np.ptp(values) == 1
    assert 5 not in constant_channels(constants_of(content))


def test_living_channels_keep_their_weights_and_numbers() -> None:
    content = layer("CONV_2D", np.random.default_rng(5), CONSTANT)
    before, made = constants_of(content), settled(only_step(content)).constants
    assert isinstance(made, Conv2DConstants)
    for channel in range(CHANNELS):
        same = np.array_equal(made.weights[channel], before.weights[channel])
        assert same or channel in CONSTANT
        if channel not in CONSTANT:
            for name in ("bias", "multiplier", "shift"):
                assert getattr(made.output, name)[channel] == getattr(before.output, name)[channel]


def test_a_layer_without_constant_channels_is_left_as_it_is() -> None:
    content = layer("CONV_2D", np.random.default_rng(6), {})
    step = only_step(content)
    assert settled(step) is step
