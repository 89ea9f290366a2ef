"""The AVR kernels against TFLM's bytes, on emulated chips with 32 and 256 KB of flash."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.fixed_point import multiply_high
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.avr import conv_2d as avr_conv_2d
from glyphite.convert.compiler.targets.avr import conv_2d_pair
from glyphite.convert.compiler.targets.avr.channels import LARGEST_ARRAY
from glyphite.convert.compiler.targets.avr.conv_2d import AvrConv2DConstants
from glyphite.convert.compiler.targets.avr.conv_2d_pair import AvrConv2DPairConstants
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected
from tests.builders.kernels import constants_of, only_step, refuses, taken
from tests.builders.models import NONE, RELU, RELU6, SAME, VALID, ModelBuilder, hard_inputs
from tests.builders.windows import Model, conv_2d, pooled
from tests.firmware.avr_program import CHIPS, FLAGS, AvrProgram, chip
from tests.firmware.kernel_program import SOURCES
from tests.strict import absent


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chip(tmp_path_factory.mktemp("avr"))


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "avr-gcc")
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent("libsimavr-dev is not installed.")


Match = Callable[[Step], Step | Refusal]
KERNELS: list[Match] = [avr_conv_2d.match, conv_2d_pair.match]


def kernel_name(match: Match) -> str:
    return match.__module__.rpartition(".")[2]


def check(
    folder: Path,
    emulator: Path,
    model: Model,
    rng: np.random.Generator,
    mcu: str,
    *,
    match: Match = avr_conv_2d.match,
) -> tuple[Step, float]:
    """The kernel gives TFLM's bytes; the step, and the most cycles for each MAC."""
    content, shape = model
    found = taken(match, only_step(content))
    inputs = hard_inputs(rng, shape, 2)
    expected = infer(content, inputs).reshape(len(inputs), -1)
    outputs, cycles = AvrProgram(folder, found, inputs, expected.shape[1]).run(emulator, mcu)
    np.testing.assert_array_equal(outputs, expected)
    return found, cycles.max() / found.macs


def padded(
    rng: np.random.Generator,
    source: tuple[int, int, int],
    stride: tuple[int, int],
    *,
    lowest: bool,
) -> Model:
    """A padded convolution whose input's zero point is -128, or is not."""
    while True:
        model = conv_2d(rng, source, 6, (3, 4), stride=stride, padding=SAME, activation=RELU)
        if (constants_of(model[0]).input_offset == 128) == lowest:
            return model


GEOMETRIES: list[dict[str, Any]] = [
    {"source": (6, 9, 4), "channels": 6, "kernel": (3, 3)},
    {"source": (9, 11, 1), "channels": 11, "kernel": (5, 4), "stride": (2, 2)},
    {"source": (7, 8, 3), "channels": 5, "kernel": (3, 2), "stride": (1, 3)},
    {"source": (9, 5, 8), "channels": 3, "kernel": (3, 2), "dilation": (2, 1)},
    {"source": (4, 5, 12), "channels": 17, "kernel": (1, 1)},
    {"source": (3, 3, 80), "channels": 4, "kernel": (3, 3)},
    {"source": (6, 6, 2), "channels": 1, "kernel": (2, 6)},
    {"source": (9, 8, 1), "channels": 3, "kernel": (3, 3), "stride": (2, 2)},
]


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize("activation", [NONE, RELU, RELU6])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: "x".join(map(str, g["source"])))
@pytest.mark.parametrize("match", KERNELS, ids=kernel_name)
def test_convolution_of_any_geometry_gives_tflms_bytes(
    tmp_path: Path,
    emulator: Path,
    *,
    match: Match,
    geometry: dict[str, Any],
    activation: int,
    mcu: str,
) -> None:
    rng = np.random.default_rng([activation, *geometry["source"]])
    model = conv_2d(rng, activation=activation, padding=VALID, **geometry)
    check(tmp_path, emulator, model, rng, mcu, match=match)


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize("source", [(7, 8, 4), (6, 5, 9), (5, 9, 1)])
def test_padding_counts_as_zero_where_the_input_begins_at_its_zero_point(
    tmp_path: Path, emulator: Path, source: tuple[int, int, int], mcu: str
) -> None:
    rng = np.random.default_rng(source[1])
    for stride in ((1, 1), (2, 2)):
        model = padded(rng, source, stride, lowest=True)
        check(tmp_path, emulator, model, rng, mcu)


@pytest.mark.parametrize("lowest", [False, True])
def test_padded_windows_are_not_for_pairs(lowest: bool) -> None:
    content, _ = padded(np.random.default_rng(0), (6, 6, 2), (1, 1), lowest=lowest)
    assert refuses(conv_2d_pair.match, only_step(content))


def test_padding_of_any_other_zero_point_stays_with_the_portable_kernel() -> None:
    content, _ = padded(np.random.default_rng(0), (6, 6, 2), (1, 1), lowest=False)
    assert refuses(avr_conv_2d.match, only_step(content))


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize("source", [(8, 8, 8), (7, 9, 3), (6, 11, 1), (9, 6, 5)])
@pytest.mark.parametrize("activation", [NONE, RELU])
def test_pooling_takes_the_largest_sum(
    tmp_path: Path, emulator: Path, source: tuple[int, int, int], activation: int, mcu: str
) -> None:
    rng = np.random.default_rng([activation, *source])
    model = pooled(rng, source, sum(source) % 13 + 1, activation=activation)
    check(tmp_path, emulator, model, rng, mcu)


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize(("inputs", "channels"), [(320, 10), (64, 1), (255, 3), (256, 4), (511, 7)])
def test_fully_connected_of_any_length_gives_tflms_bytes(
    tmp_path: Path, emulator: Path, inputs: int, channels: int, mcu: str
) -> None:
    rng = np.random.default_rng(inputs)
    content = fully_connected(rng, (1, inputs), inputs, channels)
    for match in KERNELS[: 2 if inputs <= 255 else 1]:
        check(tmp_path, emulator, (content, (1, inputs)), rng, mcu, match=match)


def test_weights_of_more_than_an_array_are_split_and_read_beyond_64_kilobytes(
    tmp_path: Path, emulator: Path
) -> None:
    rng = np.random.default_rng(5)
    content = fully_connected(rng, (1, 600), 600, 120, activation=RELU)
    step, _ = check(tmp_path, emulator, (content, (1, 600)), rng, "atmega2560")
    assert isinstance(step.constants, AvrConv2DConstants)
    assert [len(part) <= LARGEST_ARRAY for part in step.constants.weights] == [True] * 3


def with_weights(content: bytes, weights: NDArray[np.int8]) -> bytes:
    """The same model with other weights."""
    before = constants_of(content).weights.tobytes()
    assert content.count(before) == 1
    return content.replace(before, weights.tobytes())


@pytest.mark.parametrize("mcu", CHIPS)
def test_sums_at_the_very_end_of_24_bits_are_exact(
    tmp_path: Path, emulator: Path, mcu: str
) -> None:
    """258 products of 127 and 255 are 8,355,330; 2^23 is 8,388,608."""
    content = fully_connected(np.random.default_rng(7), (1, 258), 258, 9)
    ends = np.where(np.arange(9)[:, None] % 2, 127, -127).repeat(258, axis=1).astype(np.int8)
    model = with_weights(content, ends), (1, 258)
    check(tmp_path, emulator, model, np.random.default_rng(7), mcu)


def two_weights(bias: list[int]) -> bytes:
    """Fully connected: two weights of 127 or -127 for each bias, and inputs as they are."""
    model = ModelBuilder()
    weights = np.where(np.arange(len(bias))[:, None] % 2, -127, 127).repeat(2, axis=1)
    inputs = [model.tensor((1, 2), 0.5), model.weights(weights.astype(np.int8), 0.5)]
    inputs.append(model.bias(np.array(bias, np.int32)))
    output = model.tensor((1, len(bias)), 64.0)
    model.operator("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions", version=4)
    return model.build([0], [output])


@pytest.mark.parametrize("mcu", CHIPS)
def test_sums_are_of_16_bits_just_where_no_input_can_leave_them(
    tmp_path: Path, emulator: Path, mcu: str
) -> None:
    """Two inputs of -128 make -32,512 of weights of 127: 255 more is the most."""
    content = two_weights([-255, 255, -256, 256, 509, -509, 510, -510])
    step = taken(conv_2d_pair.match, only_step(content))
    assert isinstance(step.constants, AvrConv2DPairConstants)
    narrow = step.constants.weights.reshape(8, -1)[:, 0].tolist()
    assert narrow == [1, 1, 0, 0, 1, 1, 0, 0]
    inputs = np.array([[a, b] for a in (-128, -127, 0, 127) for b in (-128, 1, 127)], np.int8)
    outputs, _ = AvrProgram(tmp_path, step, inputs, 8).run(emulator, mcu)
    np.testing.assert_array_equal(outputs, infer(content, inputs).reshape(-1, 8))


@pytest.mark.parametrize("match", KERNELS, ids=kernel_name)
def test_halves_are_rounded_as_tflm_rounds_them_on_either_side_of_zero(
    tmp_path: Path, emulator: Path, match: Match
) -> None:
    """Where the factor is a power of two, every odd sum is a half for the first rounding."""
    model = ModelBuilder()
    inputs = [model.tensor((1, 1), 0.5), model.weights(np.ones((4, 1), np.int8), 0.5)]
    inputs.append(model.bias(np.array([0, -256, -1023, 513], np.int32)))
    output = model.tensor((1, 4), 16.0, 3)
    model.operator("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions", version=4)
    content = model.build([0], [output])
    step = taken(match, only_step(content))
    tensors = np.arange(-128, 128, dtype=np.int8)[:, None]
    outputs, _ = AvrProgram(tmp_path, step, tensors, 4).run(emulator, "atmega328p")
    np.testing.assert_array_equal(outputs, infer(content, tensors).reshape(-1, 4))


def test_sums_that_can_leave_24_bits_stay_with_the_portable_kernel() -> None:
    content = fully_connected(np.random.default_rng(7), (1, 270), 270, 4)
    weights = np.zeros((4, 270), np.int8)
    for count, fits in ((256, True), (260, False)):
        weights[2, :count] = 127
        assert refuses(avr_conv_2d.match, only_step(with_weights(content, weights))) != fits


def test_groups_are_of_eight_channels_and_of_four_at_the_end() -> None:
    """Weights lie input by input, each + 128; the constants of a group's channels follow them.

    Before it all, where the window is small: the outputs for a window of zeros.
    """
    content = fully_connected(np.random.default_rng(2), (1, 5), 5, 11)
    step = only_step(content)
    found = taken(avr_conv_2d.match, step).constants
    assert isinstance(found, AvrConv2DConstants)
    (stream,) = found.weights
    assert found.rests == 1
    rest, stream = stream[:11].view(np.int8), stream[11:]
    assert rest.tolist() == infer(content, np.full((1, 5), -128, np.int8)).ravel().tolist()
    assert len(stream) == 5 * 8 + 8 * 8 + 5 * 4 + 3 * 8
    portable = constants_of(content)
    weights = portable.weights.reshape(11, 5).astype(int) + 128
    assert stream[:40].reshape(5, 8).tolist() == weights[:8].T.tolist()
    last = stream[40 + 64 :][:20].reshape(5, 4)
    assert last[:, :3].tolist() == weights[8:].T.tolist()
    shift = -int(portable.output.shift[8])
    assert stream[40 + 64 + 20 + 7] == shift


@pytest.mark.parametrize("mcu", CHIPS)
def test_a_background_of_zeros_is_quick_and_gives_tflms_bytes(
    tmp_path: Path, emulator: Path, mcu: str
) -> None:
    rng = np.random.default_rng(8)
    content, shape = conv_2d(rng, (9, 9, 1), 18, (3, 3), padding=VALID)
    step = taken(avr_conv_2d.match, only_step(content))
    inputs = np.full((2, *shape[1:]), -128, np.int8)
    inputs[1, 4:6, 4:6] = [[[127], [-127]], [[0], [1]]]
    outputs, cycles = AvrProgram(tmp_path, step, inputs, 7 * 7 * 18).run(emulator, mcu)
    np.testing.assert_array_equal(outputs, infer(content, inputs).reshape(2, -1))
    assert 49 * 18 * 8 < cycles[0] < 49 * (18 * 9 + 600) < cycles[1]


MULTIPLY = """
#include <avr/io.h>
#include "kernels/avr/multiply_high.h"

static int32_t number(void) {
    uint32_t value = 0;
    for (uint8_t i = 0; i < 4; i++) {
        value = value >> 8 | (uint32_t)GPIOR1 << 24;
    }
    return (int32_t)value;
}

int main(void) {
    for (uint16_t i = 0; i < PAIRS; i++) {
        const int32_t a = number(), b = number();
        const uint32_t product = (uint32_t)glyphite_multiply_high(a, b);
        for (uint8_t byte = 0; byte < 32; byte = (uint8_t)(byte + 8)) {
            GPIOR1 = (uint8_t)(product >> byte);
        }
    }
    GPIOR0 = 3;
    return 0;
}
"""


def test_the_product_of_two_fractions_is_that_of_the_portable_code(
    tmp_path: Path, emulator: Path
) -> None:
    ends = [-(2**31) + 1, -(2**31), 2**31 - 1, -1, 0, 1, 2**30, -(2**30), 2**16, -(2**16)]
    drawn = np.random.default_rng(0).integers(-(2**31), 2**31, (2000, 2)).tolist()
    pairs = [(a, b) for a in ends for b in ends if a + b != -(2**32)] + drawn
    source, program = tmp_path / "multiply.c", tmp_path / "multiply.elf"
    source.write_text(MULTIPLY)
    flags = [*FLAGS, f"-I{SOURCES}", f"-DPAIRS={len(pairs)}", "-mmcu=atmega328p"]
    command = ["avr-gcc", *flags, str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    done = subprocess.run(
        [str(emulator), "atmega328p", str(program)], input=np.array(pairs, np.int32).tobytes(),
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    found = np.frombuffer(done.stdout, np.int32)
    assert found.tolist() == [multiply_high(a, b) for a, b in pairs]
