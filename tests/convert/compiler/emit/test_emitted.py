"""Pieces of generated C: tables, lines, numbers, and the kernels' text."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.emit.constants import float_literal, wrapped
from glyphite.convert.compiler.emit.kernels import collect
from glyphite.convert.compiler.emit.layers import COLUMNS, codes, wrap
from glyphite.convert.compiler.memory.schedule import KernelCall, Schedule
from glyphite.convert.compiler.targets.dsp import conv_2d as dsp_conv_2d
from glyphite.convert.compiler.targets.portable import arithmetic, softmax
from glyphite.host.device.c_compiler import c_compiler
from tests.builders.models import ModelBuilder, conv_and_pool


def order(*runs: tuple[int, int]) -> Schedule:
    """A schedule of so many calls of each step in turn."""
    return Schedule(tuple(KernelCall(step, n) for step, calls in runs for n in range(calls)))


def played(values: list[int], layers: int) -> list[int]:
    """The steps that a table calls, as model_invoke reads it."""
    calls: list[int] = []
    for value in values:
        calls += [calls[-1]] * (value - layers) if value >= layers else [value]
    return calls


@pytest.mark.parametrize(
    ("layers", "number"), [(2, "uint8_t"), (127, "uint8_t"), (128, "uint16_t")]
)
def test_a_table_repeats_the_schedule_in_numbers_of_its_type(layers: int, number: str) -> None:
    schedule = order((0, 1), (1, 253), (0, 254), (1, 255), (0, 600), (layers - 1, 3))
    found = codes(schedule, layers)
    assert found.type == number
    assert max(found.values) <= found.most
    assert played(found.values, layers) == [call.step for call in schedule.calls]


@pytest.mark.parametrize("before", range(60, 94))
def test_a_cast_stays_on_one_line(before: int) -> None:
    cast = "(const int8_t *const[])"
    lines = wrap(f"{'f' * before}(a, {cast}{{b, c}}, d);", 4).splitlines()
    assert [line.count(cast) for line in lines if "[]" in line] == [1]
    assert all(len(line) + 4 <= COLUMNS for line in lines)


def test_a_float_reads_back_as_itself() -> None:
    drawn = np.random.default_rng(0).normal(0, 1, 300) * 10.0 ** np.arange(-15, 15).repeat(10)
    for number in [0.0, 1.0, 255.0, 1e20, 1 / 255, *drawn]:
        literal = float_literal(float(np.float32(number)))
        assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?f", literal)
        assert np.float32(literal[:-1]) == np.float32(number)


@pytest.mark.parametrize("digits", range(1, 12))
def test_lines_of_numbers_fill_a_page_and_no_more(digits: int) -> None:
    lines = list(wrapped(iter(["9" * digits] * 100)))
    assert sum(line.count(",") for line in lines) == 100
    assert all(COLUMNS - digits - 2 < len(line) <= COLUMNS for line in lines[:-1])


def test_kernels_come_with_what_they_include_once_a_processors_first() -> None:
    kernels = (softmax.KERNEL, dsp_conv_2d.KERNEL, arithmetic.KERNEL)
    system, text = collect(kernels, rings=True)
    assert system == sorted(set(system))
    assert "#include" not in text
    places = [text.index(f"struct glyphite_{kernel.name} {{") for kernel in kernels]
    assert places[1] < min(places[0], places[2])
    for name in ("window", "ring", "dsp_inputs"):
        assert text.count(f"struct glyphite_{name} {{") == 1
    assert (system, text) == collect(reversed(kernels), rings=True)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_state_beside_the_arena_is_as_large_as_it_is_told(layers: int, tmp_path: Path) -> None:
    """Where an odd count of bytes follows a number of 16 bits, too."""
    model = ModelBuilder()
    tensors = [model.tensor((1, 6, 3, 2), 0.1, 3) for _ in range(layers + 1)]
    for index in range(layers):
        pair = [tensors[index]] * 2
        model.operator("ADD", pair, [tensors[index + 1]], "AddOptions")
    compiled = compile_model(model.build([tensors[0]], [tensors[-1]]), "state", stream_input=True)
    compiled.write(tmp_path)
    subprocess.run([*c_compiler(), "-c", "model.c"], cwd=tmp_path, check=True)
    symbols = subprocess.run(["nm", "-S", "model.o"], cwd=tmp_path, check=True,
                             capture_output=True, text=True).stdout  # fmt: skip
    (size,) = re.findall(r"(\w+) [bB] state\b", symbols)
    assert int(size, 16) == compiled.state_bytes


def test_kernels_have_room_for_the_rows_under_the_largest_window() -> None:
    """Of a convolution of three rows and a pool of two that overlaps its neighbour."""
    model, last = conv_and_pool(np.random.default_rng(0), pool_stride=(1, 1))
    compiled = compile_model(model.build([0], [last]), "windows")
    assert [step.window_rows for step in compiled.program.steps] == [3, 2]
    text = compiled.files["model.c"]
    assert text.index("#define GLYPHITE_WINDOW_ROWS 3\n") < text.index("#ifndef GLYPHITE_WINDOW_")


def test_floats_stand_for_themselves_though_the_file_has_a_scale_for_them() -> None:
    model = ModelBuilder()
    first = model.tensor((1, 4), 0.5, 3, dtype="FLOAT32")
    last = model.tensor((1, 4), 0.1, -5)
    model.operator("QUANTIZE", [first], [last], "QuantizeOptions")
    header = compile_model(model.build([first], [last]), "floats").files["model.h"]
    found = re.findall(r"#define \w+PUT_(?:SCALE|ZERO_POINT) (.*)", header)
    assert found == ["0.0f", "0", "0.1f", "(-5)"]


def test_a_streamed_input_has_rows_of_its_own() -> None:
    model, last = conv_and_pool(np.random.default_rng(0))
    compiled = compile_model(model.build([0], [last]), "rows", stream_input=True)
    found = re.findall(r"#define MODEL_INPUT_ROW\w+ (.*)", compiled.files["model.h"])
    assert found == ["9", str(8 * 2)]
