"""When layers share one copy of a kernel, and when each has its own."""

from collections.abc import Sequence

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.goal import Goal
from tests.builders.models import SAME, ModelBuilder, random_int8


def copies(content: bytes, goal: Goal, architecture: str = "") -> list[int]:
    """The callers of each function that layers share."""
    compiled = compile_model(content, "shared", architecture=architecture, goal=goal)
    text = compiled.files["model.c"]
    names = [line.split("void ")[1].split("(")[0] for line in text.splitlines()
             if line.startswith("MODEL_LAYER void share_")]  # fmt: skip
    return sorted(text.count(f"{name}(&") for name in names)


def sums(count: int) -> bytes:
    """So many additions one behind the other."""
    model = ModelBuilder()
    tensors = [model.tensor((1, 4), 0.1, 3) for _ in range(count + 1)]
    for index in range(count):
        model.operator("ADD", [tensors[index]] * 2, [tensors[index + 1]], "AddOptions")
    return model.build([tensors[0]], [tensors[-1]])


@pytest.mark.parametrize(("goal", "most"), [(Goal.SPEED, 8), (Goal.RAM, 3), (Goal.SIZE, 1)])
def test_each_goal_has_a_number_of_layers_up_to_which_each_has_a_copy(
    goal: Goal, most: int
) -> None:
    assert copies(sums(most), goal) == []
    assert copies(sums(most + 1), goal) == [most + 1]


def convolutions(
    kernels: Sequence[tuple[int, int]], kind: str = "CONV_2D", *, side: int = 8, halved: int = -1
) -> bytes:
    """Filters of these sizes over 4 channels of 8x8, one behind the other, padded.

    ``halved``: the one that goes by steps of 2.
    """
    rng = np.random.default_rng(0)
    model = ModelBuilder()
    source = model.tensor((1, side, side, 4), 0.02, -128)
    for index, kernel in enumerate(kernels):
        stride = 1 + (index == halved)
        side //= stride
        if kind == "CONV_2D":
            filters = model.weights(random_int8(rng, 4, *kernel, 4), [0.002] * 4)
        else:
            values = np.maximum(random_int8(rng, 1, *kernel, 4), -127)
            filters = model.tensor(values.shape, [0.01] * 4, data=values, axis=3)
        bias = model.bias(rng.integers(-500, 500, 4).astype(np.int32))
        inputs, source = [source, filters, bias], model.tensor((1, side, side, 4), 0.03, -128)
        extra = {} if kind == "CONV_2D" else {"depthMultiplier": 1}
        model.operator(
            kind, inputs, [source], f"{'Conv2D' if not extra else 'DepthwiseConv2D'}Options",
            version=3, padding=SAME, strideH=stride, strideW=stride,
            dilationHFactor=1, dilationWFactor=1, **extra,
        )  # fmt: skip
    return model.build([0], [source])


def test_windows_of_another_size_are_another_way_through_a_kernel() -> None:
    assert copies(convolutions([(3, 3), (3, 3)]), Goal.SIZE) == [2]
    assert copies(convolutions([(3, 3), (3, 2)]), Goal.SIZE) == []
    assert copies(convolutions([(3, 3), (2, 3)]), Goal.SIZE) == []
    assert copies(convolutions([(3, 3), (3, 2), (3, 3), (3, 2)]), Goal.SIZE) == [2, 2]


def test_for_speed_a_kernel_that_needs_its_sizes_is_shared_by_layers_of_one_size() -> None:
    """Of seven, the fourth goes by steps of 2, so that three have 8x8 pixels and three 4x4."""
    alike = convolutions([(3, 3)] * 5, "DEPTHWISE_CONV_2D")
    assert copies(alike, Goal.SPEED, "armv7e-m") == [5]
    sizes = convolutions([(3, 3)] * 7, "DEPTHWISE_CONV_2D", halved=3)
    assert copies(sizes, Goal.SPEED, "armv7e-m") == [3, 3]
