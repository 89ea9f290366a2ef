"""Whole networks made by rows: TFLM's bytes with all dead memory overwritten, in little memory."""

import ctypes
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.graph import shape_text
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.compilers import warnings_of
from tests.builders.mlperf_tiny import kept
from tests.builders.models import RELU, VALID, ModelBuilder, hard_inputs, random_int8
from tests.builders.poison import poisoned

STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
TARGETS = {"resnet_8": 13_000, "ds_cnn": 5_200, "mobilenet": 32_000, "autoencoder": 900}
"""Bytes of all tensors, input and output among them."""
FED = {"resnet_8": 12_000, "ds_cnn": 5_000, "mobilenet": 14_000, "autoencoder": 900}
"""The same where the input comes row by row."""


@pytest.mark.parametrize("stream_input", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_a_whole_network_answers_the_same_when_dead_memory_is_overwritten(
    name: str, stream_input: bool
) -> None:
    content = kept(name).read_bytes()
    compiled = compile_model(content, name, stream_input=stream_input)
    tensors = hard_inputs(np.random.default_rng(0), _input_shape(compiled), 2)
    assert np.array_equal(poisoned(compiled, tensors), infer(content, tensors))
    assert compiled.arena_bytes <= (FED if stream_input else TARGETS)[name]


def test_two_compilations_give_the_same_text(seed: ModelFolder) -> None:
    """The search for barriers knows no chance and no clock."""
    content = seed.tflite.read_bytes()
    for stream_input in (False, True):
        one, two = (compile_model(content, "seed", stream_input=stream_input) for _ in range(2))
        assert one.files == two.files


def _input_shape(compiled: Compiled) -> tuple[int, ...]:
    graph = compiled.program.graph
    return graph.tensors[graph.inputs[0]].shape


class Picture(ModelBuilder):
    """A chain of layers over a picture of 28x28."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.shape: tuple[int, ...] = (1, 28, 28, 1)
        self.last = self.tensor(self.shape, 0.02, -128)

    def _next(self, shape: tuple[int, ...]) -> tuple[int, int]:
        source, self.shape = self.last, shape
        self.last = self.tensor(shape, 0.06, -100)
        return source, self.last

    def conv(self, channels: int, size: int, stride: int = 1) -> None:
        """A convolution without padding, with ReLU."""
        _, height, width, depth = self.shape
        filters = self.weights(random_int8(self.rng, channels, size, size, depth), 0.002)
        bias = self.bias(self.rng.integers(-500, 500, channels).astype(np.int32))
        rows, columns = ((extent - size) // stride + 1 for extent in (height, width))
        source, output = self._next((1, rows, columns, channels))
        self.operator(
            "CONV_2D", [source, filters, bias], [output], "Conv2DOptions", version=3,
            padding=VALID, strideH=stride, strideW=stride, dilationHFactor=1, dilationWFactor=1,
            fusedActivationFunction=RELU,
        )  # fmt: skip

    def pool(self) -> None:
        """The largest of 2x2."""
        _, height, width, depth = self.shape
        source, output = self._next((1, height // 2, width // 2, depth))
        self.operator(
            "MAX_POOL_2D", [source], [output], "Pool2DOptions", version=2, padding=VALID,
            filterHeight=2, filterWidth=2, strideH=2, strideW=2,
        )  # fmt: skip

    def dense(self, classes: int) -> None:
        """Fully connected, after flattening."""
        count = int(np.prod(self.shape))
        flat, view = self._next((1, count))
        self.operator("RESHAPE", [flat], [view])
        weights = self.weights(random_int8(self.rng, classes, count), 0.002)
        source, output = self._next((1, classes))
        self.operator("FULLY_CONNECTED", [source, weights, -1], [output], "FullyConnectedOptions",
                      version=4)  # fmt: skip


@pytest.fixture
def uno() -> bytes:
    """A network for the 2 KB of an Uno."""
    model = Picture()
    model.conv(8, 5, stride=2)
    model.conv(12, 3)
    model.pool()
    model.conv(48, 3)
    model.conv(32, 3)
    model.dense(10)
    return model.build([0], [model.last])


def test_a_network_for_an_uno_takes_some_1100_bytes(uno: bytes) -> None:
    compiled = compile_model(uno, "uno", stream_input=True)
    tensors = hard_inputs(np.random.default_rng(1), (1, 28, 28, 1), 10)
    assert np.array_equal(poisoned(compiled, tensors), infer(uno, tensors))
    assert compiled.arena_bytes + compiled.state_bytes <= 1150
    rings = {shape_text(compiled.program.graph.tensors[b.tensor].shape): b.ring.rows
             for b in compiled.plan.buffers}  # fmt: skip
    assert (rings["1x28x28x1"], rings["1x12x12x8"]) == (5, 4)


def test_the_header_says_how_the_input_is_given(uno: bytes) -> None:
    compiled = compile_model(uno, "uno", stream_input=True)
    header = compiled.files["model.h"]
    assert "#define MODEL_INPUT_ROWS 28\n" in header
    assert "#define MODEL_INPUT_ROW_BYTES 28\n" in header
    assert f"#define MODEL_STATE_BYTES {compiled.state_bytes}\n" in header
    assert "model_invoke" not in header
    assert "model_take_row" not in compile_model(uno, "uno").files["model.h"]


def test_static_memory_is_the_arena_and_the_state(uno: bytes, tmp_path: Path) -> None:
    compiled = compile_model(uno, "uno", stream_input=True)
    compiled.write(tmp_path)
    subprocess.run([*c_compiler(), *STRICT, "-c", "model.c"], cwd=tmp_path, check=True)
    listing = subprocess.run(["size", "-A", "model.o"], cwd=tmp_path, check=True,
                             capture_output=True, text=True).stdout  # fmt: skip
    sections = dict(re.findall(r"^(\.\S+)\s+(\d+)", listing, re.MULTILINE))
    symbols = subprocess.run(["nm", "-S", "model.o"], cwd=tmp_path, check=True,
                             capture_output=True, text=True).stdout  # fmt: skip
    sizes = {name: int(size, 16) for size, name in re.findall(r"(\w+) [bB] (\w+)", symbols)}
    assert sizes == {"arena": compiled.arena_bytes, "state": compiled.state_bytes}
    assert int(sections[".data"]) == 0


@pytest.mark.parametrize("compiler", [
    ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"), ("avr-gcc", "-mmcu=atmega328p"),
])  # fmt: skip
@pytest.mark.parametrize("stream_input", [False, True])
def test_rows_compile_for_microcontrollers_without_a_warning(
    uno: bytes,
    tmp_path: Path,
    require_tool: Callable[..., None],
    compiler: tuple[str, ...],
    stream_input: bool,
) -> None:
    require_tool(compiler[0])
    compile_model(uno, "uno", stream_input=stream_input).write(tmp_path)
    assert warnings_of([*compiler, *STRICT, "-c", "model.c"], tmp_path) == ""


def test_an_inference_that_was_not_finished_is_dropped(uno: bytes) -> None:
    compiled = compile_model(uno, "uno", stream_input=True)
    model = SharedModel(compiled)
    tensors = hard_inputs(np.random.default_rng(2), (1, 28, 28, 1), 1)
    expected = infer(uno, tensors)
    for rows in (0, 1, 13, 27):
        model._library.model_begin()
        for _ in range(rows):
            ctypes.memset(model._library.model_row(), 0x5A, 28)
            model._library.model_take_row()
        assert np.array_equal(model.infer(tensors), expected)


STREAMED = """
#include <stdio.h>
#include "model.h"
int main(void) {
    for (;;) {
        model_begin();
        for (int y = 0; y < MODEL_INPUT_ROWS; y++) {
            if (fread(model_row(), 1, MODEL_INPUT_ROW_BYTES, stdin) != MODEL_INPUT_ROW_BYTES) {
                return 0;
            }
            model_take_row();
        }
        fwrite(model_output(), 1, MODEL_OUTPUT_BYTES, stdout);
    }
}
"""


def test_the_sanitizers_find_nothing_where_the_input_streams(uno: bytes, tmp_path: Path) -> None:
    compile_model(uno, "uno", stream_input=True).write(tmp_path)
    (tmp_path / "main.c").write_text(STREAMED)
    flags = ["-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [*c_compiler(), *flags, "main.c", "model.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    tensors = hard_inputs(np.random.default_rng(3), (1, 28, 28, 1), 5)
    done = subprocess.run([str(tmp_path / "main")], input=tensors.tobytes(), capture_output=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == infer(uno, tensors).tobytes()
