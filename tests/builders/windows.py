"""Models of one convolution or pooling, with quantizations drawn at random."""

from functools import partial

import numpy as np

from tests.builders.draws import extent, output_scale_for, weight_scales, zero_point_in
from tests.builders.models import NONE, RELU, SAME, VALID, ModelBuilder, Shape, random_int8

Model = tuple[bytes, Shape]
"""The bytes of a .tflite, and its input's shape."""


def conv_2d(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    channels: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
    per_channel: bool = True,
    bias: bool = True,
    zero_point: int | None = None,
) -> Model:
    """A model of one convolution, and its input's shape; ``zero_point``: the output's."""
    model = ModelBuilder()
    input_scale = float(np.float32(np.exp(rng.uniform(-6, -3))))
    scales = weight_scales(rng, channels, per_channel)
    terms = kernel[0] * kernel[1] * source[2]
    shape = (1, *source)
    inputs = [model.tensor(shape, input_scale, zero_point_in(rng))]
    inputs.append(model.weights(random_int8(rng, channels, *kernel, source[2]), scales))
    if bias:
        values = rng.integers(-3000, 3000, channels).astype(np.int32)
        inputs.append(model.bias(values))
    extents = [
        extent(source[axis], kernel[axis], stride[axis], dilation[axis], padding) for axis in (0, 1)
    ]
    scale = output_scale_for(rng, input_scale * float(np.mean(scales)), terms)
    drawn = zero_point_in(rng)
    output = model.tensor(
        (1, *extents, channels), scale, drawn if zero_point is None else zero_point
    )
    model.operator(
        "CONV_2D",
        inputs,
        [output],
        "Conv2DOptions",
        version=3,
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=activation,
    )
    return model.build([0], [output]), shape


def depthwise(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    kernel: tuple[int, int],
    *,
    multiplier: int = 1,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
    per_channel: bool = True,
    bias: bool = True,
    axis: int = 3,
    stated_multiplier: int | None = None,
    zero_point: int | None = None,
) -> Model:
    """A model of one depthwise convolution, and its input's shape; ``zero_point``: the output's."""
    model = ModelBuilder()
    channels = source[2] * multiplier
    input_scale = float(np.float32(np.exp(rng.uniform(-6, -3))))
    scales = weight_scales(rng, channels, per_channel)
    inputs = [model.tensor((1, *source), input_scale, zero_point_in(rng))]
    values = random_int8(rng, 1, *kernel, channels)
    inputs.append(model.tensor(values.shape, scales, data=values, axis=axis))
    if bias:
        inputs.append(model.bias(rng.integers(-3000, 3000, channels).astype(np.int32)))
    size = [extent(source[a], kernel[a], stride[a], dilation[a], padding) for a in (0, 1)]
    scale = output_scale_for(rng, input_scale * float(np.mean(scales)), kernel[0] * kernel[1])
    drawn = zero_point_in(rng)
    output = model.tensor((1, *size, channels), scale, drawn if zero_point is None else zero_point)
    model.operator(
        "DEPTHWISE_CONV_2D", inputs, [output], "DepthwiseConv2DOptions", version=3,
        padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], fusedActivationFunction=activation,
        depthMultiplier=multiplier if stated_multiplier is None else stated_multiplier,
    )  # fmt: skip
    return model.build([0], [output]), (1, *source)


def grouped(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    channels: int,
    depth: int,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
    pooled: bool = False,
) -> Model:
    """A model of a 3x2 convolution whose filters have ``depth`` channels; and its input's shape."""
    model = ModelBuilder()
    scales = weight_scales(rng, channels, per_channel=True)
    inputs = [model.tensor((1, *source), 0.02, zero_point_in(rng))]
    inputs.append(model.weights(random_int8(rng, channels, 3, 2, depth), scales))
    inputs.append(model.bias(rng.integers(-3000, 3000, channels).astype(np.int32)))
    size = [extent(source[a], (3, 2)[a], stride[a], dilation[a], padding) for a in (0, 1)]
    scale, zero_point = output_scale_for(rng, 0.02 * float(np.mean(scales)), 6 * depth), -4
    output = model.tensor((1, *size, channels), scale, zero_point)
    model.operator(
        "CONV_2D", inputs, [output], "Conv2DOptions", version=6, padding=padding,
        strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], fusedActivationFunction=activation,
    )  # fmt: skip
    if pooled:
        size = [extent_ // 2 for extent_ in size]
        last = model.tensor((1, *size, channels), scale, zero_point)
        two = dict.fromkeys(("strideH", "strideW", "filterHeight", "filterWidth"), 2)
        model.operator("MAX_POOL_2D", [output], [last], "Pool2DOptions", version=2,
                       padding=VALID, **two)  # fmt: skip
        output = last
    return model.build([0], [output]), (1, *source)


def pooling(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int],
    padding: int,
    kind: str,
    activation: int = NONE,
) -> Model:
    """A model of one pooling, and its input's shape."""
    model = ModelBuilder()
    scale, zero_point = float(np.float32(rng.uniform(0.01, 0.1))), zero_point_in(rng)
    first = model.tensor((1, *source), scale, zero_point)
    size = [extent(source[a], kernel[a], stride[a], 1, padding) for a in (0, 1)]
    output = model.tensor((1, *size, source[2]), scale, zero_point)
    model.operator(
        kind, [first], [output], "Pool2DOptions", version=2, padding=padding,
        strideH=stride[0], strideW=stride[1], filterHeight=kernel[0], filterWidth=kernel[1],
        fusedActivationFunction=activation,
    )  # fmt: skip
    return model.build([first], [output]), (1, *source)


average_pool = partial(pooling, kind="AVERAGE_POOL_2D")
max_pool_2d = partial(pooling, kind="MAX_POOL_2D")


def pooled(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    channels: int,
    *,
    padding: int = VALID,
    stride: int = 1,
    activation: int = RELU,
) -> Model:
    """A 3x3 convolution and a 2x2 max pool behind it."""
    model = ModelBuilder()
    shape = (1, *source)
    start = int(rng.integers(-128, 128))
    scales = np.exp(rng.uniform(-7, -5, channels)).astype(np.float32)
    weights = rng.integers(-127, 128, (channels, 3, 3, source[2])).astype(np.int8)
    scale = float(np.float32(0.02 * scales.mean() * 100 * np.sqrt(9 * source[2])))
    covered = 0 if padding == SAME else 2
    height, width = (-(-(size - covered) // stride) for size in source[:2])
    inputs = [model.tensor(shape, float(np.float32(0.02)), start)]
    inputs.append(model.weights(weights, [float(value) for value in scales]))
    inputs.append(model.bias(rng.integers(-3000, 3000, channels).astype(np.int32)))
    between = model.tensor((1, height, width, channels), scale, -128)
    output = model.tensor((1, height // 2, width // 2, channels), scale, -128)
    model.operator(
        "CONV_2D", inputs, [between], "Conv2DOptions", version=3, padding=padding,
        strideH=stride, strideW=stride, dilationHFactor=1, dilationWFactor=1,
        fusedActivationFunction=activation,
    )  # fmt: skip
    model.operator(
        "MAX_POOL_2D", [between], [output], "Pool2DOptions", version=2, padding=VALID,
        strideH=2, strideW=2, filterHeight=2, filterWidth=2, fusedActivationFunction=NONE,
    )  # fmt: skip
    return model.build([0], [output]), shape
