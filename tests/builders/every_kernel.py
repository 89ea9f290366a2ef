"""Small models that together use every kernel for any processor and every DSP kernel."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.host.runners.tflm import infer
from tests.builders.arithmetic import binary
from tests.builders.branches import Branches, residual
from tests.builders.dense import fully_connected, softmax
from tests.builders.edges import dequantize, quantize
from tests.builders.kernels import RECTIFIED, narrow_weights
from tests.builders.models import NONE, RELU, SAME, VALID, ModelBuilder, conv_and_pool, hard_inputs
from tests.builders.moving import concatenation, mean, pad, transpose
from tests.builders.tables import unary
from tests.builders.windows import (
    average_pool,
    conv_2d,
    depthwise,
    grouped,
    max_pool_2d,
    pooled,
)

CORTEX_M4 = "armv7e-m"


@dataclass(frozen=True)
class Sample:
    """A compiled model, inputs (n, ...) and TensorFlow Lite Micro's outputs (n, values)."""

    made: Compiled
    inputs: NDArray[np.generic]
    expected: NDArray[np.generic]


@cache
def samples(architecture: str, goal: Goal, *, stream: bool = False) -> tuple[Sample, ...]:
    """The models for one processor and goal; each has the prefix ``m0``, ``m1``, ..."""
    return tuple(_samples(architecture, goal, stream=stream))


def _samples(architecture: str, goal: Goal, *, stream: bool) -> Iterator[Sample]:
    for index, content in enumerate(models(architecture)):
        made = compile_model(content, f"m{index}", architecture=architecture, goal=goal,
                             stream_input=stream, prefix=f"m{index}")  # fmt: skip
        source = made.edges[0]
        given = hard_inputs(np.random.default_rng(index), source.shape, 2)
        scaled = given * np.float32(0.07) if source.dtype == "float32" else given
        yield Sample(made, scaled, infer(content, scaled))


def models(architecture: str) -> Iterator[bytes]:
    """The portable kernels' models, or the DSP kernels'."""
    yield from (_dsp if architecture else _portable)(np.random.default_rng(0))


def _portable(rng: np.random.Generator) -> Iterator[bytes]:
    two = (2, 2)
    yield conv_2d(rng, (9, 8, 3), 6, (3, 2), dilation=(2, 3), padding=SAME)[0]
    yield grouped(rng, (7, 8, 6), 8, 3)[0]
    yield depthwise(rng, (9, 8, 6), (3, 2), padding=SAME)[0]
    yield fully_connected(rng, (1, 37), 37, 11)
    yield max_pool_2d(rng, (7, 9, 5), (3, 2), stride=two, padding=SAME, activation=NONE)[0]
    yield average_pool(rng, (7, 9, 5), (3, 2), stride=two, padding=SAME)[0]
    yield average_pool(rng, (4, 4, 5), (4, 4), stride=(1, 1), padding=VALID)[0]
    yield mean((1, 5, 6, 7), (1, 2))
    yield pad((1, 5, 4, 3), [(0, 0), (2, 0), (0, 3), (1, 2)])
    yield transpose((1, 5, 4, 3), (0, 3, 1, 2))
    yield concatenation((2, 5, 6, 3), 3)
    yield softmax((1, 10), 0.1)
    yield binary(rng, "SUB", (1, 5, 4, 3), (4, 3), activation=RELU)[0]
    yield quantize((1, 5, 4, 3), 0.05, 3)
    yield dequantize((1, 5, 4, 3), 0.05, 3)
    yield _pooled(rng)
    yield _twice()
    yield unary("LOGISTIC", (0.05, 3), (1 / 256, -128))


def _dsp(rng: np.random.Generator) -> Iterator[bytes]:
    yield conv_2d(rng, (9, 7, 1), 4, (5, 2), stride=(1, 2), padding=SAME)[0]
    yield conv_2d(rng, (5, 6, 8), 6, (3, 3), padding=SAME, activation=RELU)[0]
    yield conv_2d(rng, (9, 11, 4), 6, (3, 3), padding=SAME, **RECTIFIED)[0]
    yield conv_2d(rng, (6, 9, 4), 6, (1, 1), **RECTIFIED)[0]
    yield depthwise(rng, (6, 6, 8), (3, 3), padding=SAME, **RECTIFIED)[0]
    yield depthwise(rng, (7, 9, 8), (3, 3), stride=(2, 2), padding=SAME, **RECTIFIED)[0]
    yield depthwise(rng, (6, 6, 8), (3, 3), padding=SAME)[0]
    yield depthwise(rng, (7, 7, 4), (5, 3), padding=SAME)[0]
    yield fully_connected(rng, (1, 37), 37, 11)
    yield narrow_weights(fully_connected(rng, (1, 40), 40, 9))
    network = Branches(1)
    yield network.build([network.input], [residual(network)])
    yield _pooled(rng)
    yield pooled(rng, (6, 6, 1), 3)[0]
    yield pooled(rng, (9, 13, 8), 6)[0]
    yield pooled(rng, (6, 6, 4), 4)[0]
    yield conv_2d(rng, (3, 5, 40), 4, (1, 1), **RECTIFIED)[0]


def _pooled(rng: np.random.Generator) -> bytes:
    model, last = conv_and_pool(rng)
    return model.build([0], [last])


def _twice() -> bytes:
    """Two layers of a kind, which share a kernel for the goal "size"."""
    model = ModelBuilder()
    tensors = [model.tensor((1, 5, 6, 4), scale, 3) for scale in (0.05, 0.07, 0.31)]
    for source, output in pairwise(tensors):
        model.operator("MUL", [source, source], [output], "MulOptions")
    return model.build([0], [2])
