"""Files that the fuzzer, or a hostile mind, has found a weakness by: each keeps its own case."""

from collections.abc import Sequence

import numpy as np
import pytest

from glyphite.convert.compiler.frontend.check import (
    MOST_CONSTANT_BYTES,
    MOST_ELEMENTS,
    MOST_OPERATORS,
)
from tests.builders.models import ModelBuilder, Shape, random_int8
from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal
from tests.fuzz.compiling import MOST_SECONDS, CompileWorker, Outcome

EVERY_INPUT = np.arange(-128, 128).astype(np.int8).reshape(1, 256)


def outcome(content: bytes) -> Outcome:
    """Compiled in 10 seconds of the processor and 2 GiB, or not; a busy one gets twice as long."""
    worker = CompileWorker(seconds=2 * MOST_SECONDS)
    try:
        return worker.compile(content)
    finally:
        worker.stop()


def unary(kind: str, shape: Shape, source: float, output: float, zero_point: int = 0) -> bytes:
    model = ModelBuilder()
    first, last = model.tensor(shape, source), model.tensor(shape, output, zero_point)
    options = "SoftmaxOptions" if kind == "SOFTMAX" else None
    model.operator(kind, [first], [last], options)
    return model.build([first], [last])


def dense(
    count: int,
    channels: int,
    *,
    scales: Sequence[float] = (0.1, 0.1, 0.1),
    output: Shape | None = None,
    rows: int = 1,
    value: int = 0,
) -> bytes:
    """A fully connected layer whose weights are all alike."""
    model = ModelBuilder()
    first = model.tensor((rows, count), scales[0], 3)
    weights = model.weights(np.full((channels, count), value, np.int8), scales[1])
    last = model.tensor(output if output is not None else (rows, channels), scales[2], 5)
    model.operator("FULLY_CONNECTED", [first, weights], [last], "FullyConnectedOptions")
    return model.build([first], [last])


def skips(operators: int, shape: Shape) -> bytes:
    """Additions, each of the tensor before and of any other one: all of them stay alive."""
    rng = np.random.default_rng(0)
    model = ModelBuilder()
    tensors = [model.tensor(shape, 0.05, 3)]
    for _ in range(operators):
        made = model.tensor(shape, 0.05, 3)
        other = tensors[int(rng.integers(len(tensors)))]
        model.operator("ADD", [tensors[-1], other], [made], "AddOptions")
        tensors.append(made)
    return model.build([0], [tensors[-1]])


def square_layers(count: int) -> bytes:
    """Fully connected layers of 4 MiB each, all of the same weights."""
    model = ModelBuilder()
    tensor = model.tensor((1, 2048), 0.1)
    weights = model.weights(np.ones((2048, 2048), np.int8), 0.1)
    for _ in range(count):
        made = model.tensor((1, 2048), 0.1)
        model.operator("FULLY_CONNECTED", [tensor, weights], [made], "FullyConnectedOptions")
        tensor = made
    return model.build([0], [tensor])


def custom(code: str) -> bytes:
    """A RELU in the guise of a custom operator."""
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1), model.tensor((1, 4), 0.1)
    model.operator("CUSTOM", [first], [last])
    model.codes[0].customCode = code
    return model.build([first], [last])


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.25, 0.5])
@pytest.mark.parametrize("scales", [(0.05, 0.04), (0.1, 0.08), (0.07, 0.02), (0.29, 0.58)])
def test_leaky_relu_rounds_ties_as_tflm_does(alpha: float, scales: tuple[float, float]) -> None:
    """At such scales many answers are ties, which the factors' last bits decide."""
    model = ModelBuilder()
    first, last = model.tensor((1, 256), scales[0], 3), model.tensor((1, 256), scales[1], -7)
    model.operator("LEAKY_RELU", [first], [last], "LeakyReluOptions", alpha=alpha)
    assert_same_bytes(model.build([first], [last]), EVERY_INPUT)


def test_a_softmax_of_a_scalar_is_refused() -> None:
    message = refusal(unary("SOFTMAX", (), 0.1, 1 / 256, -128))
    assert message == (
        "Operator 0 (SOFTMAX) cannot be compiled: its input is a scalar; 1 axis or more are needed."
    )


@pytest.mark.parametrize(
    "scales", [(3e38, 3e38, 1e-40), (1e10, 1e10, 1e-5), (2.0**16, 2.0**15, 1.0)]
)
def test_sums_of_zero_are_not_shifted_further_than_c_can(scales: tuple[float, ...]) -> None:
    assert "the sum of its channel 0 can leave 32 bits" in refusal(dense(4, 3, scales=scales))


def test_sums_of_zero_may_be_shifted_as_far_as_c_can() -> None:
    content = dense(4, 3, scales=(2.0**15, 2.0**14, 1.0))
    assert_same_bytes(content, random_int8(np.random.default_rng(0), 9, 4))


@pytest.mark.parametrize("output", [(3, 2), (6,), (1, 6)])
def test_a_dense_layer_whose_output_does_not_end_in_its_channels_is_refused(output: Shape) -> None:
    assert "from its other tensors follows" in refusal(dense(4, 3, rows=2, output=output))


def test_six_beyond_32_bits_is_refused() -> None:
    assert refusal(unary("RELU6", (1, 4), 1e-30, 0.04)) == (
        "Operator 0 (RELU6) cannot be compiled: its input's scale is 1e-30; 2**-28 or more is "
        "allowed."
    )


def test_six_at_the_smallest_scale_gives_tflms_bytes() -> None:
    assert_same_bytes(unary("RELU6", (1, 256), 2.0**-28, 0.04), EVERY_INPUT)


def test_a_padding_beyond_16_bits_is_refused() -> None:
    """TensorFlow Lite Micro keeps it in 16 bits."""
    model = ModelBuilder()
    first = model.tensor((1, 2, 2, 1), 0.1)
    weights = model.weights(np.ones((1, 5, 5, 1), np.int8), 0.1)
    last = model.tensor((1, 2, 2, 1), 0.1)
    model.operator(
        "CONV_2D", [first, weights], [last], "Conv2DOptions", padding=0, strideH=1, strideW=1,
        dilationHFactor=1, dilationWFactor=32767,
    )  # fmt: skip
    assert "along its width the padding before the input is 65534; up to 32767 is allowed" in (
        refusal(model.build([first], [last]))
    )


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D"])
def test_a_batch_is_refused_also_where_only_the_input_has_one(kind: str) -> None:
    model = ModelBuilder()
    inputs = [model.tensor((3, 4, 4, 1), 0.1)]
    if kind != "MAX_POOL_2D":
        inputs.append(model.tensor((1, 1, 1, 1), 0.1, data=np.ones((1, 1, 1, 1), np.int8), axis=3))
    last = model.tensor((1, 4, 4, 1), 0.1)
    options = {"MAX_POOL_2D": "Pool2D", "CONV_2D": "Conv2D"}.get(kind, "DepthwiseConv2D")
    fields = {"strideH": 1, "strideW": 1}
    more = (
        ("filterHeight", "filterWidth")
        if kind == "MAX_POOL_2D"
        else ("dilationHFactor", "dilationWFactor")
    )
    fields |= dict.fromkeys(more, 1)
    if kind == "DEPTHWISE_CONV_2D":
        fields["depthMultiplier"] = 1
    model.operator(kind, inputs, [last], f"{options}Options", **fields)
    assert "its input has a batch of 3; 1 is allowed" in refusal(model.build([0], [last]))


@pytest.mark.parametrize("name", ["RELU", "ADD"])
def test_a_custom_operator_is_not_taken_for_tensorflows_own(name: str) -> None:
    assert f"operator 0 is a custom one that is called {name}" in refusal(custom(name))


def test_a_name_cannot_write_lines_or_colours_to_a_terminal() -> None:
    assert refusal(custom("two\nlines\x1b[31m")).startswith("Operator 0 is two\\nlines\\x1b[31m (")


def test_an_input_without_a_scale_is_refused_as_such() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4)), model.tensor((1, 4), 0.1)
    model.operator("RELU", [first], [last])
    assert refusal(model.build([first], [last])).startswith(
        "The .tflite's input is int8 without a scale, and int8 is needed."
    )


def test_more_channels_than_any_network_has_are_refused() -> None:
    message = refusal(dense(1, 2**16 + 1))
    assert "it has 65537 output channels; 65536 are allowed" in message


def test_one_buffer_taken_by_many_layers_counts_each_time() -> None:
    """The file has 4 MiB; as C, whose layers each have their own, it would be 120."""
    assert refusal(square_layers(30)) == (
        "The .tflite has 125829120 bytes of weights and other constants; at most "
        f"{MOST_CONSTANT_BYTES} can be compiled. Build a smaller model."
    )


def test_the_largest_constants_compile_within_the_bounds() -> None:
    found = outcome(square_layers(2))
    assert found.kind == "compiled", found.text


def test_too_many_operators_are_refused() -> None:
    assert refusal(skips(MOST_OPERATORS + 1, (1, 4))) == (
        "The .tflite has 257 operators; at most 256 can be compiled. Build a smaller model."
    )


@pytest.mark.parametrize("shape", [(1, 12), (1, 96, 6, 2)])
def test_as_many_operators_as_may_be_are_planned_in_time(shape: Shape) -> None:
    found = outcome(skips(MOST_OPERATORS, shape))
    assert found.kind == "compiled", found.text


@pytest.mark.parametrize(
    "shape", [(1, MOST_ELEMENTS, 1, 1), (1, 2048, 2048, 1), (1, 1024, 4, 1024)]
)
def test_the_largest_tensors_are_planned_within_the_bounds(shape: Shape) -> None:
    model = ModelBuilder()
    first, last = model.tensor(shape, 0.1), model.tensor(shape, 0.1)
    one = {"strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
    model.operator("MAX_POOL_2D", [first], [last], "Pool2DOptions", **one)
    found = outcome(model.build([first], [last]))
    assert found.kind == "compiled", found.text
