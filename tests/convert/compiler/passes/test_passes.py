"""Passes: the rewritten graph answers the same bytes, and is rewritten only where it may be."""

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.graph import Graph
from glyphite.convert.compiler.passes import fuse_conv_max_pool
from tests.builders.models import (
    NONE,
    RELU,
    RELU6,
    SAME,
    VALID,
    ModelBuilder,
    conv_and_pool,
    hard_inputs,
    random_int8,
)
from tests.builders.oracle import assert_same_bytes


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


@pytest.mark.parametrize(("pool", "fused"), [(10, True), (11, False)])
def test_a_convolution_is_fused_where_one_call_can_look_at_all_rows(pool: int, fused: bool) -> None:
    """Of 3 rows a pixel, a pool of 10 rows makes 30, and one of 11 makes 33: 32 are allowed."""
    rng = np.random.default_rng(pool)
    model = ModelBuilder()
    model.tensor((1, 35, 2, 1), 0.02, 3)
    model.weights(random_int8(rng, 2, 3, 1, 1), [0.01, 0.02])
    middle = model.tensor((1, 33, 2, 2), 0.1, -7)
    last = model.tensor((1, 33 // pool, 2, 2), 0.1, -7)
    one = dict.fromkeys(("strideH", "strideW", "dilationHFactor", "dilationWFactor"), 1)
    model.operator("CONV_2D", [0, 1], [middle], "Conv2DOptions", version=3, padding=VALID, **one)
    model.operator("MAX_POOL_2D", [middle], [last], "Pool2DOptions", version=2, padding=VALID,
                   filterHeight=pool, filterWidth=1, strideH=pool, strideW=1)  # fmt: skip
    content = model.build([0], [last])
    assert (len(fuse_conv_max_pool.run(read(content)).operators) == 1) is fused
    assert_same_bytes(content, hard_inputs(rng, (1, 35, 2, 1)))


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
