"""What inspect shows is what the compiler did, stage by stage."""

import numpy as np
import pytest

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.graph import Quantization, Tensor
from tests.builders.models import ModelBuilder, conv_and_pool


@pytest.fixture
def content() -> bytes:
    """A convolution, a pooling."""
    model, last = conv_and_pool(np.random.default_rng(8))
    return model.build([0], [last])


@pytest.fixture
def compiled(content: bytes) -> Compiled:
    return compile_model(content, "small")


def test_a_layer_has_its_shapes_macs_kernel_and_numbers(compiled: Compiled) -> None:
    (layer,) = describe.layers(compiled)
    assert layer.name == "conv_2d_max_pool_2d_0"
    assert (layer.operator, layer.kernel) == ("CONV_2D+MAX_POOL_2D", "conv_2d_max_pool_2d")
    assert (layer.inputs, layer.output) == (((1, 9, 8, 2),), (1, 3, 3, 6))
    assert layer.macs == compiled.macs == 7 * 7 * 6 * 3 * 2 * 2
    assert layer.weights is not None
    assert layer.weights.channels == 6
    assert layer.weights.scale == pytest.approx(0.01)
    assert layer.input_numbers[0].scale == pytest.approx(0.02)
    assert layer.constant_bytes == compiled.constant_bytes


def test_a_pass_tells_what_it_put_in_the_place_of_what(content: bytes) -> None:
    changes = {rewrite.name: rewrite.changes for rewrite in describe.passes(content)}
    assert changes["fuse_conv_max_pool"] == (
        describe.Change(
            ("operator 0 (CONV_2D)", "operator 1 (MAX_POOL_2D)"),
            ("operator 0 (CONV_2D+MAX_POOL_2D)",),
        ),
    )
    assert all(not made for name, made in changes.items() if name != "fuse_conv_max_pool")


def test_every_pass_says_in_a_sentence_what_it_does(content: bytes) -> None:
    for rewrite in describe.passes(content):
        assert rewrite.does[0].isupper()
        assert rewrite.does.endswith(".")


def test_the_buffers_fill_the_arena_and_live_within_its_moments(compiled: Compiled) -> None:
    buffers, moments = describe.buffers(compiled), describe.moments(compiled.plan)
    assert [buffer.layer for buffer in buffers] == ["input", "conv_2d_max_pool_2d_0"]
    assert max(buffer.offset + buffer.bytes for buffer in buffers) == compiled.arena_bytes
    assert buffers[0].first == -1 == moments.start
    assert buffers[-1].last == moments[-1]


def test_what_is_occupied_counts_bytes_once_and_never_passes_the_arena(compiled: Compiled) -> None:
    taken = describe.occupied(compiled.plan)
    assert len(taken) == len(describe.moments(compiled.plan))
    assert taken[0] == describe.buffers(compiled)[0].bytes
    assert 0.8 * compiled.arena_bytes < max(taken) <= compiled.arena_bytes
    (most,) = describe.memory_by_layer(compiled)
    assert most == ("conv_2d_max_pool_2d_0", max(taken[1:-1]))


def test_rows_live_in_their_rings_and_as_long_as_the_plan_says(compiled: Compiled) -> None:
    for buffer, fact in zip(compiled.plan.buffers, describe.buffers(compiled), strict=True):
        rows = describe.rows(buffer)
        assert len(rows) == fact.height >= fact.rows
        for row in rows:
            assert fact.offset <= row.start <= row.start + row.bytes <= fact.offset + fact.bytes
            assert fact.first <= row.first <= row.last <= fact.last
        for call in range(len(compiled.plan.schedule.calls)):
            kept = [range(r.start, r.start + r.bytes) for r in rows if r.first <= call < r.last]
            assert kept == list(buffer.kept(call))


def test_layers_that_do_not_share_memory_add_up() -> None:
    """A chain of two poolings: in the first layer, input and output."""
    model = ModelBuilder()
    for side in (8, 4, 2):
        model.tensor((1, side, side, 2), 0.1, 3)
    for index in (0, 1):
        model.operator(
            "MAX_POOL_2D", [index], [index + 1], "Pool2DOptions", version=2, padding=1,
            filterHeight=2, filterWidth=2, strideH=2, strideW=2,
        )  # fmt: skip
    compiled = compile_model(model.build([0], [2]), "pools")
    taken = describe.memory_by_layer(compiled)
    assert [name for name, _ in taken] == ["max_pool_2d_0", "max_pool_2d_1"]
    assert taken[0][1] >= 8 * 8 * 2
    assert all(used <= compiled.arena_bytes for _, used in taken)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor("t", (1, 4), "int8", Quantization((0.5,), (-128,))), "int8, 0.5 (q + 128)"),
        (Tensor("t", (1, 4), "int8", Quantization((0.5,), (3,))), "int8, 0.5 (q - 3)"),
        (Tensor("t", (1, 4), "int8", Quantization((0.5,), (0,))), "int8, 0.5 (q)"),
        (
            Tensor("t", (2, 4), "int8", Quantization((0.5, 0.25), (0, 0))),
            "int8, 2 scales to 0.5",
        ),
        (
            Tensor("t", (2, 4), "int8", Quantization((0.25, 0.5), (0, 0))),
            "int8, 2 scales to 0.5",
        ),
        (Tensor("t", (2,), "int32"), "int32"),
    ],
)
def test_numbers_are_told_as_their_formula(tensor: Tensor, text: str) -> None:
    assert describe.numbers(tensor).text == text
