"""What the AVR's kernels take, what they refuse, and what they are told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.fixed_point import exp_negative, requantize
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.targets.avr import (
    average_pool_2d,
    conv_2d,
    conv_2d_pair,
    mean,
)
from glyphite.convert.compiler.targets.avr import softmax as avr_softmax
from glyphite.convert.compiler.targets.avr.channels import Channels
from glyphite.convert.compiler.targets.avr.conv_2d import AvrConv2DConstants
from glyphite.convert.compiler.targets.avr.limits import LimitsConstants
from glyphite.convert.compiler.targets.avr.softmax import AvrSoftmaxConstants
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.output import OutputConstants
from glyphite.host.runners.tflm import infer
from tests.builders import moving
from tests.builders.dense import fully_connected, softmax
from tests.builders.kernels import by, constants_of, only_step, refuses, taken
from tests.builders.models import SAME, ModelBuilder, conv_and_pool
from tests.builders.windows import average_pool
from tests.builders.windows import conv_2d as convolution


def compiled(content: bytes, goal: Goal = Goal.SPEED, architecture: str = "avr5") -> Compiled:
    return compile_model(content, "avr", architecture=architecture, goal=goal)


@pytest.mark.parametrize(("bias", "fits"), [(2**15 - 256, True), (2**15 - 255, False)])
def test_sums_fit_up_to_the_last_number_of_their_bits(bias: int, fits: bool) -> None:
    one = np.ones((1, 1), np.int64)
    channels = Channels(one, np.array([bias]), one[0], one[0], inputs=(0, 255))
    assert channels.totals_fit(16).tolist() == [fits]
    assert channels.proof(16).holds == fits


def test_padding_counts_as_zero_only_where_the_input_begins_there() -> None:
    content, _ = convolution(np.random.default_rng(0), (6, 6, 2), 4, (3, 3), padding=SAME)
    step = only_step(content)
    assert isinstance(step.constants, Conv2DConstants)
    assert step.constants.input_offset != 128
    assert refuses(conv_2d.match, step)


@pytest.mark.parametrize("stride", [(2, 2), (2, 3), (3, 2)])
def test_pools_leave_no_column_out(stride: tuple[int, int]) -> None:
    model, last = conv_and_pool(np.random.default_rng(1), pool_stride=stride)
    step = only_step(model.build([0], [last]))
    assert refuses(conv_2d.match, step) == (stride[1] != 2)


def test_each_array_of_weights_begins_with_its_own_channels_outputs_at_rest() -> None:
    """260 channels: 248 in the first array, 12 in the second."""
    content = fully_connected(np.random.default_rng(2), (1, 5), 5, 260)
    found = taken(conv_2d.match, only_step(content)).constants
    assert isinstance(found, AvrConv2DConstants)
    rest = infer(content, np.full((1, 5), -128, np.int8)).ravel()
    assert found.part_channels == 248
    first, second = (part.view(np.int8) for part in found.weights)
    assert first[:248].tolist() == rest[:248].tolist()
    assert second[:12].tolist() == rest[248:].tolist()


def test_both_pixels_of_a_pair_are_written_before_the_seconds_inputs_are_dead() -> None:
    """2 channels to 2: both are 4 bytes, of which the first pixel's window still needs the first.

    3 channels to 2: the second pair's inputs begin at 6, its outputs end at 8.
    """
    for channels, distance in ((2, 4), (3, 4)):
        content, _ = convolution(np.random.default_rng(3), (3, 8, channels), 2, (1, 1))
        assert taken(conv_2d_pair.match, only_step(content)).overlaps == (distance,)


@pytest.mark.parametrize(("kernel", "refused"), [((15, 17), False), ((16, 16), True)])
def test_averages_are_of_255_inputs_at_most(kernel: tuple[int, int], refused: bool) -> None:
    content, _ = average_pool(np.random.default_rng(4), (30, 40, 2), kernel, stride=(3, 3),
                              padding=SAME)  # fmt: skip
    assert refuses(average_pool_2d.match, only_step(content)) == refused


@pytest.mark.parametrize(
    ("offset", "minimum", "relu"), [(-128, -128, 1), (5, 5, 1), (5, 9, 1), (5, 4, 0), (5, -128, 0)]
)
def test_a_minimum_from_the_zero_point_on_is_a_relu(offset: int, minimum: int, relu: int) -> None:
    nothing: Any = np.zeros(1)
    found = LimitsConstants.of(OutputConstants(offset, minimum, 127, nothing, nothing, nothing))
    assert (found.offset, found.minimum, found.maximum) == (offset + 128, minimum + 128, 255)
    assert found.relu == relu


def test_a_mean_whose_rows_come_one_by_one_stays_portable() -> None:
    large, small = (moving.mean((1, side, 30, 1), (1, 2)) for side in (30, 1))
    assert refuses(mean.match, only_step(large))
    assert not refuses(mean.match, only_step(small))


def test_a_softmaxs_numbers_are_the_portable_kernels_to_half_a_unit() -> None:
    content = softmax((1, 10), 0.07)
    portable, made = constants_of(content), taken(avr_softmax.match, only_step(content)).constants
    assert isinstance(made, AvrSoftmaxConstants)
    exact = [
        exp_negative(requantize(-d, portable.multiplier, portable.shift))
        for d in range(made.large + made.small)
    ]
    assert made.exponentials.tolist() == exact[: made.large]
    far = np.abs(made.terms.astype(np.int64) * 2**12 - np.array(exact[made.large :]))
    assert made.small > 50
    assert far.max() <= 2**11


def test_size_takes_the_small_kernel_and_speed_the_fast_one() -> None:
    many = fully_connected(np.random.default_rng(0), (1, 100), 100, 64)
    for goal, kernel in ((Goal.SPEED, "avr_conv_2d"), (Goal.SIZE, "avr_conv_2d_pair")):
        (step,) = compiled(many, goal).program.steps
        assert step.kernel.name == kernel


@pytest.mark.parametrize("architecture", ["avr5", "avr6"])
def test_a_layer_says_which_kernel_was_chosen_for_all_and_by_what(architecture: str) -> None:
    many = fully_connected(np.random.default_rng(0), (1, 100), 100, 64)
    (step,) = compiled(many, architecture=architecture).program.steps
    name = "one small kernel for all layers with weights"
    (choice,) = (decision for decision in step.decisions if decision.name == name)
    assert not choice
    assert choice.detail.startswith("about ")


def test_a_layer_that_moves_bytes_alone_is_no_convolution() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((1, 4), 0.1, 0)
    model.operator("RELU", [first], [last])
    step = only_step(model.build([first], [last]))
    for match in (conv_2d.match, conv_2d_pair.match):
        assert refuses(match, step)
        assert by(match, step).decisions[-1].name == "it is a convolution or dense"


@pytest.mark.parametrize("edge", ["padding_top", "padding_left"])
def test_pools_have_padding_on_no_side(edge: str) -> None:
    model, last = conv_and_pool(np.random.default_rng(1))
    step = only_step(model.build([0], [last]))
    fused = step.constants
    assert isinstance(fused, Conv2DMaxPool2DConstants)
    assert not refuses(conv_2d.match, step)
    padded = replace(fused, pool=replace(fused.pool, **{edge: 1}))
    assert refuses(conv_2d.match, replace(step, constants=padded))


@pytest.mark.parametrize(("stride", "last"), [(1, 5), (2, 5)])
def test_the_last_window_inside_ends_with_the_input(stride: int, last: int) -> None:
    content, _ = convolution(np.random.default_rng(5), (8, 8, 2), 4, (3, 3), stride=(stride,) * 2)
    found = taken(conv_2d.match, only_step(content)).constants
    assert isinstance(found, AvrConv2DConstants)
    assert found.last_inside == last
