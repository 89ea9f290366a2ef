"""What a kernel refuses it refuses by the decision that it names, and takes just short of that."""

import numpy as np
import pytest

from glyphite.convert.compiler.targets.avr import average_pool_2d, conv_2d, conv_2d_pair, mean
from glyphite.convert.compiler.targets.dsp import (
    conv_2d_max_pool_2d_plane,
    depthwise_conv_2d_image,
    depthwise_conv_2d_pair,
    fully_connected,
)
from tests.builders import moving, windows
from tests.builders.kernels import RECTIFIED, Match, by, only_step, refuses, taken
from tests.builders.models import NONE, SAME, VALID, ModelBuilder


def dense(inputs: int, channels: int = 1, weight: int = 1, bias: int = 0) -> bytes:
    """Fully connected: all weights and all biases are the same."""
    model = ModelBuilder()
    weights = np.full((channels, inputs), weight, np.int8)
    taken_in = [model.tensor((1, inputs), 0.5, -128), model.weights(weights, 0.5)]
    taken_in.append(model.bias(np.full(channels, bias, np.int32)))
    output = model.tensor((1, channels), 64.0)
    model.operator("FULLY_CONNECTED", taken_in, [output], "FullyConnectedOptions", version=4)
    return model.build([0], [output])


def average(side: int, kernel: tuple[int, int]) -> bytes:
    rng = np.random.default_rng(0)
    return windows.average_pool(rng, (side, 40, 2), kernel, stride=(3, 3), padding=VALID)[0]


def mean_of(height: int) -> bytes:
    return moving.mean((1, height, 30, 1), (1, 2))


def convolution(padding: int) -> bytes:
    rng = np.random.default_rng(0)
    return windows.conv_2d(rng, (6, 6, 2), 4, (3, 3), padding=padding)[0]


def plane(channels: int) -> bytes:
    return windows.pooled(np.random.default_rng(0), (9, 10, channels), 7)[0]


def image(width: int = 6, stride: tuple[int, int] = (1, 1), *, kink: bool = False) -> bytes:
    rng = np.random.default_rng(14)
    epilogue = {"activation": NONE} if kink else RECTIFIED
    source = (6, width, 4)
    return windows.depthwise(rng, source, (3, 3), stride=stride, padding=SAME, **epilogue)[0]


CASES: list[tuple[Match, bytes, bytes, str]] = [
    (average_pool_2d.match, average(30, (15, 17)), average(30, (16, 16)), "sums fit 16 bits"),
    (average_pool_2d.match, average(30, (15, 17)), average(30, (30, 40)), "the input lies whole"),
    (mean.match, mean_of(1), mean_of(30), "the input lies whole"),
    (conv_2d.match, convolution(VALID), convolution(SAME), "windows are served"),
    (conv_2d.match, dense(4), dense(260, weight=127, bias=-4_000_000),
     "sums and biases fit 24 bits each"),
    (conv_2d.match, dense(1000, 128), dense(1000, 132), "weights fit arrays of 32,767 bytes"),
    (conv_2d_pair.match, convolution(VALID), convolution(SAME), "windows are served"),
    (conv_2d_pair.match, dense(255), dense(256), "counts fit a byte"),
    (conv_2d_pair.match, dense(200, 140), dense(200, 170), "weights fit an array of 32,767 bytes"),
    (conv_2d_max_pool_2d_plane.match, plane(1), plane(2),
     "the input is one plane under 3x3 filters at steps of 1"),
    (depthwise_conv_2d_image.match, image(), image(stride=(1, 2)), "images go by steps of 1 or 2"),
    (depthwise_conv_2d_image.match, image(), image(kink=True), "the epilogue is simple"),
    (depthwise_conv_2d_image.match, image(61), image(62), "rows of an image are near"),
    (depthwise_conv_2d_pair.match, image(), image(stride=(2, 1)), "rows are made in pairs"),
    (fully_connected.match_wide, dense(1024), dense(1025), "a copy of the inputs pays"),
]  # fmt: skip
"""A kernel, a layer that it takes, one that it refuses, and by what."""


@pytest.mark.parametrize(
    ("match", "fits", "leaves", "name"),
    CASES,
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_kernel_refuses_by_the_decision_that_it_names(
    match: Match, fits: bytes, leaves: bytes, name: str
) -> None:
    taken(match, only_step(fits))
    assert refuses(match, only_step(leaves))
    last = by(match, only_step(leaves)).decisions[-1]
    assert (last.name, last.holds) == (name, False)
