"""A small sound model to spoil: a convolution and a pooling."""

import numpy as np

from tests.builders.models import RELU, SAME, VALID, ModelBuilder, random_int8


def small(seed: int = 0) -> ModelBuilder:
    """A convolution and a pooling: tensors 0 to 4, of which 0 is the input and 4 the output."""
    rng = np.random.default_rng(seed)
    model = ModelBuilder()
    model.tensor((1, 6, 6, 2), 0.05, -128)
    model.weights(random_int8(rng, 3, 3, 3, 2), [0.01, 0.02, 0.03])
    model.bias(np.array([1, -2, 3], np.int32))
    model.tensor((1, 4, 4, 3), 0.2, -128)
    model.tensor((1, 2, 2, 3), 0.2, -128)
    options = {"padding": VALID, "strideH": 1, "strideW": 1, "fusedActivationFunction": RELU}
    options |= {"dilationHFactor": 1, "dilationWFactor": 1}
    model.operator("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", version=3, **options)
    pool(model)
    return model


def pool(model: ModelBuilder, source: int = 3, output: int = 4) -> None:
    """Add a pooling of 2x2 from one tensor to another."""
    size = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": SAME}
    model.operator("MAX_POOL_2D", [source], [output], "Pool2DOptions", version=2, **size)
