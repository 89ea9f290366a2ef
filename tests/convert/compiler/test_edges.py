"""Float input and output: QUANTIZE and DEQUANTIZE at the model's edges, to TFLM's byte."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.errors import ModelError
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.runners.compiled import SharedModel
from tests.builders.edges import dequantize, network, quantize
from tests.builders.models import ModelBuilder
from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal

SCALES = [0.1, 0.25, 1 / 255, 3.0, 1e-6, 1e5]


def _floats(rng: np.random.Generator, scale: float, zero_point: int) -> NDArray[np.float32]:
    """Every half step of the scale and its neighbours, and anything beyond the ends."""
    steps = np.arange(-300, 300) / 2 - zero_point
    halves = (steps * np.float32(scale)).astype(np.float32)
    up, down = (np.nextafter(halves, np.float32(end)) for end in (np.inf, -np.inf))
    far = np.array([0.0, -0.0, 1e-45, 1e9, -1e9, 5e8], np.float32) * np.float32(scale)
    wild = rng.normal(0, 100 * scale, 994).astype(np.float32)
    return np.concatenate([halves, up, down, far, wild]).reshape(1, -1)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("zero_point", [-128, 0, 5, 127])
def test_floats_become_tflms_bytes(scale: float, zero_point: int) -> None:
    """Halves go away from zero, their neighbours to the nearest."""
    tensors = _floats(np.random.default_rng(0), scale, zero_point)
    assert_same_bytes(quantize(tensors.shape, scale, zero_point), tensors)


@pytest.mark.parametrize("zero_point", [-100, 0, 100])
def test_floats_beyond_any_integer_go_to_the_ends(zero_point: int) -> None:
    """TFLM leaves them undefined: its x86 build answers otherwise than its Cortex-M build."""
    flags = ("-shared", "-fPIC", "-fsanitize=undefined,float-cast-overflow",
             "-fsanitize-undefined-trap-on-error")  # fmt: skip
    values = np.array([[1e20, -1e20, np.inf, -np.inf, np.nan]], np.float32)
    compiled = compile_model(quantize((1, 5), 0.1, zero_point), "ends")
    found = SharedModel(compiled, flags).infer(values)
    assert found.tolist() == [[127, -128, 127, -128, zero_point]]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("zero_point", [-128, 0, 5, 127])
@pytest.mark.oracle("DEQUANTIZE")
def test_bytes_become_tflms_floats(scale: float, zero_point: int) -> None:
    tensors = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    answers = assert_same_bytes(dequantize((1, 256), scale, zero_point), tensors)
    expected = (np.arange(-128, 128) - zero_point) * np.float32(scale)
    assert np.array_equal(answers.view(np.float32)[0], expected.astype(np.float32))


def test_a_network_between_floats_gives_tflms_bytes() -> None:
    tensors = np.random.default_rng(0).normal(0, 4, (50, 5, 1, 3)).astype(np.float32)
    assert_same_bytes(network(), tensors)


def test_floats_share_the_arena_with_the_bytes_they_become() -> None:
    """Each byte is written behind the float that it is made of, and the reverse before it."""
    for content in (quantize((1, 101), 0.1, 0), dequantize((1, 101), 0.1, 0)):
        assert compile_model(content, "small").arena_bytes in range(404, 409)


def test_floats_are_placed_at_multiples_of_four() -> None:
    """A Cortex-M0 cannot store one elsewhere."""
    compiled = compile_model(network(), "small")
    placed = {buffer.tensor: buffer for buffer in compiled.plan.buffers}
    graph = compiled.program.graph
    for edge in (*graph.inputs, *graph.outputs):
        assert placed[edge].ring.alignment == 4
        assert placed[edge].offset % 4 == 0


def test_the_header_declares_floats_as_floats(tmp_path: Path) -> None:
    """A C++ program that stores a float and reads one compiles strictly, and runs."""
    compiled = compile_model(network(), "small")
    compiled.write(tmp_path)
    found = dict(re.findall(r"^#define (MODEL_\w+) (\S.*)$", compiled.files["model.h"], re.M))
    assert (found["MODEL_INPUT_TYPE"], found["MODEL_OUTPUT_TYPE"]) == ("float", "float")
    assert (found["MODEL_INPUT_BYTES"], found["MODEL_OUTPUT_BYTES"]) == ("60", "24")
    assert (found["MODEL_INPUT_SCALE"], found["MODEL_INPUT_ZERO_POINT"]) == ("0.0f", "0")
    (tmp_path / "main.cpp").write_text(
        '#include "model.h"\n#include <stdint.h>\nint main() {\n'
        "  float *input = model_input();\n"
        "  if ((uintptr_t)input % sizeof(float) != 0) return 2;\n"
        "  for (int i = 0; i < MODEL_INPUT_BYTES / 4; i++) input[i] = 1.0f;\n"
        "  model_invoke();\n  const MODEL_OUTPUT_TYPE *scores = model_output();\n"
        "  return scores[0] > 1.5f && scores[0] < 2.0f ? 0 : 1; }\n"
    )
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-O2"]
    subprocess.run([*c_compiler(), *strict, "-c", "model.c"], cwd=tmp_path, check=True)
    subprocess.run(["c++", "-Wall", "main.cpp", "model.o", "-o", "main"], cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


def test_an_int8_header_declares_bytes() -> None:
    compiled = compile_model(dequantize((1, 4), 0.1, 3), "small")
    assert "int8_t *model_input(void) MODEL_TIED(model_input);" in compiled.files["model.h"]
    assert "#define MODEL_INPUT_TYPE int8_t\n" in compiled.files["model.h"]
    assert "const float *model_output(void) MODEL_TIED(model_output);" in compiled.files["model.h"]


@pytest.mark.parametrize("dtype", ["UINT8", "INT16", "INT32"])
def test_another_type_of_input_is_refused(dtype: str) -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0, dtype=dtype), model.tensor((1, 4), 0.1, 0)
    model.operator("QUANTIZE", [first], [last])
    assert f"The .tflite's input is {dtype.lower()}, and int8 is needed." in refusal(
        model.build([first], [last])
    )


def test_another_type_in_between_is_refused() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((1, 4), 0.1, 0)
    middle = model.tensor((1, 4), 0.1, 0, dtype="INT16")
    model.operator("QUANTIZE", [first], [middle])
    model.operator("QUANTIZE", [middle], [last])
    assert "its output is int16, and int8 is needed" in refusal(model.build([first], [last]))


def test_a_float_inside_the_network_is_refused() -> None:
    model = ModelBuilder()
    first = model.tensor((1, 4), dtype="FLOAT32")
    a, b = model.tensor((1, 4), 0.1, 0), model.tensor((1, 4), dtype="FLOAT32")
    last = model.tensor((1, 4), dtype="FLOAT32")
    model.operator("QUANTIZE", [first], [a])
    model.operator("DEQUANTIZE", [a], [b])
    model.operator("RELU", [b], [last])
    assert "The .tflite's output is float32" in refusal(model.build([first], [last]))


def test_inputs_of_another_type_than_the_models_are_refused() -> None:
    """Bytes of another type would be copied beyond the input."""
    library = SharedModel(compile_model(dequantize((1, 4), 0.1, 3), "small"))
    with pytest.raises(ModelError, match=r"inputs are float32 of shape \(4,\).*one int8 array"):
        library.infer(np.zeros((1, 4), np.float32))
