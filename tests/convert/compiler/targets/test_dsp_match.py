"""How far a DSP kernel's output may lie over its input, and what each layer gets for each goal."""

import numpy as np
import pytest

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.dsp import add, depthwise_conv_2d, depthwise_conv_2d_pair
from glyphite.convert.compiler.targets.dsp.add import OPERANDS, DspAddConstants, factors, reference
from glyphite.convert.compiler.targets.dsp.target import forms, select
from glyphite.convert.compiler.targets.epilogue import epilogue_of
from glyphite.convert.compiler.targets.portable.arithmetic import (
    ADD,
    SUB,
    ArithmeticConstants,
    OperandConstants,
)
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected
from tests.builders.kernels import RECTIFIED, constants_of, only_step, taken
from tests.builders.models import SAME, ModelBuilder, hard_inputs
from tests.builders.moving import mean
from tests.builders.oracle import UNDEFINED_TRAPS
from tests.builders.windows import conv_2d, depthwise

CORTEX_M4 = "armv7e-m"
FLAGS = ("-shared", "-fPIC", "-O1", *UNDEFINED_TRAPS)


def compiled(content: bytes, goal: Goal = Goal.SPEED, architecture: str = CORTEX_M4) -> Compiled:
    return compile_model(content, "dsp", architecture=architecture, goal=goal)


def kernel(made: Compiled) -> str:
    (step,) = made.program.steps
    return step.kernel.name


def gives_tflms_bytes(content: bytes, made: Compiled) -> bool:
    graph = made.program.graph
    tensors = hard_inputs(np.random.default_rng(1), graph.tensors[graph.inputs[0]].shape, 6)
    found = SharedModel(made, FLAGS).infer(tensors).reshape(-1)
    return np.array_equal(found, infer(content, tensors).reshape(-1))


def test_of_several_input_vectors_none_is_written_over_before_it_is_read() -> None:
    """Outputs of 16 bytes over inputs of 8: the first would reach into the third."""
    content = fully_connected(np.random.default_rng(0), (1, 4, 8), 8, 16)
    made = compiled(content, Goal.SIZE)
    assert kernel(made) == "dsp_fully_connected"
    assert gives_tflms_bytes(content, made)


def test_winograds_second_row_is_not_written_over_inputs_that_are_still_read() -> None:
    """Rows of 12 tiles, which are not all computed at once."""
    rng = np.random.default_rng(1)
    content, _ = conv_2d(rng, (8, 24, 4), 4, (3, 3), padding=SAME, **RECTIFIED)
    made = compiled(content)
    assert kernel(made) == "dsp_conv_2d_winograd"
    assert gives_tflms_bytes(content, made)


@pytest.mark.parametrize("match", [depthwise_conv_2d.match, depthwise_conv_2d_pair.match])
def test_a_depthwise_layer_is_written_two_rows_behind_what_it_reads(match: object) -> None:
    """Four channels at a time, so that no row is dead before all of it is read."""
    content, _ = depthwise(np.random.default_rng(2), (6, 6, 8), (3, 3), padding=SAME)
    portable = only_step(content)
    (known,), (found,) = portable.overlaps, taken(match, portable).overlaps  # type: ignore[arg-type]
    assert known is not None
    assert found == known + 2 * 6 * 8


def test_an_image_lies_apart_from_its_input() -> None:
    """Four channels of all rows are read before the next four are."""
    for seed in range(8):
        content, _ = depthwise(np.random.default_rng(seed), (6, 6, 8), (3, 3), padding=SAME,
                               **RECTIFIED)  # fmt: skip
        made = compiled(content)
        if kernel(made) == "dsp_depthwise_conv_2d_image":
            scratch = made.program.steps[0].scratch_bytes
            assert made.arena_bytes == 2 * 6 * 6 * 8 + scratch
            assert gives_tflms_bytes(content, made)
            return
    pytest.fail("no drawn layer went by images")


def test_the_ends_of_a_layers_sums_are_those_of_its_inputs_worst_bytes() -> None:
    """Each weight meets -128 or 127, whichever makes the sum less, or greater."""
    layer = constants_of(conv_2d(np.random.default_rng(5), (1, 1, 5), 4, (1, 1))[0])
    products = layer.weights.reshape(4, 5, 1).astype(int) * (
        np.array([-128, 127]) + layer.input_offset
    )
    found = epilogue_of(layer)
    np.testing.assert_array_equal(found.lowest, layer.output.bias + products.min(axis=2).sum(1))
    np.testing.assert_array_equal(found.highest, layer.output.bias + products.max(axis=2).sum(1))


def sum_of_two(shape: tuple[int, ...]) -> bytes:
    model = ModelBuilder()
    source, last = model.tensor(shape, 0.05, 3), model.tensor(shape, 0.09, -4)
    model.operator("ADD", [source, source], [last], "AddOptions")
    return model.build([source], [last])


def test_a_row_of_a_sum_has_the_values_of_a_row() -> None:
    (form,), _ = forms(only_step(sum_of_two((1, 5, 6, 4))))
    assert form.kernel is add.KERNEL
    assert isinstance(form.constants, DspAddConstants)
    assert form.constants.count == 6 * 4


@pytest.mark.parametrize("operation", [ADD, SUB])
def test_one_plane_gives_the_bytes_of_all_pairs(operation: str) -> None:
    left, right, out = (quantize_multiplier(scale) for scale in (0.43, 0.5, 0.55 / 2**19))
    layer = ArithmeticConstants(
        operation, 1, 1, 4,
        OperandConstants(4, 4, 1, 7, *left), OperandConstants(4, 4, 1, -3, *right),
        *out, offset=-5, minimum=-128, maximum=127,
    )  # fmt: skip
    subtract = operation == SUB
    found = factors(layer, subtract=subtract)
    assert found is not None
    plane = OPERANDS[:, None] * found.left + OPERANDS * found.right + found.addend
    clipped = np.clip(plane >> found.shift, -128, 127)
    np.testing.assert_array_equal(clipped, reference(layer, subtract=subtract))
    assert found.left > 0
    assert (found.right < 0) == subtract


def _selected(content: bytes, goal: Goal) -> Step:
    (step,) = select([only_step(content)], goal)
    return step


def test_a_mean_over_rows_takes_them_whole_where_memory_does_not_decide() -> None:
    """So that its sums are in registers."""
    content = mean((1, 30, 4, 2), (1, 2))
    assert _selected(content, Goal.RAM).rows is not None
    assert _selected(content, Goal.SPEED).rows is None
    pool = sum_of_two((1, 5, 6, 4))
    assert _selected(pool, Goal.SPEED).kernel is add.KERNEL


@pytest.mark.parametrize("architecture", ["armv7e-m", "armv8-m.main"])
@pytest.mark.parametrize("stream_input", [False, True])
def test_for_the_least_arena_a_layer_gets_a_kernel_that_fits(
    architecture: str, stream_input: bool
) -> None:
    """A dense layer's input may die as it is copied; behind a wide one there is room."""
    rng = np.random.default_rng(3)
    model = ModelBuilder()
    source = model.tensor((1, 64), 0.02, 3)
    for count, channels in ((64, 200), (200, 8), (8, 4)):
        values = np.clip(rng.integers(-128, 128, (channels, count)), -127, 127).astype(np.int8)
        inputs = [source, model.weights(values, 0.01), -1]
        source = model.tensor((1, channels), 0.02 * count**0.5, 5)
        model.operator("FULLY_CONNECTED", inputs, [source], "FullyConnectedOptions", version=4)
    content = model.build([0], [source])
    made = compile_model(content, "least", architecture=architecture, goal=Goal.RAM,
                         stream_input=stream_input)  # fmt: skip
    portable = compile_model(content, "least", stream_input=stream_input)
    assert made.program.steps[-1].kernel.name == "dsp_fully_connected"
    assert made.arena_bytes == portable.arena_bytes


def test_constants_are_counted_as_they_are_laid_out() -> None:
    """Winograd's weights are 3.6 times as large."""
    content, _ = conv_2d(np.random.default_rng(1), (8, 8, 8), 8, (3, 3), padding=SAME, **RECTIFIED)
    made = compiled(content)
    assert kernel(made) == "dsp_conv_2d_winograd"
    assert made.constant_bytes > 3 * compiled(content, architecture="").constant_bytes
