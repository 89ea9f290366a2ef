"""Graphs with branches: residual edges, several readers, one tensor read twice."""

import numpy as np

from tests.builders.models import RELU, ModelBuilder, random_int8

SHAPE = (1, 6, 5, 4)


class Branches(ModelBuilder):
    """A builder of graphs over tensors of one shape, with an output of any scale."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.input = self.tensor(SHAPE, 0.05, -3)

    def activation(self) -> int:
        """A tensor of any zero point."""
        scale = float(np.float32(np.exp(self.rng.uniform(-4, -2))))
        return self.tensor(SHAPE, scale, int(self.rng.integers(-60, 60)))

    def conv(self, source: int) -> int:
        """A convolution of 3x3 that keeps the shape."""
        weights = self.weights(random_int8(self.rng, 4, 3, 3, 4), [0.004] * 4)
        bias = self.bias(self.rng.integers(-500, 500, 4).astype(np.int32))
        output = self.activation()
        self.operator(
            "CONV_2D", [source, weights, bias], [output], "Conv2DOptions", version=3, padding=0,
            strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
            fusedActivationFunction=RELU,
        )  # fmt: skip
        return output

    def unary(self, kind: str, source: int) -> int:
        """An operator of one operand."""
        output = self.tensor(SHAPE, 1 / 128, 0) if kind == "TANH" else self.activation()
        self.operator(kind, [source], [output])
        return output

    def binary(self, kind: str, left: int, right: int) -> int:
        """An operator of two operands."""
        output = self.activation()
        self.operator(kind, [left, right], [output], f"{kind.capitalize()}Options", version=2)
        return output


def residual(model: Branches) -> int:
    """As in ResNet: two convolutions, and around them their input."""
    first = model.conv(model.input)
    second = model.conv(model.conv(first))
    return model.conv(model.binary("ADD", second, first))


def two_readers(model: Branches) -> int:
    """One tensor to two branches that meet again, and the input past both."""
    left, right = model.conv(model.input), model.unary("TANH", model.input)
    return model.binary("ADD", model.binary("MUL", left, right), model.input)


def read_twice(model: Branches) -> int:
    """One operator that reads the same tensor twice, also when others still need it."""
    tensor = model.unary("TANH", model.input)
    square = model.binary("MUL", tensor, tensor)
    return model.binary("SUB", model.binary("ADD", square, square), tensor)


def long_edge(model: Branches) -> int:
    """A tensor that lives through the whole network."""
    tensor = model.input
    for _ in range(4):
        tensor = model.binary("ADD", model.conv(tensor), model.input)
    return tensor


def ladder(model: Branches) -> int:
    """Every tensor is read by the two operators that come next."""
    before, tensor = model.input, model.unary("RELU", model.input)
    for kind in ("ADD", "MUL", "SUB", "ADD"):
        before, tensor = tensor, model.binary(kind, before, tensor)
    return tensor


GRAPHS = (residual, two_readers, read_twice, long_edge, ladder)
