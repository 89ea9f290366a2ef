"""Graphs with branches, whole: residual edges, several readers, one tensor read twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.host.runners.tflm import infer
from tests.builders.models import RELU, ModelBuilder, assert_same_bytes, hard_inputs, random_int8
from tests.builders.poison import poisoned
from tests.convert.compiler.ops.test_tables import refusal

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


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("seed", range(2))
def test_a_graph_with_branches_gives_tflms_bytes(
    graph: Callable[[Branches], int], seed: int
) -> None:
    model = Branches(seed)
    content = model.build([model.input], [graph(model)])
    assert_same_bytes(content, hard_inputs(model.rng, SHAPE))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_with_branches_answers_the_same_when_dead_memory_is_overwritten(
    graph: Callable[[Branches], int], tmp_path: Path
) -> None:
    model = Branches(0)
    content = model.build([model.input], [graph(model)])
    tensors = hard_inputs(model.rng, SHAPE)
    found = poisoned(compile_model(content, "small"), tensors)
    assert np.array_equal(found, infer(content, tensors))


def test_an_inner_tensor_may_be_the_output_while_others_read_it() -> None:
    model = Branches(0)
    output = model.conv(model.input)
    model.unary("TANH", output)
    assert_same_bytes(model.build([model.input], [output]), hard_inputs(model.rng, SHAPE))


def test_an_in_place_chain_takes_no_more_than_its_tensor() -> None:
    model = Branches(0)
    tensor = model.input
    for kind in ("RELU", "TANH", "QUANTIZE"):
        tensor = model.unary(kind, tensor)
    content = model.build([model.input], [model.binary("MUL", tensor, tensor)])
    assert compile_model(content, "small").arena_bytes == int(np.prod(SHAPE))
    assert_same_bytes(content, hard_inputs(model.rng, SHAPE))


def test_two_outputs_are_refused() -> None:
    model = Branches(0)
    one, other = model.unary("RELU", model.input), model.unary("TANH", model.input)
    assert refusal(model.build([model.input], [one, other])) == (
        "The .tflite has 2 outputs, and 1 is supported."
    )
