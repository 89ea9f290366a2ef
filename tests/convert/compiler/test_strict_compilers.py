"""The C of every kind of layer compiles without a warning wherever it may have to."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.host.device.c_compiler import c_compiler
from tests.builders.compilers import warnings_of
from tests.builders.dense import fully_connected, softmax
from tests.builders.models import SAME, ModelBuilder
from tests.builders.moving import concatenation, mean, pad, transpose
from tests.builders.windows import average_pool, conv_2d, depthwise, grouped, max_pool_2d

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-c", "model.c")
COMPILERS = {
    "cc": ("-O2",),
    "arm-none-eabi-gcc": ("-mcpu=cortex-m0", "-mthumb", "-Os"),
    "avr-gcc": ("-mmcu=atmega2560", "-Os"),
}
"""With AVR's int of 16 bits an implicit int shows."""


def models() -> dict[str, bytes]:
    """One small model a kernel, with paddings and odd sizes."""
    rng = np.random.default_rng(0)
    return {
        "conv_2d": conv_2d(rng, (9, 11, 3), 6, (3, 2), dilation=(2, 3), padding=SAME)[0],
        "grouped_conv_2d": grouped(rng, (7, 8, 6), 8, 3)[0],
        "depthwise_conv_2d": depthwise(rng, (9, 11, 6), (3, 2), padding=SAME)[0],
        "depthwise_multiplier": depthwise(rng, (6, 5, 3), (3, 3), multiplier=4)[0],
        "fully_connected": fully_connected(rng, (1, 37), 37, 11),
        "max_pool_2d": max_pool_2d(
            rng, (7, 9, 5), (3, 2), stride=(2, 2), padding=SAME, activation=0
        )[0],
        "average_pool_2d": average_pool(rng, (7, 9, 5), (3, 2), stride=(2, 2), padding=SAME)[0],
        "mean": mean((1, 5, 6, 7), (1, 2)),
        "pad": pad((1, 5, 4, 3), [(0, 0), (2, 0), (0, 3), (1, 2)]),
        "transpose": transpose((1, 5, 4, 3), (0, 3, 1, 2)),
        "concatenation": concatenation((2, 9, 6, 1), 2),
        "softmax": softmax((1, 10), 0.1),
    }


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", models())
def test_a_layer_compiles_without_a_warning(
    name: str, compiler: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    program = c_compiler()[0] if compiler == "cc" else compiler
    require_tool(program)
    compile_model(models()[name], name).write(tmp_path)
    assert warnings_of([program, *STRICT, *COMPILERS[compiler]], tmp_path) == ""


def twice(kind: str) -> bytes:
    """Two layers of a kind, of other scales each, behind one another."""
    model = ModelBuilder()
    tensors = [model.tensor((1, 5, 6, 4), scale, 3) for scale in (0.05, 0.07, 0.31)]
    for source, output in pairwise(tensors):
        if kind == "MEAN":
            axis = model.tensor((1,), data=np.array([3 - source], np.int32), dtype="INT32")
            model.tensors[output].shape = [1, 5, 6 if output < 2 else 1, 1]
            model.operator("MEAN", [source, axis], [output], "ReducerOptions", keepDims=True)
        else:
            options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}[kind]
            model.operator(kind, [source, source], [output], options)
    return model.build([0], [2])


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL", "MEAN"])
def test_a_kernel_that_layers_share_compiles_without_a_warning(
    kind: str, compiler: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """The numbers in which they differ pass through a struct of their own."""
    program = c_compiler()[0] if compiler == "cc" else compiler
    require_tool(program)
    made = compile_model(twice(kind), "twice", goal=Goal.SIZE)
    made.write(tmp_path)
    assert "void share_" in made.files["model.c"]
    assert warnings_of([program, *STRICT, *COMPILERS[compiler]], tmp_path) == ""
