"""The DSP kernels against TFLM's bytes: in C under sanitizers, and on an emulated Cortex-M4."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.dsp import (
    add,
    conv_2d_max_pool_2d,
    conv_2d_max_pool_2d_plane,
    conv_2d_max_pool_2d_winograd,
    conv_2d_winograd,
    depthwise_conv_2d,
    depthwise_conv_2d_image,
    depthwise_conv_2d_pair,
)
from glyphite.convert.compiler.targets.dsp import conv_2d as dsp_conv_2d
from glyphite.convert.compiler.targets.dsp import fully_connected as dsp_fully_connected
from glyphite.convert.compiler.targets.dsp.add import OPERANDS, reference
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.depthwise_conv_2d import DepthwiseConv2DConstants
from glyphite.host.runners.tflm import infer
from tests.builders.arithmetic import EVERY_VALUE, binary
from tests.builders.dense import fully_connected
from tests.builders.kernels import (
    RECTIFIED,
    Match,
    constants_of,
    conv_of,
    narrow_weights,
    only_step,
    refuses,
    taken,
)
from tests.builders.models import NONE, RELU, SAME, VALID, ModelBuilder, hard_inputs
from tests.builders.windows import Model, conv_2d, depthwise, pooled
from tests.firmware.kernel_program import KernelProgram


def check(
    folder: Path, model: Model, match: Match, rng: np.random.Generator, *flags: str
) -> tuple[Step, NDArray[np.int64]]:
    """Both builds give TFLM's bytes; the step by the kernel, and instructions an input.

    Where ``flags`` are given for the Cortex-M4, the build for this PC is left to other tests.
    """
    content, shape = model
    step = taken(match, only_step(content))
    inputs = hard_inputs(rng, shape, 2)
    expected = infer(content, inputs).reshape(len(inputs), -1)
    arguments = "input, output, scratch" if step.scratch_bytes else "input, output"
    program = KernelProgram(folder, step, inputs, expected.shape[1], arguments)
    if not flags:
        np.testing.assert_array_equal(program.native(), expected)
    found, instructions = program.emulated(*flags)
    np.testing.assert_array_equal(found, expected)
    return step, instructions


def by_pairs_or_rows(step: Step, layer: DepthwiseConv2DConstants) -> Step | Refusal:
    """By pairs of rows where they can be made, else by single rows."""
    pairs = depthwise_conv_2d_pair.match(step, layer)
    return depthwise_conv_2d.match(step, layer) if isinstance(pairs, Refusal) else pairs


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")


GEOMETRIES: list[dict[str, Any]] = [
    {"source": (6, 9, 4), "channels": 6, "kernel": (3, 3), "padding": SAME},
    {"source": (7, 8, 3), "channels": 5, "kernel": (3, 3), "stride": (2, 2), "padding": SAME},
    {"source": (9, 7, 1), "channels": 4, "kernel": (5, 2), "stride": (1, 2), "padding": SAME},
    {"source": (9, 11, 8), "channels": 3, "kernel": (3, 2), "dilation": (2, 3), "padding": SAME},
    {"source": (4, 5, 12), "channels": 7, "kernel": (1, 1), "padding": VALID},
    {"source": (5, 3, 6), "channels": 2, "kernel": (3, 3), "padding": VALID},
    {"source": (6, 6, 2), "channels": 1, "kernel": (2, 6), "padding": VALID},
    {"source": (6, 9, 5), "channels": 4, "kernel": (2, 3), "dilation": (1, 2), "padding": SAME},
    {"source": (12, 6, 1), "channels": 4, "kernel": (10, 4), "stride": (2, 2), "padding": SAME},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: "x".join(map(str, g["source"])))
def test_convolution_of_any_geometry_gives_tflms_bytes(
    tmp_path: Path, geometry: dict[str, Any]
) -> None:
    rng = np.random.default_rng([*geometry["source"]])
    activation = (NONE, RELU)[GEOMETRIES.index(geometry) % 2]
    content, shape = conv_2d(rng, activation=activation, **geometry)
    check(tmp_path, (narrow_weights(content), shape), dsp_conv_2d.match, rng)


def test_weights_of_minus_128_take_the_wide_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    content, shape = conv_2d(rng, (5, 5, 8), 12, (3, 3), padding=SAME, activation=RELU)
    step, _ = check(tmp_path, (content, shape), dsp_conv_2d.match, rng)
    assert conv_of(step).inputs.wide == 1


def test_sums_too_large_for_eight_fraction_bits_take_fewer(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    content, shape = conv_2d(rng, (3, 3, 256), 2, (3, 3), activation=NONE)
    content = narrow_weights(content)
    content = content.replace(constants_of(content).weights.tobytes(), b"\x7f" * 4608)
    step, _ = check(tmp_path, (content, shape), dsp_conv_2d.match, rng)
    assert conv_of(step).inputs.wide == 1
    assert conv_of(step).requantize.fraction_bits < 8


def test_halves_of_negative_numbers_round_as_in_tflm_where_no_line_is_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value of int8 times a quarter: each second one of the first rounding is a tie."""
    monkeypatch.setattr(
        "glyphite.convert.compiler.targets.dsp.requantize._line_of_any_scale", lambda *_: None
    )
    model = ModelBuilder()
    model.tensor((1, 8, 8, 4), 0.5, 0)
    model.weights(np.eye(4, dtype=np.int8).reshape(4, 1, 1, 4), [0.5] * 4)
    last = model.tensor((1, 8, 8, 4), 1.0, 0)
    one = dict.fromkeys(("strideH", "strideW", "dilationHFactor", "dilationWFactor"), 1)
    model.operator("CONV_2D", [0, 1], [last], "Conv2DOptions", version=3, **one)
    content = model.build([0], [last]), (1, 8, 8, 4)
    step, _ = check(tmp_path, content, dsp_conv_2d.match, np.random.default_rng(0))
    assert conv_of(step).requantize.proven == 0


@pytest.mark.parametrize(
    ("source", "channels", "padding", "stride"),
    [((8, 9, 4), 6, VALID, 1), ((9, 8, 3), 5, SAME, 1), ((12, 11, 8), 4, SAME, 2)],
)
def test_convolution_with_pooling_gives_tflms_bytes(
    tmp_path: Path, source: tuple[int, int, int], channels: int, padding: int, stride: int
) -> None:
    rng = np.random.default_rng(channels)
    model = pooled(rng, source, channels, padding=padding, stride=stride)
    check(tmp_path, model, conv_2d_max_pool_2d.match, rng)


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_a_plane_of_one_channel_gives_tflms_bytes(tmp_path: Path, padding: int) -> None:
    rng = np.random.default_rng(padding)
    model = pooled(rng, (9, 10, 1), 7, padding=padding)
    check(tmp_path, model, conv_2d_max_pool_2d_plane.match, rng)


@pytest.mark.parametrize(
    ("source", "padding", "activation"),
    [((6, 8, 8), SAME, NONE), ((7, 9, 4), SAME, RELU), ((5, 7, 12), VALID, RELU)],
)
def test_winograd_gives_tflms_bytes(
    tmp_path: Path, source: tuple[int, int, int], padding: int, activation: int
) -> None:
    rng = np.random.default_rng([activation, *source])
    content, shape = conv_2d(rng, source, 6, (3, 3), padding=padding, activation=activation)
    check(tmp_path, (content, shape), conv_2d_winograd.match, rng)


def test_winograd_with_pooling_gives_tflms_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    check(tmp_path, pooled(rng, (9, 13, 8), 6), conv_2d_max_pool_2d_winograd.match, rng)


def test_winograd_of_extreme_weights_gives_tflms_bytes(tmp_path: Path) -> None:
    """Transformed weights reach 9 * 128, in either direction, where filters are all extreme."""
    rng = np.random.default_rng(9)
    content, shape = conv_2d(rng, (6, 6, 8), 2, (3, 3), padding=SAME)
    weights = constants_of(content).weights.tobytes()
    content = content.replace(weights, b"\x80" * 72 + b"\x7f\x81" * 36)
    check(tmp_path, (content, shape), conv_2d_winograd.match, rng)


@pytest.mark.parametrize(
    ("shape", "count", "channels", "activation"),
    [((1, 40), 40, 9, NONE), ((1, 3, 7), 7, 4, RELU)],
)
def test_fully_connected_gives_tflms_bytes(
    tmp_path: Path, shape: tuple[int, ...], count: int, channels: int, activation: int
) -> None:
    rng = np.random.default_rng([activation, count])
    content = fully_connected(rng, shape, count, channels, activation=activation)
    check(tmp_path, (narrow_weights(content), shape), dsp_fully_connected.match, rng)


@pytest.mark.parametrize(("shape", "count"), [((1, 40), 40), ((1, 5, 7), 7)])
def test_fully_connected_of_wide_weights_gives_tflms_bytes(
    tmp_path: Path, shape: tuple[int, ...], count: int
) -> None:
    """Weights of -128, and a bias that leaves no room for eight fraction bits."""
    content = fully_connected(np.random.default_rng(3), shape, count, 6, activation=RELU)
    dense = constants_of(content)
    bias = dense.output.bias
    content = content.replace(bias.tobytes(), np.full_like(bias, 2**23).tobytes())
    content = content.replace(dense.weights.tobytes(), b"\x80" * dense.weights.size)
    assert refuses(dsp_fully_connected.match, only_step(content))
    rng = np.random.default_rng(4)
    check(tmp_path, (content, shape), dsp_fully_connected.match_wide, rng)


@pytest.mark.parametrize(
    ("source", "stride", "padding", "activation"),
    [
        ((6, 5, 8), (1, 1), SAME, NONE),
        ((7, 6, 4), (1, 1), VALID, RELU),
        ((5, 9, 4), (1, 2), SAME, RELU),
        ((8, 8, 12), (2, 2), SAME, NONE),
        ((9, 7, 4), (2, 1), VALID, RELU),
        ((2, 2, 4), (1, 1), SAME, NONE),
    ],
)
def test_depthwise_convolution_gives_tflms_bytes(
    tmp_path: Path,
    source: tuple[int, int, int],
    stride: tuple[int, int],
    padding: int,
    activation: int,
) -> None:
    """By pairs of output rows where the stride along the height is 1, else row by row."""
    rng = np.random.default_rng([*source, *stride])
    model = depthwise(rng, source, (3, 3), stride=stride, padding=padding, activation=activation)
    step, _ = check(tmp_path, model, by_pairs_or_rows, rng)
    assert step.kernel.name.endswith("_pair") == (stride[0] == 1)


@pytest.mark.parametrize(
    ("source", "stride", "padding"),
    [
        ((6, 5, 8), 1, SAME),
        ((7, 6, 4), 1, VALID),
        ((5, 2, 4), 1, SAME),
        ((4, 1, 4), 1, SAME),
        ((1, 4, 4), 1, SAME),
        ((8, 8, 12), 2, SAME),
        ((9, 7, 4), 2, VALID),
        ((6, 3, 4), 2, VALID),
        ((3, 61, 4), 1, SAME),
    ],
)
def test_depthwise_convolution_by_whole_images_gives_tflms_bytes(
    tmp_path: Path, source: tuple[int, int, int], stride: int, padding: int
) -> None:
    """Odd and even sizes, down to one pixel; rows that end a pair of rows early."""
    rng = np.random.default_rng([*source, stride])
    model = depthwise(rng, source, (3, 3), stride=(stride,) * 2, padding=padding, **RECTIFIED)
    check(tmp_path, model, depthwise_conv_2d_image.match, rng)


def test_images_too_wide_for_the_assembly_give_tflms_bytes_by_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layout leaves them to other kernels; the kernel itself is right all the same."""
    reach = depthwise_conv_2d_image.IMAGE_BELOW
    monkeypatch.setattr(depthwise_conv_2d_image, "IMAGE_BELOW", 2 * reach)
    rng = np.random.default_rng(15)
    for stride in (1, 2):
        model = depthwise(rng, (3, 66, 4), (3, 3), stride=(stride,) * 2, **RECTIFIED)
        check(tmp_path / str(stride), model, depthwise_conv_2d_image.match, rng)
        width = constants_of(model[0]).window.output_width
        assert 16 * ((width - 1) * stride + 3) > reach


def test_whole_images_take_fewer_instructions_than_pairs_of_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(13)
    model = depthwise(rng, (12, 12, 16), (3, 3), padding=SAME, **RECTIFIED)
    step, image = check(tmp_path / "image", model, depthwise_conv_2d_image.match, rng)
    _, pairs = check(tmp_path / "pairs", model, by_pairs_or_rows, rng)
    assert image.max() < 0.8 * pairs.max()
    assert image.max() / step.macs < 2.2


def test_what_whole_images_cannot_do_is_left_to_other_kernels() -> None:
    rng = np.random.default_rng(14)
    wide = depthwise(rng, (3, 62, 4), (3, 3), padding=SAME, **RECTIFIED)
    mixed = depthwise(rng, (6, 6, 4), (3, 3), stride=(1, 2), padding=SAME, **RECTIFIED)
    kinked = depthwise(rng, (6, 6, 4), (3, 3), padding=SAME, activation=NONE)
    for content, _ in (wide, mixed, kinked):
        assert refuses(depthwise_conv_2d_image.match, only_step(content))


@pytest.mark.parametrize("pixels", [3, 4])
@pytest.mark.parametrize(("count", "channels"), [(4, 2), (9, 6), (33, 8), (64, 6), (132, 4)])
def test_blocks_of_three_and_four_pixels_give_tflms_bytes(
    tmp_path: Path, count: int, channels: int, pixels: int
) -> None:
    """One step, fewer than eight, exactly eight behind the first, and more; with pixels left."""

    def blocks(step: Step, conv: Conv2DConstants) -> Step | Refusal:
        found = dsp_conv_2d.match_wide(step, conv)
        assert isinstance(found, Step)
        width = conv_of(found).inputs.window.output_width
        made = replace(conv_of(found), pixels=pixels, rest=width % pixels)
        return replace(found, constants=made, scratch_bytes=32 * (count + 3))

    rng = np.random.default_rng([count, channels])
    while True:  # until the scales allow the simple form
        model = conv_2d(rng, (5, 7, count), channels, (1, 1), **RECTIFIED)
        if conv_of(taken(blocks, only_step(model[0]))).simple:
            break
    step, _ = check(tmp_path, model, blocks, rng)
    assert conv_of(step).simple == 1


@pytest.mark.parametrize(("channels", "stride", "most"), [(1, 1, 2.2), (3, 1, 1.3), (3, 2, 1.3)])
def test_a_first_layer_gives_tflms_bytes_and_reads_rows_where_they_lie(
    tmp_path: Path, channels: int, stride: int, most: float
) -> None:
    """``most`` instructions a MAC, the image's edges among them."""
    rng = np.random.default_rng([channels, stride])
    source = (24, 24, channels)
    model = conv_2d(rng, source, 16, (3, 3), stride=(stride,) * 2, padding=SAME, **RECTIFIED)
    step, instructions = check(tmp_path, model, dsp_conv_2d.match_wide, rng)
    assert instructions.max() / step.macs < most


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
@pytest.mark.parametrize("seed", range(2))
def test_adding_any_pair_of_values_gives_tflms_bytes(tmp_path: Path, kind: str, seed: int) -> None:
    """The table that factors are proven against is TFLM's, and the kernel gives its bytes."""
    rng = np.random.default_rng(seed)
    content, shape = binary(
        rng, kind, (1, 256, 1), (1, 1, 256), activation=(NONE, RELU)[seed], values=EVERY_VALUE
    )
    step = only_step(content)
    layer = constants_of(content)
    table = reference(layer, subtract=kind == "SUB")
    np.testing.assert_array_equal(infer(content, EVERY_VALUE.reshape(shape)).ravel(), table.ravel())
    sides = {
        side: replace(getattr(layer, side), constant=None, row=256, pixel=1, channel=1)
        for side in ("left", "right")
    }
    whole = replace(layer, rows=256, pixels=256, channels=1, **sides)
    made = taken(add.match, replace(step, constants=whole))
    pairs = np.stack(np.meshgrid(OPERANDS, OPERANDS, indexing="ij")).astype(np.int8)
    arguments = "input, input + 65536, output"
    program = KernelProgram(tmp_path, made, pairs[None], 65536, arguments)
    np.testing.assert_array_equal(program.native()[0], table.ravel())
    found, instructions = program.emulated()
    np.testing.assert_array_equal(found[0], table.ravel())
    assert instructions[0] < 9 * 65536


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_kernels_give_the_same_bytes_at_every_level_of_optimization(
    tmp_path: Path, level: str
) -> None:
    """The assembly leaves the compiler the registers that it needs."""
    rng = np.random.default_rng(10)
    check(tmp_path / "conv", pooled(rng, (6, 6, 4), 4), conv_2d_max_pool_2d.match, rng, level)
    check(
        tmp_path / "plane", pooled(rng, (6, 6, 1), 3), conv_2d_max_pool_2d_plane.match, rng, level
    )
    content, shape = conv_2d(rng, (4, 7, 4), 4, (3, 3), padding=SAME)
    check(tmp_path / "winograd", (content, shape), conv_2d_winograd.match, rng, level)
    for stride in (1, 2):
        image = depthwise(rng, (5, 7, 4), (3, 3), stride=(stride,) * 2, **RECTIFIED)
        folder = tmp_path / f"image{stride}"
        check(folder, image, depthwise_conv_2d_image.match, rng, level)
    simple = conv_2d(rng, (3, 5, 40), 4, (1, 1), **RECTIFIED)
    check(tmp_path / "block", simple, dsp_conv_2d.match_wide, rng, level)


@pytest.mark.parametrize(
    ("channels", "kernel", "match", "most"),
    [
        (16, (3, 3), dsp_conv_2d.match, 1.0),
        (64, (1, 1), dsp_conv_2d.match, 1.0),
        (32, (3, 3), conv_2d_winograd.match, 0.53),
    ],
)
def test_kernels_stay_within_their_instructions(
    tmp_path: Path, channels: int, kernel: tuple[int, int], match: Match, most: float
) -> None:
    """``most`` instructions a MAC on 8x8 pixels, as many channels in as out."""
    rng = np.random.default_rng(11)
    source = (8, 8, channels)
    content, shape = conv_2d(rng, source, channels, kernel, padding=SAME, activation=RELU)
    step, instructions = check(tmp_path, (narrow_weights(content), shape), match, rng)
    assert instructions.max() / step.macs < most


def test_what_a_kernel_cannot_do_is_refused_with_a_reason() -> None:
    rng = np.random.default_rng(12)
    for stride in (1, 2):
        step = only_step(conv_2d(rng, (8, 8, 4), 4, (3, 3), stride=(stride, stride))[0])
        assert refuses(conv_2d_winograd.match, step) == (stride == 2)
    odd = only_step(conv_2d(rng, (8, 8, 3), 4, (3, 3))[0])
    assert refuses(conv_2d_winograd.match, odd)
    wide = fully_connected(rng, (1, 8), 8, 4)
    weights = constants_of(wide).weights.tobytes()
    wide = wide.replace(weights, b"\x80" * len(weights))
    assert refuses(dsp_fully_connected.match, only_step(wide))
    large = only_step(fully_connected(rng, (1, 1025), 1025, 2))
    assert refuses(dsp_fully_connected.match_wide, large)
