"""ADD, SUB and MUL against TFLM's bytes: scales, shapes that broadcast, constants, activations."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier, requantize
from glyphite.convert.compiler.ops._arithmetic import axes
from glyphite.convert.errors import ModelError
from tests.builders.arithmetic import EVERY_VALUE, binary, drawn_scaling, output_scaling
from tests.builders.models import ACTIVATIONS, ModelBuilder, Shape, hard_inputs
from tests.builders.oracle import assert_same_bytes, each_of

KINDS = ("ADD", "SUB", "MUL")


@each_of(*KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_every_pair_of_values_gives_tflms_byte_at_any_scales(kind: str, seed: int) -> None:
    rng = np.random.default_rng([seed, *kind.encode()])
    constant = seed % 2
    shapes = [(1, 256, 1), (1, 1, 256)]
    content, shape = binary(
        rng, kind, *shapes, constant=constant, activation=ACTIVATIONS[seed % 4], values=EVERY_VALUE
    )
    assert_same_bytes(content, EVERY_VALUE.reshape(shape))


SHAPES: list[tuple[Shape, Shape]] = [
    ((1, 4, 5, 3), (1, 4, 5, 3)),
    ((1, 4, 5, 3), (3,)),
    ((1, 4, 5, 3), ()),
    ((1, 4, 5, 3), (1,)),
    ((1, 4, 5, 3), (1, 4, 1, 1)),
    ((1, 4, 5, 3), (1, 1, 5, 1)),
    ((1, 4, 5, 3), (4, 5, 1)),
    ((1, 4, 1, 3), (1, 1, 5, 3)),
    ((1, 1, 5, 1), (1, 4, 1, 3)),
    ((2, 4, 5, 3), (3,)),
    ((1, 1, 5, 3), (2, 1, 1, 3)),
    ((7,), (1, 6, 7)),
    ((1, 10), (1, 10)),
    ((1, 1), (1, 1)),
    ((1, 2, 1, 3, 1, 5), (1, 2, 1, 3, 4, 5)),
    ((1, 1, 1, 1), (1, 6, 1, 1)),
]


@pytest.mark.parametrize("constant", [0, 1])
@pytest.mark.parametrize("shapes", SHAPES)
def test_shapes_broadcast_as_in_tflm(constant: int, shapes: tuple[Shape, Shape]) -> None:
    """Each by one of the kinds in turn, which share all that broadcasts."""
    kind = KINDS[(SHAPES.index(shapes) + constant) % len(KINDS)]
    rng = np.random.default_rng([constant, SHAPES.index(shapes), *kind.encode()])
    content, shape = binary(rng, kind, *shapes, constant=constant)
    assert_same_bytes(content, hard_inputs(rng, shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_two_computed_operands_give_tflms_bytes(kind: str, activation: int) -> None:
    """Every pair of values: one tensor as a column and as a row."""
    rng = np.random.default_rng([activation, *kind.encode()])
    model = ModelBuilder()
    scaling = drawn_scaling(rng)
    first = model.tensor((1, 256), *scaling)
    column, row = model.tensor((256, 1), *scaling), model.tensor((1, 1, 256), *scaling)
    model.operator("RESHAPE", [first], [column])
    model.operator("RESHAPE", [first], [row])
    last = model.tensor((1, 256, 256), *output_scaling(rng, kind, scaling[0], scaling[0]))
    model.operator(kind, [column, row], [last], f"{kind.capitalize()}Options", version=2,
                   fusedActivationFunction=activation)  # fmt: skip
    assert_same_bytes(model.build([first], [last]), EVERY_VALUE.reshape(1, 256))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_with_itself_gives_tflms_bytes_in_place(kind: str) -> None:
    rng = np.random.default_rng([*kind.encode()])
    model = ModelBuilder()
    scaling = drawn_scaling(rng)
    first = model.tensor((1, 16, 16, 1), *scaling)
    last = model.tensor((1, 16, 16, 1), *output_scaling(rng, kind, scaling[0], scaling[0]))
    model.operator(kind, [first, first], [last], f"{kind.capitalize()}Options", version=2)
    content = model.build([first], [last])
    assert compile_model(content, "small").arena_bytes == 256
    assert_same_bytes(content, EVERY_VALUE.reshape(1, 16, 16, 1))


def _sums(kind: str, scales: tuple[float, ...], number: type[np.floating[Any]]) -> NDArray[Any]:
    """Outputs of every pair of values, their zero points 0, by scales of one precision."""
    left, right, output = (number(np.float32(scale)) for scale in scales)
    twice = number(2) * max(left, right)
    sides = []
    for scale in (left, right):
        factor = quantize_multiplier(float(scale / twice))
        sides.append(np.array([requantize(value << 20, *factor) for value in range(-128, 128)]))
    sums = sides[0][:, None] + (sides[1] if kind == "ADD" else -sides[1])
    factor = quantize_multiplier(float(twice / (number(2**20) * output)))
    answers = {int(value): requantize(int(value), *factor) for value in np.unique(sums)}
    return np.asarray(np.vectorize(answers.__getitem__)(sums))


TELLING = (0.01, 0.03, 0.04)


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_scales_are_divided_in_double_precision_as_in_tflm(kind: str) -> None:
    """At these scales, whose sums lie at ties, single precision gives other bytes."""
    wide, narrow = (_sums(kind, TELLING, number) for number in (np.float64, np.float32))
    assert not np.array_equal(np.clip(wide, -128, 127), np.clip(narrow, -128, 127))
    model = ModelBuilder()
    first = model.tensor((1, 256), TELLING[0], 0)
    column = model.tensor((256, 1), TELLING[0], 0)
    model.operator("RESHAPE", [first], [column])
    other = model.tensor((1, 256), TELLING[1], 0, data=EVERY_VALUE)
    last = model.tensor((256, 256), TELLING[2], 0)
    model.operator(kind, [column, other], [last], f"{kind.capitalize()}Options", version=2)
    assert_same_bytes(model.build([first], [last]), EVERY_VALUE.reshape(1, 256))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratios", [*itertools.product([1e-4, 1.0, 1e4], [1e-3, 30.0])])
def test_scales_far_apart_give_tflms_bytes(kind: str, ratios: tuple[float, float]) -> None:
    model = ModelBuilder()
    left, right = 0.01, float(np.float32(0.01 * ratios[0]))
    typical = left * right if kind == "MUL" else max(left, right)
    first = model.tensor((1, 1, 256), left, 3)
    other = model.tensor((256, 1), right, -7, data=EVERY_VALUE.reshape(256, 1))
    last = model.tensor((1, 256, 256), float(np.float32(typical * ratios[1])), 9)
    model.operator(kind, [first, other], [last], f"{kind.capitalize()}Options", version=2)
    assert_same_bytes(model.build([first], [last]), EVERY_VALUE.reshape(1, 1, 256))


def test_neighbouring_axes_become_one_but_the_rows_of_a_picture() -> None:
    same = (1, 4, 5, 3)
    assert axes(same, [same, same]) == [(4, 15, 15), (15, 1, 1)]
    assert axes(same, [same, (3,)]) == [(4, 15, 0), (5, 3, 0), (3, 1, 1)]
    assert axes(same, [(), same]) == [(4, 0, 15), (15, 0, 1)]
    assert axes((2, 4, 5), [(2, 4, 5), (2, 4, 5)]) == [(40, 1, 1)]
    assert axes((1, 1), [(1, 1), (1, 1)]) == []


def refusal(kind: str, left: Shape, right: Shape, output: Shape, scales: tuple[float, ...]) -> str:
    """The sentence with which the model is refused."""
    model = ModelBuilder()
    inputs = [model.tensor(left, scales[0], 0),
              model.tensor(right, scales[1], 0, data=np.zeros(right, np.int8))]  # fmt: skip
    last = model.tensor(output, scales[2], 0)
    model.operator(kind, inputs, [last], f"{kind.capitalize()}Options", version=2)
    with pytest.raises(ModelError) as caught:
        compile_model(model.build([inputs[0]], [last]), "small")
    return str(caught.value)


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    assert refusal("ADD", (1, 4), (3,), (1, 4), (0.1, 0.1, 0.1)) == (
        "Operator 0 (ADD) cannot be compiled: shapes 1x4 and 3 do not broadcast."
    )


def test_an_output_of_another_shape_is_refused() -> None:
    found = refusal("MUL", (1, 4), (1,), (1, 5), (0.1, 0.1, 0.1))
    assert "its output has shape 1x5; from its other tensors follows 1x4." in found


def test_shapes_that_broadcast_along_too_many_axes_are_refused() -> None:
    found = refusal("SUB", (2, 1, 3, 1), (1, 4, 1, 5), (2, 4, 3, 5), (0.1, 0.1, 0.1))
    assert "Reshape them to at most 3 axes beside the batch." in found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scales", [(1e30, 1e30, 1e-20), (3e38, 3e38, 1e-44), (1.0, 1.0, 1e-7)])
def test_scales_whose_factor_leaves_32_bits_are_refused(
    kind: str, scales: tuple[float, float, float]
) -> None:
    found = refusal(kind, (1, 4), (1, 4), (1, 4), scales)
    assert "from its inputs' to its output's scale is a factor of" in found


def test_two_constants_are_refused() -> None:
    model = ModelBuilder()
    left, right = (model.tensor((4,), 0.1, 0, data=np.zeros(4, np.int8)) for _ in range(2))
    source, last = model.tensor((4,), 0.1, 0), model.tensor((4,), 0.1, 0)
    model.operator("ADD", [left, right], [last], "AddOptions")
    with pytest.raises(ModelError, match="both inputs are constants"):
        compile_model(model.build([source], [last]), "small")


def test_a_constant_of_another_type_is_refused() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((1, 4), 0.1, 0)
    other = model.tensor((4,), 0.1, 0, data=np.zeros(4, np.int32), dtype="INT32")
    model.operator("ADD", [first, other], [last], "AddOptions")
    with pytest.raises(ModelError, match="its input 1 is int32; int8 constants are needed"):
        compile_model(model.build([first], [last]), "small")
