"""Reading: what a .tflite says arrives in the graph, and no file gets further than a sentence."""

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ops import supported
from glyphite.convert.errors import CONVERT_AGAIN, ModelError
from tests.builders.models import ModelBuilder, random_int8
from tests.builders.refusal import refusal
from tests.builders.small import pool, small


def test_a_graph_says_what_the_file_says() -> None:
    graph = read(small().build([0], [4]))
    assert (graph.inputs, graph.outputs) == ((0,), (4,))
    assert [operator.kind for operator in graph.operators] == ["CONV_2D", "MAX_POOL_2D"]
    assert [operator.version for operator in graph.operators] == [3, 2]
    weights = graph.tensors[1]
    assert weights.shape == (3, 3, 3, 2)
    assert weights.data is not None
    assert weights.data.tobytes() == random_int8(np.random.default_rng(0), 3, 3, 3, 2).tobytes()
    assert weights.quantization is not None
    assert weights.quantization.scales == tuple(float(np.float32(x)) for x in (0.01, 0.02, 0.03))
    assert graph.tensors[0].quantization is not None
    assert graph.tensors[0].quantization.zero_point == -128
    assert graph.tensors[3].data is None


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x89PNG\r\n\x1a\n" * 4, bytes(64)])
def test_a_file_that_is_no_tflite_is_refused(content: bytes) -> None:
    assert refusal(content) == (
        "This is not a .tflite: its bytes 4 to 7 are not 'TFL3'. Name a file that `glyphite "
        "convert` or TensorFlow's converter has written."
    )


def test_a_tflite_truncated_at_any_length_is_refused() -> None:
    content = small().build([0], [4])
    for length in range(8, len(content)):
        assert refusal(content[:length]).startswith("The .tflite is truncated or damaged: ")


def test_a_truncated_tflite_is_refused_with_the_way_out() -> None:
    content = small().build([0], [4])
    assert refusal(content[: len(content) // 2]) == (
        "The .tflite is truncated or damaged: an offset leads out of the file. "
        "Copy it again, or make it anew with `glyphite convert`."
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_tflite_compiles_or_is_refused_by_a_sentence(seed: int) -> None:
    """Bytes changed at random: nothing but a ModelError may come out."""
    rng = np.random.default_rng(seed)
    content = small().build([0], [4])
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(8, len(content), rng.integers(1, 4)):
            damaged[place] = rng.choice(np.array([0, 1, 0x7F, 0x80, 0xFF, rng.integers(256)]))
        try:
            compile_model(bytes(damaged), "small")
        except ModelError as error:
            assert str(error).endswith(".")


def test_a_float_model_is_refused_with_the_way_out() -> None:
    model = ModelBuilder()
    first, last = (model.tensor((1, 4, 4, 2), dtype="FLOAT32") for _ in range(2))
    pool(model, first, last)
    assert refusal(model.build([first], [last])) == (
        f"The .tflite's input is float32, and int8 is needed. {CONVERT_AGAIN}"
    )


@pytest.mark.parametrize("kind", ["SIN", "GELU"])
def test_an_unknown_operator_is_named_with_its_place_and_what_is_supported(kind: str) -> None:
    """Also one whose number, 150, is beyond the schema's old field of 7 bits."""
    model = small()
    model.tensor((1, 2, 2, 3), 0.2, 0)
    model.operator(kind, [4], [5])
    message = refusal(model.build([0], [5]))
    names = ", ".join(supported())
    assert "CONV_2D" in names
    assert message.startswith(
        f"Operator 2 is {kind} (version 1), which the compiler lacks. Supported are {names}. "
        "Build the model from layers that"
    )


def test_a_newer_version_of_an_operator_is_refused() -> None:
    model = small()
    model.codes[0].version = 99
    message = refusal(model.build([0], [4]))
    assert "Operator 0 (CONV_2D) cannot be compiled: it has version 99" in message


def test_constants_of_the_wrong_size_are_refused() -> None:
    model = small()
    model.buffers[1].data = model.buffers[1].data[:-1]
    assert "tensor 'tensor1' of shape [3, 3, 3, 2] has 53 bytes" in refusal(model.build([0], [4]))


def test_missing_constants_are_refused() -> None:
    model = small()
    model.tensors[1].buffer = 0
    assert "operator 0 (CONV_2D) reads tensor 1 before it is written" in refusal(
        model.build([0], [4])
    )


@pytest.mark.parametrize("index", [-2, 5, 2**31 - 1])
def test_a_tensor_index_out_of_range_is_refused(index: int) -> None:
    model = small()
    model.operators[1].outputs = [index]
    assert f"tensor {index} is used, and there are 5" in refusal(model.build([0], [4]))


def test_a_buffer_index_out_of_range_is_refused() -> None:
    model = small()
    model.tensors[1].buffer = 77
    assert "buffer 77 does not exist" in refusal(model.build([0], [4]))


def test_an_operator_code_out_of_range_is_refused() -> None:
    model = small()
    model.operators[1].opcodeIndex = 9
    assert "operator 1 has the code 9, which does not exist" in refusal(model.build([0], [4]))


def test_a_cycle_is_refused() -> None:
    model = small()
    model.operators[0].inputs = [4, 1, 2]
    assert "reads tensor 4 before it is written" in refusal(model.build([0], [4]))


def test_a_tensor_written_twice_is_refused() -> None:
    model = small()
    pool(model)
    assert "operator 2 (MAX_POOL_2D) writes tensor 4, which has its value" in refusal(
        model.build([0], [4])
    )


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_not_positive_is_refused(scale: float) -> None:
    model = small()
    model.tensors[3].quantization.scale = [scale]
    message = refusal(model.build([0], [4]))
    assert "tensor 'tensor3' has a scale that is not a positive number" in message


@pytest.mark.parametrize("zero_points", [[0], [], [0, 0, 0, 0]])
def test_zero_points_are_as_many_as_scales(zero_points: list[int]) -> None:
    model = small()
    model.tensors[1].quantization.zeroPoint = zero_points
    message = refusal(model.build([0], [4]))
    assert f"tensor 'tensor1' has 3 scales and {len(zero_points)} zero points" in message


def test_an_input_that_is_a_constant_is_refused() -> None:
    model = small()
    model.tensors[0].buffer = 1
    model.tensors[0].shape = [1, 6, 3, 3]
    assert "input tensor 0 is a constant, or listed twice" in refusal(model.build([0], [4]))


@pytest.mark.parametrize("shape", [(0, 6, 6, 2), (-1, 6, 6, 2), (1, 2**20, 2**20, 2)])
def test_an_absurd_shape_is_refused(shape: tuple[int, ...]) -> None:
    model = small()
    model.tensors[0].shape = list(shape)
    assert "every axis must be at least 1" in refusal(model.build([0], [4]))


def test_a_tensor_of_too_many_axes_is_refused() -> None:
    model = small()
    model.tensors[0].shape = [1] * 1000
    assert "tensor 'tensor0' has 1000 axes" in refusal(model.build([0], [4]))


def test_options_of_another_operator_are_refused() -> None:
    model = small()
    model.operators[0].builtinOptionsType = model.operators[1].builtinOptionsType
    model.operators[0].builtinOptions = model.operators[1].builtinOptions
    assert "operator 0 (CONV_2D) has no Conv2DOptions" in refusal(model.build([0], [4]))


def test_two_inputs_are_refused() -> None:
    model = small()
    model.tensor((1, 2), 0.1, 0)
    assert refusal(model.build([0, 5], [4])) == "The .tflite has 2 inputs, and 1 is supported."


CONVOLUTION = {
    "strideH": (0, "the stride 0"),
    "dilationWFactor": (2**20, "the dilation 1048576"),
    "padding": (7, "its padding is number 7"),
    "fusedActivationFunction": (4, "its fused activation is number 4"),
}


@pytest.mark.parametrize("field", CONVOLUTION)
def test_options_out_of_range_are_refused(field: str) -> None:
    value, expected = CONVOLUTION[field]
    model = small()
    setattr(model.operators[0].builtinOptions, field, value)
    message = refusal(model.build([0], [4]))
    assert message.startswith("Operator 0 (CONV_2D) cannot be compiled: ")
    assert expected in message


def test_an_output_shape_that_does_not_follow_is_refused() -> None:
    model = small()
    model.tensors[3].shape = [1, 5, 4, 3]
    message = refusal(model.build([0], [4]))
    assert "its output has shape 1x5x4x3; from its other tensors follows 1x4x4x3" in message


def test_weights_with_a_zero_point_are_refused() -> None:
    model = small()
    model.tensors[1].quantization.zeroPoint = [0, 1, 0]
    assert "its weights have a zero point other than 0" in refusal(model.build([0], [4]))


def test_a_sum_that_can_leave_32_bits_is_refused() -> None:
    model = small()
    values = np.array([0, 2**31 - 1, 0], np.int32)
    model.buffers[2].data = np.frombuffer(values.tobytes(), np.uint8)
    message = refusal(model.build([0], [4]))
    assert "the sum of its channel 1 can leave 32 bits (bias 2147483647" in message


@pytest.mark.parametrize(
    ("begin", "kind"),
    [(b"PK\x03\x04", "it is a zip, as .keras"), (b"\x89HDF", "it is an .h5 file")],
)
def test_a_keras_file_is_told_by_its_first_bytes(begin: bytes, kind: str) -> None:
    said = refusal(begin + bytes(100))
    assert said.startswith(f"This is not a .tflite: {kind}")
    assert said.endswith("with `glyphite convert MODEL.keras`.")


@pytest.mark.parametrize("kind", ["UINT8", "INT16", "FLOAT16"])
def test_an_edge_of_another_type_names_the_converters_settings(kind: str) -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0, dtype=kind), model.tensor((1, 4), 0.1, 0)
    model.operator("QUANTIZE", [first], [last])
    assert refusal(model.build([first], [last])) == (
        f"The .tflite's input is {kind.lower()}, and int8 is needed. {CONVERT_AGAIN}"
    )
