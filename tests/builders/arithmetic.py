"""Models of one ADD, SUB or MUL, with scales drawn at random."""

import numpy as np
from numpy.typing import NDArray

from tests.builders.draws import zero_point_in
from tests.builders.models import NONE, ModelBuilder, Shape, random_int8

EVERY_VALUE = np.arange(-128, 128).astype(np.int8)


def drawn_scaling(rng: np.random.Generator) -> tuple[float, int]:
    """A scale and a zero point."""
    zero_point = zero_point_in(rng)
    return float(np.float32(np.exp(rng.uniform(-5, -1)))), zero_point


def output_scaling(
    rng: np.random.Generator, kind: str, left: float, right: float
) -> tuple[float, int]:
    """A scale that spreads the results over int8, and a zero point."""
    typical = left * right * 90 if kind == "MUL" else max(left, right)
    return float(np.float32(typical * np.exp(rng.uniform(-1, 1)))), drawn_scaling(rng)[1]


def _values(
    rng: np.random.Generator, shape: Shape, values: NDArray[np.int8] | None
) -> NDArray[np.int8]:
    return random_int8(rng, *shape) if values is None else values.reshape(shape)


def binary(
    rng: np.random.Generator,
    kind: str,
    *shapes: Shape,
    constant: int = 1,
    activation: int = NONE,
    values: NDArray[np.int8] | None = None,
) -> tuple[bytes, Shape]:
    """A model of one operator, of whose operands one (0: left, 1: right) is constant.

    The other one is the input, (1, n), in another shape. The result is the model and (1, n).
    """
    model = ModelBuilder()
    scalings = [drawn_scaling(rng), drawn_scaling(rng)]
    size = int(np.prod(shapes[1 - constant]))
    first = model.tensor((1, size), *scalings[1 - constant])
    data = _values(rng, shapes[constant], values)
    inputs = [
        model.tensor(shapes[side], *scalings[side], data=data if side == constant else None)
        for side in (0, 1)
    ]
    model.operator("RESHAPE", [first], [inputs[1 - constant]])
    output = output_scaling(rng, kind, scalings[0][0], scalings[1][0])
    last = model.tensor(np.broadcast_shapes(*shapes), *output)
    model.operator(
        kind, inputs, [last], f"{kind.capitalize()}Options", version=2,
        fusedActivationFunction=activation,
    )  # fmt: skip
    return model.build([first], [last]), (1, size)
