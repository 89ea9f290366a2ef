"""The sound models that mutants are made of: one or more for every supported operator, and nets."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tests.builders import mlperf_tiny
from tests.builders.arithmetic import binary
from tests.builders.branches import GRAPHS, Branches
from tests.builders.dense import fully_connected, softmax
from tests.builders.edges import dequantize, network, quantize
from tests.builders.foreign import reshaped
from tests.builders.models import RELU, RELU6, SAME, VALID, ModelBuilder, conv_and_pool
from tests.builders.moving import concatenation, mean, pad, transpose, viewed
from tests.builders.windows import average_pool, conv_2d, depthwise, grouped, max_pool_2d
from tests.paths import PROJECT

SHARE_OF_NETWORKS = 0.01
"""Of the mutants, those made of a whole network, which takes seconds to compile."""


def draw(rng: np.random.Generator) -> tuple[str, bytes]:
    """A base's name and its .tflite."""
    bases = networks() if rng.random() < SHARE_OF_NETWORKS else small()
    name = str(rng.choice(list(bases)))
    return name, bases[name]


@cache
def small() -> Mapping[str, bytes]:
    """Models of one or a few operators."""
    rng = np.random.default_rng(0)
    return {**_windows(rng), **_elementwise(rng), **_moving(), **_graphs()}


@cache
def networks() -> Mapping[str, bytes]:
    """The Uno network, and those of MLPerf Tiny, which the first use makes in Keras."""
    made = {name: mlperf_tiny.kept(name).read_bytes() for name in mlperf_tiny.NETWORKS}
    uno = PROJECT / "models" / "uno" / "model_int8.tflite"
    return {**made, "uno": uno.read_bytes()}


def _windows(rng: np.random.Generator) -> dict[str, bytes]:
    model, last = conv_and_pool(rng)
    pool, two = (7, 9, 5), (2, 2)
    return {
        "conv_2d": conv_2d(rng, (9, 8, 3), 6, (3, 2), padding=SAME, activation=RELU)[0],
        "conv_2d_dilated": conv_2d(
            rng, (9, 8, 3), 4, (3, 2), dilation=(2, 3), per_channel=False
        )[0],
        "conv_2d_max_pool_2d": model.build([0], [last]),
        "grouped_conv_2d": grouped(rng, (7, 8, 6), 8, 3)[0],
        "depthwise_conv_2d": depthwise(rng, (9, 8, 6), (3, 2), padding=SAME)[0],
        "depthwise_multiplier": depthwise(rng, (6, 5, 3), (3, 3), multiplier=4, bias=False)[0],
        "fully_connected": fully_connected(rng, (1, 37), 37, 11, activation=RELU6),
        "fully_connected_rows": fully_connected(rng, (1, 4, 8), 8, 5, bias=False),
        "max_pool_2d": max_pool_2d(rng, pool, two, stride=two, padding=VALID, activation=RELU)[0],
        "average_pool_2d": average_pool(rng, pool, (3, 2), stride=two, padding=SAME)[0],
    }  # fmt: skip


def _elementwise(rng: np.random.Generator) -> dict[str, bytes]:
    made = {kind.lower(): _unary(kind, (0.04, -7)) for kind in ("RELU", "RELU6", "QUANTIZE")}
    for kind in ("ADD", "SUB", "MUL"):
        made[kind.lower()] = binary(rng, kind, (1, 5, 4, 3), (4, 3), activation=RELU)[0]
    return {
        **made,
        "hard_swish": _unary("HARD_SWISH", (0.04, -7), "HardSwishOptions"),
        "leaky_relu": _unary("LEAKY_RELU", (0.04, -7), "LeakyReluOptions", alpha=0.1),
        "logistic": _unary("LOGISTIC", (1 / 256, -128)),
        "tanh": _unary("TANH", (1 / 128, 0)),
        "softmax": softmax((1, 10), 0.1),
        "quantize_float": quantize((1, 5, 4, 3), 0.05, 3),
        "dequantize": dequantize((1, 5, 4, 3), 0.05, 3),
    }


def _unary(
    kind: str,
    output: tuple[float, int],
    options: str | None = None,
    **fields: Any,  # noqa: ANN401 - options of any kind
) -> bytes:
    model = ModelBuilder()
    first, last = (model.tensor((1, 5, 4, 3), *scaling) for scaling in ((0.05, 3), output))
    model.operator(kind, [first], [last], options, **fields)
    return model.build([first], [last])


def _moving() -> dict[str, bytes]:
    return {
        "mean": mean((1, 5, 6, 7), (1, 2)),
        "mean_kept": mean((1, 5, 6, 7), (3,), keep=True, target=(0.01, 4)),
        "pad": pad((1, 5, 4, 3), [(0, 0), (2, 0), (0, 3), (1, 2)]),
        "padv2": pad((1, 5, 4, 3), [(0, 0), (2, 0), (0, 3), (1, 2)], value=40),
        "transpose": transpose((1, 5, 4, 3), (0, 3, 1, 2)),
        "concatenation": concatenation((2, 9, 6, 1), 2),
        "concatenation_channels": concatenation((2, 5), 3),
        "reshape_by_shape": reshaped(),
        "squeeze": viewed("SQUEEZE", (1, 6, 2)),
        "expand_dims": viewed("EXPAND_DIMS", (1, 1, 6, 1, 2), 3),
    }


def _graphs() -> dict[str, bytes]:
    made = {"network": network()}
    for graph in GRAPHS:
        model = Branches(1)
        made[graph.__name__] = model.build([model.input], [graph(model)])
    return made
