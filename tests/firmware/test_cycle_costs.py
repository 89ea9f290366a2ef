"""The costs by which kernels are chosen, held against the counts of emulators, which are exact."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.targets.avr import conv_2d as eights
from glyphite.convert.compiler.targets.avr import conv_2d_pair as pairs
from glyphite.convert.compiler.targets.avr.channels import OUTPUT_CYCLES
from glyphite.convert.compiler.targets.avr.conv_2d import AvrConv2DConstants
from glyphite.convert.compiler.targets.avr.conv_2d_pair import AvrConv2DPairConstants
from glyphite.convert.compiler.targets.dsp import conv_2d as dsp_conv_2d
from glyphite.convert.compiler.targets.dsp.block import block
from tests.builders.kernels import RECTIFIED, conv_of, only_step, taken
from tests.builders.models import NONE, ModelBuilder
from tests.builders.windows import conv_2d
from tests.firmware.avr_program import AvrProgram, chip
from tests.firmware.kernel_program import KernelProgram
from tests.strict import absent

SHARE = 0.2
"""By how much of the counted cycles an AVR's estimate may be off."""
SHARE_OF_RATIO = 0.3
"""By how much the ratio of two of them may be."""
SHARE_OF_BLOCK = 0.15
"""By how much of the counted instructions the estimate of a Cortex-M4's block may be off."""
NEAR_THE_BEST = 1.03
"""How much more a row may take by the chosen block of pixels than by the best one."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chip(tmp_path_factory.mktemp("avr"))


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "avr-gcc", "arm-none-eabi-gcc", "qemu-system-arm")
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent("libsimavr-dev is not installed.")


def counted(
    folder: Path, emulator: Path, kernel: ModuleType, content: bytes, inputs: NDArray[np.int8]
) -> tuple[int, NDArray[np.int64]]:
    """The cycles that an AVR's kernel expects of a model's one layer, and those of each input."""
    step = taken(kernel.match, only_step(content))
    conv = step.constants
    assert isinstance(conv, AvrConv2DConstants | AvrConv2DPairConstants)
    rows = inputs.shape[1] - conv.kernel_height + 1 if inputs.ndim == 4 else 1
    output_bytes = rows * conv.output_width * conv.output_channels
    _, cycles = AvrProgram(folder, step, inputs, output_bytes).run(emulator, "atmega328p")
    return kernel.cycles(step, conv), cycles


def without_zeros(shape: tuple[int, ...], count: int) -> NDArray[np.int8]:
    """Inputs (n, ...) none of which is -128, which kernels/avr/conv_2d.h leaves out."""
    return np.random.default_rng(2).integers(-127, 128, (count, *shape)).astype(np.int8)


LAYERS = {
    "8x8x8 to 8 by 3x3": ((8, 8, 8), 8, (3, 3)),
    "6x9x4 to 12 by 3x3": ((6, 9, 4), 12, (3, 3)),
    "10x10x1 to 8 by 3x3": ((10, 10, 1), 8, (3, 3)),
    "5x5x16 to 20 by 1x1": ((5, 5, 16), 20, (1, 1)),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kernel", [eights, pairs], ids=["eights", "pairs"])
def test_the_cycles_that_an_avr_s_kernel_expects_are_near_those_it_takes(
    tmp_path: Path, emulator: Path, kernel: ModuleType, layer: str
) -> None:
    source, channels, filters = LAYERS[layer]
    content, _ = conv_2d(np.random.default_rng(1), source, channels, filters, activation=NONE)
    inputs = without_zeros(source, 2)
    expected, cycles = counted(tmp_path, emulator, kernel, content, inputs)
    assert expected == pytest.approx(cycles.mean(), rel=SHARE)


@pytest.mark.parametrize("layer", LAYERS)
def test_how_much_longer_the_small_kernel_takes_is_about_as_expected(
    tmp_path: Path, emulator: Path, layer: str
) -> None:
    """What decides between the two by WORTH_ITS_CODE."""
    source, channels, filters = LAYERS[layer]
    content, _ = conv_2d(np.random.default_rng(1), source, channels, filters, activation=NONE)
    found = [
        counted(tmp_path, emulator, kernel, content, without_zeros(source, 2))
        for kernel in (pairs, eights)
    ]
    expected, taken = found[0][0] / found[1][0], found[0][1].mean() / found[1][1].mean()
    assert expected == pytest.approx(taken, rel=SHARE_OF_RATIO)


def dense(weights: NDArray[np.int8], output_scale: float) -> bytes:
    """A fully connected layer (channels, inputs)."""
    model = ModelBuilder()
    channels, count = weights.shape
    inputs = [model.tensor((1, count), 0.5), model.weights(weights, 0.01)]
    inputs.append(model.bias(np.zeros(channels, np.int32)))
    output = model.tensor((1, channels), output_scale, -3)
    model.operator("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions", version=4)
    return model.build([0], [output])


def test_an_output_takes_about_the_cycles_that_both_kernels_expect(
    tmp_path: Path, emulator: Path
) -> None:
    """The fifth to the eighth channel of a group add their outputs alone."""
    weights = np.random.default_rng(3).integers(-127, 128, (8, 24)).astype(np.int8)
    inputs = without_zeros((1, 24), 20)
    cycles = [
        counted(tmp_path, emulator, eights, dense(weights[:channels], 8.0), inputs)[1].mean()
        for channels in (5, 8)
    ]
    assert (cycles[1] - cycles[0]) / 3 == pytest.approx(OUTPUT_CYCLES, rel=0.25)


@pytest.mark.parametrize(("mcu", "zero"), [("atmega328p", 9), ("atmega2560", 11)])
def test_an_input_takes_71_cycles_and_one_of_zero_9_or_by_elpm_11(
    tmp_path: Path, emulator: Path, mcu: str, zero: int
) -> None:
    """Weights of 0 keep the outputs as they are."""
    step = taken(eights.match, only_step(dense(np.zeros((8, 40), np.int8), 8.0)))
    inputs = np.full((3, 1, 40), 5, np.int8)
    inputs[1:, 0, 3] = inputs[2, 0, 4] = -128
    _, cycles = AvrProgram(tmp_path, step, inputs, 8).run(emulator, mcu)
    assert np.diff(cycles).tolist() == [zero - 71] * 2


@dataclass(frozen=True)
class Row:
    """A row of a 1x1 convolution for a Cortex-M4."""

    width: int
    inputs: int
    channels: int


ROWS = [Row(12, 16, 4), Row(8, 64, 16), Row(7, 100, 8), Row(5, 36, 2), Row(9, 24, 24)]


@cache
def of_simple_form(row: Row) -> Step:
    """The row's step, as the compiler lays it out for speed; scales are drawn until they allow the
    simple form."""
    rng = np.random.default_rng(4)
    shape = (1, row.width, row.inputs)
    while True:
        content, _ = conv_2d(rng, shape, row.channels, (1, 1), **RECTIFIED)
        step = taken(dsp_conv_2d.match_wide, only_step(content))
        if conv_of(step).simple:
            return step


def instructions(folder: Path, row: Row, pixels: int, step: Step, *, simple: bool = True) -> int:
    """What a row takes by blocks of so many pixels."""
    form = replace(conv_of(step), pixels=pixels, rest=row.width % pixels, simple=int(simple))
    made = replace(step, constants=form, scratch_bytes=32 * (row.inputs + 3))
    inputs = without_zeros((1, row.width, row.inputs), 1)
    program = KernelProgram(folder / f"{pixels}", made, inputs, row.width * row.channels)
    return int(program.emulated()[1][0])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_chosen_block_of_pixels_is_near_the_best(tmp_path: Path, row: Row) -> None:
    step = of_simple_form(row)
    counts = {pixels: instructions(tmp_path, row, pixels, step) for pixels in range(1, 5)}
    assert counts[conv_of(step).pixels] <= NEAR_THE_BEST * min(counts.values()), counts


@pytest.mark.parametrize(
    ("inputs", "pixels", "simple"),
    [
        *((64, 1, False), (100, 2, False), (64, 3, False), (100, 4, False)),
        *((100, 3, True), (64, 4, True)),
    ],
)
def test_a_block_takes_about_the_instructions_that_are_expected(
    tmp_path: Path, inputs: int, pixels: int, *, simple: bool
) -> None:
    """For a pair of channels: ten pairs more, on as many blocks. A call is not among them."""
    rows = [Row(12, inputs, 4), Row(12, inputs, 24)]
    few, many = (
        instructions(tmp_path / str(row), row, pixels, of_simple_form(row), simple=simple)
        for row in rows
    )
    taken_by_a_pair = (many - few) / 10 / (12 // pixels)
    expected = block(pixels, inputs // 4, 0.0 if simple else None)
    assert expected == pytest.approx(taken_by_a_pair, rel=SHARE_OF_BLOCK)
