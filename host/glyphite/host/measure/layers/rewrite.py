"""A .tflite rewritten so that each of its layers can be looked at.

:func:`apart` gives each layer inputs of its own; :func:`in_float` takes int8 out of a model.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import read_loosely, require_identifier, schema
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator
from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import LIMITS

EDGES = ("QUANTIZE", "DEQUANTIZE")
"""Operators that change how numbers are kept, and not the numbers."""
WEIGHTS = 1
"""The place of the weights among the inputs of the operators of BIAS."""
BIAS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
"""Operators with weights, and the place of the bias among their inputs."""

Table = Any
"""A table of the schema, whose classes have no types."""


@dataclass(frozen=True, eq=False)
class Apart:
    """A model whose operators do not feed each other: each reads inputs of the model."""

    content: bytes
    """The .tflite."""
    sources: dict[tuple[int, int], int]
    """By an operator's place and the place among its inputs: the model's input that it reads there.
    Constants are in none."""


def apart(content: bytes) -> Apart:
    """Give every operator of a .tflite inputs of its own, so that one call computes each alone.

    Raises ModelError where it is not a .tflite, ToolError without ai-edge-litert.
    """
    model = _unpacked(content)
    graph = model.subgraphs[0]
    written = {int(index) for each in graph.operators for index in each.outputs}
    computed = written | {int(index) for index in graph.inputs}
    sources: dict[tuple[int, int], int] = {}
    for number, each in enumerate(graph.operators):
        inputs = [int(index) for index in each.inputs]
        for place, index in enumerate(inputs):
            if index in computed:
                inputs[place] = sources[number, place] = len(graph.tensors)
                graph.tensors.append(copy.copy(graph.tensors[index]))
        each.inputs = inputs
    graph.inputs = list(sources.values())
    graph.outputs = sorted(written)
    return Apart(_packed(model), sources)


def with_all_outputs(content: bytes) -> bytes:
    """The same model with every tensor that an operator writes as an output, so that a delegate
    gives it.

    Raises ModelError where it is not a .tflite, ToolError without ai-edge-litert.
    """
    model = _unpacked(content)
    graph = model.subgraphs[0]
    graph.outputs = [int(index) for each in graph.operators for index in each.outputs]
    return _packed(model)


def behind(content: bytes, number: int) -> bytes | None:
    """The operators behind the one at the place ``number`` alone; None where there are none.

    What they read of the others are the inputs, whose numbers are those of their tensors. Raises
    ModelError where it is not a .tflite, ToolError without ai-edge-litert.
    """
    model = _unpacked(content)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[number + 1 :]
    constant = {index for index, each in enumerate(graph.tensors) if _has_data(model, each)}
    inner = {int(index) for each in graph.operators for index in each.outputs}
    read = {int(index) for each in graph.operators for index in each.inputs}
    outputs = {int(index) for index in graph.outputs}
    if not outputs <= inner:
        return None
    graph.inputs = sorted(read - inner - constant - {ABSENT})
    return _packed(model)


def _has_data(model: Table, tensor: Table) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def in_float(content: bytes) -> bytes:
    """The same network in float32: each constant as the number that it stands for.

    Its tensors keep their places. What is quantized or not is all the same to it, so that it shows
    what rounding the activations costs; what rounding the weights has cost, it does not know.
    Raises ModelError where it is not a .tflite or a tensor has no scale, ToolError without
    ai-edge-litert.
    """
    model = _unpacked(content)
    graph, plain = model.subgraphs[0], read_loosely(content)[0]
    types = schema().TensorType
    for index, values in _constants(plain).items():
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        graph.tensors[index].buffer = len(model.buffers)
        model.buffers.append(buffer)
        graph.tensors[index].type = types.FLOAT32
    for tensor, known in zip(graph.tensors, plain.tensors, strict=True):
        if known.dtype in LIMITS:
            tensor.type = types.FLOAT32
        if tensor.type == types.FLOAT32:
            tensor.quantization = None
    same = {each.outputs[0]: each.inputs[0] for each in plain.operators if each.kind in EDGES}
    for index in list(same):
        while same[index] in same:
            same[index] = same[same[index]]
    pairs = zip(graph.operators, plain.operators, strict=True)
    graph.operators = [each for each, known in pairs if known.kind not in EDGES]
    for each in graph.operators:
        each.inputs = [same.get(int(index), int(index)) for index in each.inputs]
    graph.outputs = [same.get(int(index), int(index)) for index in graph.outputs]
    return _packed(model)


def real_weights(graph: Graph, operator: Operator) -> NDArray[np.float64] | None:
    """The weights of an operator as the numbers that they stand for; None where it has none.

    Raises ModelError where nothing says what its numbers mean.
    """
    return _real_input(graph, operator, WEIGHTS) if operator.kind in BIAS else None


def real_bias(graph: Graph, operator: Operator) -> NDArray[np.float64] | None:
    """The same of its bias (channels,). Raises ModelError as :func:`real_weights` does."""
    place = BIAS.get(operator.kind)
    return None if place is None else _real_input(graph, operator, place)


def _real_input(graph: Graph, operator: Operator, place: int) -> NDArray[np.float64] | None:
    tensor = graph.input_of(operator, place)
    if tensor is None or tensor.data is None:
        return None
    data = _typed(tensor.data, tensor.dtype, tensor.shape)
    if tensor.dtype == "float32":
        return data.astype(np.float64)
    quantization = tensor.quantization
    if quantization is None and place == BIAS[operator.kind]:
        return data * sum_scales(graph, operator)
    if quantization is None:
        raise _no_scale(tensor.name)
    return _real(data, quantization.scales, quantization.zero_points, quantization.axis)


def sum_scales(graph: Graph, operator: Operator) -> NDArray[np.float64]:
    """(channels,) or (1,): the scale of an operator's sums, and so of its bias.

    Raises ModelError where the input or the weights have none.
    """
    source = graph.input_of(operator, 0 if operator.kind != "TRANSPOSE_CONV" else 2)
    weights = graph.input_of(operator, WEIGHTS)
    for each in (source, weights):
        if each is None or each.quantization is None:
            raise _no_scale("" if each is None else each.name)
    scales: NDArray[np.float64] = np.array(weights.quantization.scales, np.float64)  # type: ignore[union-attr]
    return scales * source.quantization.scale  # type: ignore[union-attr]


def _constants(graph: Graph) -> dict[int, NDArray[np.float64]]:
    """The quantized constants of a graph as the numbers that they stand for, by tensor."""
    found: dict[int, NDArray[np.float64]] = {}
    for operator in graph.operators:
        for place, index in enumerate(operator.inputs):
            tensor = None if index == ABSENT else graph.tensors[index]
            if tensor is None or tensor.data is None:
                continue
            is_bias = BIAS.get(operator.kind) == place and tensor.dtype != "float32"
            if is_bias or (operator.kind in BIAS and place == WEIGHTS and tensor.dtype in LIMITS):
                values = _real_input(graph, operator, place)
                if values is not None:
                    found[index] = values
            elif tensor.dtype in LIMITS and index not in found:
                if tensor.quantization is None:
                    raise _no_scale(tensor.name)
                numbers = tensor.quantization
                data = _typed(tensor.data, tensor.dtype, tensor.shape)
                found[index] = _real(data, numbers.scales, numbers.zero_points, numbers.axis)
    return found


def _real(
    data: NDArray[Any], scales: tuple[float, ...], zeros: tuple[int, ...], axis: int
) -> NDArray[np.float64]:
    shape = [1] * data.ndim
    if len(scales) > 1:
        shape[axis] = len(scales)
    scale, zero = (np.array(each, np.float64).reshape(shape) for each in (scales, zeros))
    return (data - zero) * scale


def _typed(data: NDArray[Any], dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A constant of any type: those that the compiler does not know are kept as bytes."""
    return data if data.dtype != np.uint8 else data.view(np.dtype(dtype)).reshape(shape)


def _no_scale(name: str) -> ModelError:
    return ModelError(
        f"The tensor {name!r} of the .tflite is quantized and has no scale, so nothing says what "
        "its numbers mean. Convert the model anew."
    )


def _unpacked(content: bytes) -> Table:
    require_identifier(content)
    read_loosely(content)  # which refuses what is damaged
    model = schema().ModelT.InitFromObj(schema().Model.GetRootAs(content, 0))
    model.signatureDefs, model.metadata, model.metadataBuffer = None, None, None
    return model


def _packed(model: Table) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
