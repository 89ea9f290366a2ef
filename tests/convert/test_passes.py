"""Passes: the rewritten graph answers the same bytes, and is rewritten only where it may be."""

import numpy as np
import pytest

from convert.compiler import compile_model
from convert.graph import Graph
from convert.passes import fuse_conv_max_pool
from convert.tflite import read
from tests.convert.models import (
    NONE,
    RELU,
    RELU6,
    SAME,
    VALID,
    ModelBuilder,
    assert_same_bytes,
    hard_inputs,
    random_int8,
)


def conv_and_pool(
    rng: np.random.Generator,
    *,
    padding: int = VALID,
    pool: tuple[int, int] = (2, 2),
    pool_stride: tuple[int, int] = (2, 2),
    pool_padding: int = VALID,
    channels: int = 6,
    activations: tuple[int, int] = (RELU, NONE),
) -> tuple[ModelBuilder, int]:
    """A convolution of 3x2 over (1, 9, 8, 2), then a pooling; and the pooling's output."""
    model = ModelBuilder()
    model.tensor((1, 9, 8, 2), 0.02, int(rng.integers(-128, 128)))
    model.weights(random_int8(rng, channels, 3, 2, 2), [0.01] * channels)
    model.bias(rng.integers(-500, 500, channels).astype(np.int32))
    size = (9, 8) if padding == SAME else (7, 7)
    zero_point = int(rng.integers(-60, 60))
    scale = float(np.float32(rng.uniform(0.02, 0.2)))
    middle = model.tensor((1, *size, channels), scale, zero_point)
    last = model.tensor((1, *_pooled(size, pool, pool_stride, pool_padding), channels), scale,
                        zero_point)  # fmt: skip
    model.operator(
        "CONV_2D", [0, 1, 2], [middle], "Conv2DOptions", version=3, padding=padding, strideH=1,
        strideW=1, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=activations[0],
    )  # fmt: skip
    model.operator(
        "MAX_POOL_2D", [middle], [last], "Pool2DOptions", version=2, padding=pool_padding,
        filterHeight=pool[0], filterWidth=pool[1], strideH=pool_stride[0], strideW=pool_stride[1],
        fusedActivationFunction=activations[1],
    )  # fmt: skip
    return model, last


def _pooled(
    size: tuple[int, ...], pool: tuple[int, ...], stride: tuple[int, ...], padding: int
) -> list[int]:
    if padding == SAME:
        return [-(-extent // step) for extent, step in zip(size, stride, strict=True)]
    sizes = zip(size, pool, stride, strict=True)
    return [(extent - width) // step + 1 for extent, width, step in sizes]


def kinds(graph: Graph) -> list[str]:
    """The graph's operators."""
    return [operator.kind for operator in graph.operators]


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("pool_padding", [SAME, VALID])
@pytest.mark.parametrize("pool", [(2, 2), (3, 2), (1, 3)])
@pytest.mark.parametrize("activations", [(RELU, NONE), (NONE, RELU6), (RELU6, RELU)])
def test_a_convolution_fused_with_its_pooling_gives_tflms_bytes(
    padding: int, pool_padding: int, pool: tuple[int, int], activations: tuple[int, int]
) -> None:
    rng = np.random.default_rng([padding, pool_padding, *pool, *activations])
    model, last = conv_and_pool(
        rng, padding=padding, pool=pool, pool_stride=(pool[0], pool[1] + 1),
        pool_padding=pool_padding, activations=activations,
    )  # fmt: skip
    content = model.build([0], [last])
    assert kinds(compile_model(content, "small").program.graph) == ["CONV_2D+MAX_POOL_2D"]
    assert_same_bytes(content, hard_inputs(rng, (1, 9, 8, 2)))


def test_a_fused_layer_counts_the_macs_of_its_convolution() -> None:
    model, last = conv_and_pool(np.random.default_rng(0))
    assert compile_model(model.build([0], [last]), "small").macs == 7 * 7 * 3 * 2 * 2 * 6


def test_pools_that_share_pixels_are_not_fused() -> None:
    """Each shared pixel would be computed once for every pool that it lies in."""
    rng = np.random.default_rng(0)
    model, last = conv_and_pool(rng, pool=(3, 3))
    content = model.build([0], [last])
    assert kinds(fuse_conv_max_pool.run(read(content))) == ["CONV_2D", "MAX_POOL_2D"]
    assert_same_bytes(content, hard_inputs(rng, (1, 9, 8, 2)))


def test_a_convolution_whose_output_is_the_models_is_not_fused() -> None:
    model, last = conv_and_pool(np.random.default_rng(0))
    assert kinds(fuse_conv_max_pool.run(read(model.build([0], [last - 1])))) == [
        "CONV_2D",
        "MAX_POOL_2D",
    ]


def test_a_convolution_that_others_read_too_is_not_fused() -> None:
    model, last = conv_and_pool(np.random.default_rng(0))
    other = model.tensor((1, 294), 0.1, 0)
    model.operator("RESHAPE", [last - 1], [other])
    graph = fuse_conv_max_pool.run(read(model.build([0], [last])))
    assert kinds(graph) == ["CONV_2D", "MAX_POOL_2D", "RESHAPE"]


def test_a_pass_leaves_the_graph_that_it_was_given_alone() -> None:
    model, last = conv_and_pool(np.random.default_rng(0))
    graph = read(model.build([0], [last]))
    fuse_conv_max_pool.run(graph)
    assert kinds(graph) == ["CONV_2D", "MAX_POOL_2D"]
