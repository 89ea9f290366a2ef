"""Models of one fully connected layer or one softmax."""

import numpy as np

from tests.builders.draws import output_scale_for, weight_scales, zero_point_in
from tests.builders.models import NONE, ModelBuilder, random_int8


def fully_connected(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    count: int,
    channels: int,
    *,
    activation: int = NONE,
    per_channel: bool = True,
    bias: bool = True,
) -> bytes:
    """A model of one fully connected layer with ``count`` inputs a row."""
    model = ModelBuilder()
    input_scale = float(np.float32(np.exp(rng.uniform(-6, -3))))
    scales = weight_scales(rng, channels, per_channel)
    inputs = [model.tensor(shape, input_scale, zero_point_in(rng))]
    inputs.append(model.weights(random_int8(rng, channels, count), scales))
    if bias:
        inputs.append(model.bias(rng.integers(-3000, 3000, channels).astype(np.int32)))
    scale = output_scale_for(rng, input_scale * float(np.mean(scales)), count)
    output = model.tensor((*shape[:-1], channels), scale, zero_point_in(rng))
    model.operator(
        "FULLY_CONNECTED",
        inputs,
        [output],
        "FullyConnectedOptions",
        version=4,
        fusedActivationFunction=activation,
    )
    return model.build([0], [output])


def softmax(shape: tuple[int, ...], scale: float, beta: float = 1.0) -> bytes:
    """A model of one softmax."""
    model = ModelBuilder()
    first = model.tensor(shape, scale, 3)
    output = model.tensor(shape, 1 / 256, -128)
    model.operator("SOFTMAX", [first], [output], "SoftmaxOptions", version=2, beta=beta)
    return model.build([first], [output])
