"""Whole models compiled for an AVR give TFLM's bytes on the emulated chip."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.compiler import compile_model
from convert.workspace import MODELS, TFLITE
from host.runners.tflm import infer
from tests.convert.models import SAME, VALID, conv_and_pool, hard_inputs
from tests.convert.test_operators import softmax
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
    folder: Path, emulator: Path, content: bytes, inputs: NDArray[np.int8], mcu: str
) -> NDArray[np.int64]:
    """The compiled model gives TFLM's bytes; the cycles of each inference."""
    compile_model(content, "model", architecture=CHIPS[mcu]).write(folder)
    (folder / "main.c").write_text(MAIN)
    command = ["avr-gcc", *FLAGS, f"-mmcu={mcu}", f"-DINPUTS={len(inputs)}", "model.c", "main.c"]
    subprocess.run([*command, "-o", "model.elf"], cwd=folder, check=True, timeout=60)
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
