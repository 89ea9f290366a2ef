"""Whole models compiled for an AVR give TFLM's bytes on the emulated chip."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import TFLITE
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected, softmax
from tests.builders.models import (
    RELU,
    SAME,
    VALID,
    ModelBuilder,
    conv_and_pool,
    hard_inputs,
    random_int8,
)
from tests.builders.moving import mean
from tests.builders.windows import average_pool
from tests.firmware.avr_program import chip
from tests.strict import absent

MAIN = """
#include <avr/io.h>
#include "model.h"

int main(void) {
    for (uint16_t i = 0; i < INPUTS; i++) {
        for (uint16_t at = 0; at < MODEL_INPUT_BYTES; at++) {
            model_input()[at] = (int8_t)GPIOR1;
        }
        GPIOR0 = 1;
        model_invoke();
        GPIOR0 = 2;
        for (uint16_t at = 0; at < MODEL_OUTPUT_BYTES; at++) {
            GPIOR1 = (uint8_t)model_output()[at];
        }
    }
    GPIOR0 = 3;
    return 0;
}
"""

FLAGS = ("-Os", "-std=gnu11", "-flto", "-fuse-linker-plugin", "-Wall", "-Wextra", "-Werror")
"""As the Arduino core builds a sketch."""
CHIPS = {"atmega328p": "avr5", "atmega2560": "avr6"}
"""The chips' architectures, as board files have them."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chip(tmp_path_factory.mktemp("avr"))


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "avr-gcc")
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent("libsimavr-dev is not installed.")


def check(
    folder: Path,
    emulator: Path,
    content: bytes,
    inputs: NDArray[np.int8],
    mcu: str,
    *,
    goal: Goal = Goal.SPEED,
) -> NDArray[np.int64]:
    """The compiled model gives TFLM's bytes; the cycles of each inference."""
    compile_model(content, "model", architecture=CHIPS[mcu], goal=goal).write(folder)
    (folder / "main.c").write_text(MAIN)
    command = ["avr-gcc", *FLAGS, f"-mmcu={mcu}", f"-DINPUTS={len(inputs)}", "model.c", "main.c"]
    subprocess.run([*command, "-o", "model.elf"], cwd=folder, check=True)
    done = subprocess.run(
        [str(emulator), mcu, str(folder / "model.elf")], input=inputs.tobytes(),
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    expected = infer(content, inputs).reshape(len(inputs), -1)
    outputs = np.frombuffer(done.stdout, np.int8).reshape(expected.shape)
    np.testing.assert_array_equal(outputs, expected)
    return np.array(done.stderr.split(), np.int64)


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize("scale", [0.005, 0.1, 0.7, 3.0])
def test_softmax_gives_tflms_bytes(tmp_path: Path, emulator: Path, scale: float, mcu: str) -> None:
    inputs = hard_inputs(np.random.default_rng(0), (1, 10), 20)
    near = inputs // 16  # few differences, so that many exponentials count
    check(tmp_path, emulator, softmax((1, 10), scale), np.concatenate([inputs, near]), mcu)


TELLING = [
    [17, -25, 127, -78, 114, -105, 31, 20, 102, -52],
    [-9, 120, -94, -16, 13, -24, -121, 22, 67, 49],
    [54, -47, 58, -121, -35, 51, 106, -101, 9, -116],
    [-89, 2, 122, -41, 103, 67, 60, 57, 31, 66],
]
"""Of a scale of 0.1: a byte changes where the sum's terms are cut off instead of rounded."""


def test_the_terms_of_a_softmaxs_sum_are_rounded_as_in_tflm(tmp_path: Path, emulator: Path) -> None:
    content = softmax((1, 10), 0.1)
    assert only_kernel(content) == "avr_softmax"
    check(tmp_path, emulator, content, np.array(TELLING, np.int8), "atmega328p")


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_layers_without_a_kernel_of_their_own_run_from_flash(
    tmp_path: Path, emulator: Path, padding: int
) -> None:
    """Padding that is not zero stays with the portable kernel; its constants take no RAM."""
    rng = np.random.default_rng(3)
    model, last = conv_and_pool(rng, padding=padding)
    content = model.build([0], [last])
    shape = compile_model(content, "model").program.graph.tensors[0].shape
    check(tmp_path, emulator, content, hard_inputs(rng, shape, 2), "atmega2560")


def test_the_unos_network_answers_in_130_milliseconds(tmp_path: Path, emulator: Path) -> None:
    content = (MODELS / "uno" / TFLITE).read_bytes()
    inputs = hard_inputs(np.random.default_rng(0), (1, 28, 28, 1), 2)
    cycles = check(tmp_path, emulator, content, inputs, "atmega328p")
    assert cycles.max() < 0.130 * 16e6


def few_channels() -> bytes:
    """28x28x1, three convolutions 3x3 of stride 2 and 1, 3, 6 channels, mean, dense 10, softmax."""
    rng = np.random.default_rng(1)
    model, shape, depth = ModelBuilder(), 28, 1
    source = model.tensor((1, 28, 28, 1), 1 / 255, -128)
    for channels in (1, 3, 6):
        shape = (shape - 3) // 2 + 1
        inputs = [source, model.weights(random_int8(rng, channels, 3, 3, depth), [0.01] * channels)]
        inputs.append(model.bias(rng.integers(-300, 300, channels).astype(np.int32)))
        source = model.tensor((1, shape, shape, channels), 0.03 * depth, -128)
        model.operator(
            "CONV_2D", inputs, [source], "Conv2DOptions", version=3, padding=VALID, strideH=2,
            strideW=2, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=RELU,
        )  # fmt: skip
        depth = channels
    axes = model.tensor((2,), data=np.array([1, 2], np.int32), dtype="INT32")
    mean = model.tensor((1, 6), 0.1, -128)
    model.operator("MEAN", [source, axes], [mean], "ReducerOptions", version=2)
    weights = model.weights(random_int8(rng, 10, 6), 0.01)
    logits, scores = model.tensor((1, 10), 0.06), model.tensor((1, 10), 1 / 256, -128)
    bias = model.bias(rng.integers(-99, 99, 10).astype(np.int32))
    model.operator(
        "FULLY_CONNECTED", [mean, weights, bias], [logits], "FullyConnectedOptions", version=4
    )
    model.operator("SOFTMAX", [logits], [scores], "SoftmaxOptions", version=2, beta=1.0)
    return model.build([0], [scores])


@pytest.mark.parametrize("mcu", CHIPS)
def test_a_network_of_few_channels_takes_8_milliseconds(
    tmp_path: Path, emulator: Path, mcu: str
) -> None:
    inputs = hard_inputs(np.random.default_rng(0), (1, 28, 28, 1), 4)
    cycles = check(tmp_path, emulator, few_channels(), inputs, mcu)
    assert cycles.max() < 0.008 * 16e6


def kernels(content: bytes, goal: Goal) -> set[str]:
    """Those of a model's convolutions, on an Uno."""
    steps = compile_model(content, "model", architecture="avr5", goal=goal).program.steps
    return {step.kernel.name for step in steps if "conv" in step.kernel.name}


def test_a_model_has_one_kernel_for_its_convolutions() -> None:
    """The small one where it is nearly as fast, or where size is all that counts."""
    uno = (MODELS / "uno" / TFLITE).read_bytes()
    assert kernels(few_channels(), Goal.SPEED) == {"avr_conv_2d_pair"}
    assert kernels(uno, Goal.SPEED) == kernels(uno, Goal.SIZE) == {"avr_conv_2d"}
    many = fully_connected(np.random.default_rng(0), (1, 100), 100, 64)
    model = compile_model(many, "model", architecture="avr5", goal=Goal.SPEED)
    assert [step.kernel.name for step in model.program.steps] == ["avr_conv_2d"]
    model = compile_model(many, "model", architecture="avr5", goal=Goal.SIZE)
    assert [step.kernel.name for step in model.program.steps] == ["avr_conv_2d_pair"]


def test_pairs_read_weights_beyond_64_kilobytes(tmp_path: Path, emulator: Path) -> None:
    """Three layers of 66 KB in all: some weights lie on either side of the end of 16 bits."""
    rng = np.random.default_rng(6)
    model, sizes = ModelBuilder(), (250, 120, 250, 9)
    source = model.tensor((1, sizes[0]), 0.02)
    for depth, channels in pairwise(sizes):
        weights = model.weights(random_int8(rng, channels, depth), 0.02)
        inputs, source = [source, weights], model.tensor((1, channels), 0.02 * depth**0.5)
        model.operator("FULLY_CONNECTED", inputs, [source], "FullyConnectedOptions", version=4)
    tensors = hard_inputs(rng, (1, sizes[0]), 2)
    check(tmp_path, emulator, model.build([0], [source]), tensors, "atmega2560", goal=Goal.SIZE)
    assert "avr_conv_2d_pair_2" in (tmp_path / "model.c").read_text()
    size = subprocess.run(["avr-size", "model.elf"], cwd=tmp_path, capture_output=True, check=True)
    assert int(size.stdout.split(b"\n")[1].split()[0]) > 2**16


def in_place() -> bytes:
    """1x1 convolutions of 2 channels: outputs that want to lie over their inputs."""
    rng = np.random.default_rng(4)
    model = ModelBuilder()
    source = model.tensor((1, 3, 9, 2), 0.02, 3)
    for _ in range(2):
        inputs = [source, model.weights(random_int8(rng, 2, 1, 1, 2), [0.02] * 2)]
        source = model.tensor((1, 3, 9, 2), 0.03, 7)
        model.operator(
            "CONV_2D", inputs, [source], "Conv2DOptions", version=3, padding=VALID, strideH=1,
            strideW=1, dilationHFactor=1, dilationWFactor=1,
        )  # fmt: skip
    return model.build([0], [source])


def test_a_pair_is_not_written_over_inputs_that_its_first_pixel_still_needs(
    tmp_path: Path, emulator: Path
) -> None:
    compiled = compile_model(in_place(), "model", architecture="avr5")
    assert {step.kernel.name for step in compiled.program.steps} == {"avr_conv_2d_pair"}
    assert compiled.plan.bytes < 2 * 54  # so that they do lie over each other
    inputs = hard_inputs(np.random.default_rng(0), (1, 3, 9, 2), 20)
    check(tmp_path, emulator, in_place(), inputs, "atmega328p")


def only_kernel(content: bytes) -> str:
    """The kernel that a model of one operator gets on an Uno."""
    (step,) = compile_model(content, "model", architecture="avr5").program.steps
    return step.kernel.name


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 2), (2, 2)), ((3, 2), (1, 3)), ((6, 8), (2, 2))]
)
def test_average_pooling_gives_tflms_bytes(
    tmp_path: Path, emulator: Path, kernel: tuple[int, int], stride: tuple[int, int], padding: int
) -> None:
    """Halves too, which inputs of small numbers make, and the ends of 16 bits."""
    rng = np.random.default_rng([padding, *kernel])
    content, shape = average_pool(
        rng, (7, 9, 3), kernel, stride=stride, padding=padding, activation=RELU
    )
    assert only_kernel(content) == "avr_average_pool_2d"
    small = rng.integers(-3, 4, (4, *shape[1:])).astype(np.int8)
    check(
        tmp_path, emulator, content, np.concatenate([hard_inputs(rng, shape), small]), "atmega328p"
    )


def test_averages_of_more_inputs_than_16_bits_hold_stay_with_the_portable_kernel() -> None:
    rng = np.random.default_rng(0)
    for kernel, name in (((5, 51), "avr_average_pool_2d"), ((4, 64), "average_pool_2d")):
        content, _ = average_pool(rng, (6, 70, 1), kernel, stride=(1, 1), padding=VALID)
        assert only_kernel(content) == name


@pytest.mark.parametrize("mcu", CHIPS)
@pytest.mark.parametrize(("shape", "axes"), [((1, 2, 2, 6), (1, 2)), ((1, 3, 5, 7), (3,))])
def test_a_mean_gives_tflms_bytes(
    tmp_path: Path, emulator: Path, shape: tuple[int, ...], axes: tuple[int, ...], mcu: str
) -> None:
    rng = np.random.default_rng(sum(shape))
    content = mean(shape, axes, source=(0.02, -11), target=(0.013, 7))
    assert only_kernel(content) == "avr_mean"
    small = rng.integers(-13, -9, (6, *shape[1:])).astype(np.int8)
    check(tmp_path, emulator, content, np.concatenate([hard_inputs(rng, shape), small]), mcu)


def test_rows_of_a_large_image_are_accumulated_rather_than_kept() -> None:
    """Its sums take less memory than the image, and memory is scarcer than flash."""
    rng = np.random.default_rng(0)
    pool, _ = average_pool(rng, (9, 9, 3), (9, 9), stride=(1, 1), padding=VALID)
    assert only_kernel(pool) == "average_pool_2d"
    assert only_kernel(mean((1, 9, 9, 3), (1, 2))) == "mean"
