"""What the DSP kernels are told: blocks of pixels, scratch memory, and the order of weights."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.dsp import (
    conv_2d_max_pool_2d,
    conv_2d_max_pool_2d_plane,
    conv_2d_max_pool_2d_winograd,
    depthwise_conv_2d_pair,
)
from glyphite.convert.compiler.targets.dsp.block import block, fewest_instructions
from glyphite.convert.compiler.targets.dsp.depthwise_conv_2d_pair import (
    DspDepthwiseConv2DPairConstants,
)
from glyphite.convert.compiler.targets.dsp.patch import DspInputsConstants, im2col_words, in_order
from tests.builders.kernels import RECTIFIED, constants_of, only_step, refuses, taken
from tests.builders.models import SAME
from tests.builders.windows import conv_2d, depthwise, pooled

WORD = 4


@pytest.mark.parametrize("call", [None, 5.0, 50.0])
@pytest.mark.parametrize("steps", [1, 9, 40])
def test_a_rows_blocks_and_what_they_leave_take_the_fewest_instructions(
    steps: int, call: float | None
) -> None:
    def takes(width: int, count: int) -> float:
        whole, left = divmod(width, count)
        return sum(block(pixels, steps, call) for pixels in [*[count] * whole, left])

    for width in range(1, 13):
        chosen = fewest_instructions(width, steps, call)
        assert takes(width, chosen) == min(takes(width, n) for n in range(1, min(4, width) + 1))


@pytest.mark.parametrize(
    ("kernel", "channels", "words"),
    [
        ((3, 3), 3, 1 + 3),  # a row has 9 bytes, of which each of three leaves one
        ((2, 3), 5, 2 + 4),  # 15 bytes, three left of each of two
        ((5, 2), 1, 3 + 1),  # 2 bytes, both left of each of five
        ((1, 1), 6, 1 + 2),
        ((3, 3), 8, 0),
    ],
)
def test_im2col_has_room_for_what_all_kernel_rows_leave_and_for_a_kernel_row(
    kernel: tuple[int, int], channels: int, words: int
) -> None:
    content, _ = conv_2d(np.random.default_rng(0), (6, 6, channels), 4, kernel)
    assert im2col_words(constants_of(content)) == words


@pytest.mark.parametrize(("channels", "columns"), [(3, 2), (8, 1)])
def test_padding_is_as_long_as_what_is_read_of_it_at_once(channels: int, columns: int) -> None:
    content, _ = conv_2d(np.random.default_rng(0), (6, 6, channels), 4, (3, 2), padding=SAME)
    layer = constants_of(content)
    padding = DspInputsConstants.of(layer, wide=True).padding
    assert padding.tolist() == [-layer.input_offset] * channels * columns


def test_what_kernel_rows_leave_of_whole_words_comes_behind_all_of_them() -> None:
    weights = np.arange(10, dtype=np.int8).reshape(1, 2, 5, 1)
    assert in_order(weights).tolist() == [[0, 1, 2, 3, 5, 6, 7, 8, 4, 9]]


def halves(words: NDArray[np.int32]) -> list[list[int]]:
    """The lower and the upper 16 bits of each word."""
    return words.view(np.int16).reshape(-1, 2).tolist()


def pair_of(height: int) -> Step:
    source = (height, 6, 8)
    content, _ = depthwise(np.random.default_rng(2), source, (3, 3), padding=SAME, **RECTIFIED)
    return taken(depthwise_conv_2d_pair.match, only_step(content))


def test_a_pair_of_rows_has_the_weights_of_both_by_column() -> None:
    content, _ = depthwise(np.random.default_rng(3), (6, 6, 4), (3, 3))
    found = taken(depthwise_conv_2d_pair.match, only_step(content)).constants
    assert isinstance(found, DspDepthwiseConv2DPairConstants)
    weights = constants_of(content).weights.reshape(3, 3, 4)[..., 0].astype(int)
    first, second, third = weights << found.conv.requantize.fraction_bits
    expected = [
        pair
        for column in range(3)
        for pair in ([first[column], second[column]], [second[column], third[column]])
    ]
    assert halves(found.conv.weights[1:7]) == expected


def test_the_last_lower_row_has_scratch_memory_of_its_own_where_nobody_reads_it() -> None:
    """Beside two words for each of four channels of each column, those of the halo among them."""
    columns = WORD * 8 * (6 + 2)
    assert pair_of(6).scratch_bytes == columns
    assert pair_of(7).scratch_bytes == columns + 6 * 8


@pytest.mark.parametrize("stride", [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_rows_are_made_in_pairs_at_steps_of_one_row(stride: tuple[int, int]) -> None:
    content, _ = depthwise(np.random.default_rng(4), (8, 8, 4), (3, 3), stride=stride)
    assert refuses(depthwise_conv_2d_pair.match, only_step(content)) == (stride[0] != 1)


@pytest.mark.parametrize("channels", [4, 3])
def test_a_pool_has_scratch_memory_for_its_four_pixels(channels: int) -> None:
    """A pixel's inputs have 16 bits there."""
    content, _ = pooled(np.random.default_rng(5), (8, 8, channels), 4)
    step = only_step(content)
    found = taken(conv_2d_max_pool_2d.match, step)
    steps = -(-9 * channels // 4)
    assert found.scratch_bytes == WORD * (4 * 2 * steps + im2col_words(constants_of(content).conv))


def test_a_pooled_row_of_a_plane_takes_the_four_rows_under_it_padding_among_them() -> None:
    step = only_step(pooled(np.random.default_rng(6), (8, 8, 1), 4, padding=SAME)[0])
    assert step.rows is not None
    found = conv_2d_max_pool_2d_plane.by_rows(step, step.constants, step.rows)  # type: ignore[arg-type]
    assert not isinstance(found, Refusal)
    (made,) = found
    assert made.rows is not None
    (window,) = made.rows.windows
    assert window is not None
    assert [list(window.under(y)) for y in (0, 1, 3)] == [
        [None, 0, 1, 2], [1, 2, 3, 4], [5, 6, 7, None],
    ]  # fmt: skip


def test_a_planes_weights_lie_in_pairs_with_the_bias_behind_the_first_three() -> None:
    content, _ = pooled(np.random.default_rng(7), (8, 8, 1), 4)
    found = taken(conv_2d_max_pool_2d_plane.match, only_step(content)).constants
    assert isinstance(found, conv_2d_max_pool_2d_plane.DspConv2DMaxPool2DPlaneConstants)
    weights = constants_of(content).conv.weights[0, :, :, 0].astype(int)
    w = weights << found.conv.requantize.fraction_bits
    first, last = halves(found.conv.weights[:3]), halves(found.conv.weights[4:6])
    assert first == [[w[row, 0], w[row, 1]] for row in range(3)]
    assert last == [[w[0, 2], w[1, 2]], [w[2, 2], 0]]


def test_no_more_tiles_are_computed_at_a_time_than_a_pooled_row_has() -> None:
    content, _ = pooled(np.random.default_rng(8), (4, 4, 4), 4)
    found = taken(conv_2d_max_pool_2d_winograd.match, only_step(content)).constants
    assert isinstance(found, conv_2d_max_pool_2d_winograd.DspConv2DMaxPool2DWinogradConstants)
    assert found.pool.output_width == found.conv.tiles == 1
