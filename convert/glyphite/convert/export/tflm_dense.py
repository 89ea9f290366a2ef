"""Dense layers for libraries whose FULLY_CONNECTED knows one scale a tensor.

TensorFlow's converter gives each channel of a dense layer a scale of its own since 2024, and TFLM
knows them since October 2024. An earlier one takes the first scale for all channels, without an
error. Here the weights are quantized anew, by tensor, from their int8 numbers; nothing else of the
file changes.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import schema
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator, Tensor
from glyphite.convert.errors import ModelError

DENSE = "FULLY_CONNECTED"
LARGEST, LARGEST_BIAS = 127, 2**31 - 1
"""Of a weight and of a bias."""

Table = Any
"""A table of the schema, whose classes have no types."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dense:
    """A dense layer's tables in a file that may be written to."""

    weights: Table
    bias: Table | None
    buffers: tuple[Table, ...]
    """The numbers of both."""


def has_channels(graphs: tuple[Graph, ...]) -> bool:
    """Whether a dense layer has a scale for each channel."""
    return any(_by_channel(graph, one) for graph in graphs for one in graph.operators)


def by_tensor(tflite: bytes, graphs: tuple[Graph, ...]) -> bytes:
    """The .tflite, whose subgraphs are ``graphs``, with each dense layer quantized by tensor.

    Each weight moves by at most half a step of the coarsest channel. Raises ModelError where
    weights cannot be changed alone.
    """
    content = bytearray(tflite)
    for dense in _layers(content, graphs):
        scales = dense.weights.Quantization().ScaleAsNumpy().astype(np.float64)
        weights = dense.buffers[0].DataAsNumpy().view(np.int8).reshape(len(scales), -1)
        bias = dense.buffers[1].DataAsNumpy().view("<i4") if dense.bias else np.zeros(len(scales))
        scale = common_scale(weights, bias, scales)
        factors = scales / scale
        rounded = np.rint(weights * factors[:, None])
        weights[:] = np.clip(rounded, -LARGEST, LARGEST).astype(np.int8)
        bias[:] = np.clip(np.rint(bias * factors), -LARGEST_BIAS, LARGEST_BIAS)
        _keep_first(content, dense, scale / scales[0])
    return bytes(content)


def misread(tflite: bytes, graphs: tuple[Graph, ...]) -> bytes:
    """The .tflite as an earlier library reads it: with the first scale for all channels.

    TFLM gives for it the bytes that such a library gives for the .tflite itself. Raises ModelError
    as :func:`by_tensor` does.
    """
    content = bytearray(tflite)
    for dense in _layers(content, graphs):
        _keep_first(content, dense, 1.0)
    return bytes(content)


def common_scale(weights: NDArray[np.int8], bias: NDArray[Any], scales: Floats) -> float:
    """The smallest scale in which weights (n, k) and biases (n,) of ``scales`` (n,) have room."""
    largest = np.abs(weights.astype(np.float64)).max(axis=1)
    needed = max((scales * largest).max() / LARGEST, (scales * np.abs(bias)).max() / LARGEST_BIAS)
    return float(np.float32(needed or scales.max()))


def _by_channel(graph: Graph, operator: Operator) -> bool:
    if operator.kind != DENSE or len(operator.inputs) < 2 or operator.inputs[1] == ABSENT:
        return False
    found = graph.tensors[operator.inputs[1]].quantization
    return found is not None and found.per_channel


def _layers(content: bytearray, graphs: tuple[Graph, ...]) -> Iterator[Dense]:
    """The layers with a scale for each channel, their tables reading and writing ``content``."""
    model = schema().Model.GetRootAs(content, 0)
    tables = [model.Subgraphs(number) for number in range(len(graphs))]
    shared = Counter(
        table.Tensors(index).Buffer()
        for table, graph in zip(tables, graphs, strict=True)
        for index in range(len(graph.tensors))
    )
    for table, graph in zip(tables, graphs, strict=True):
        for operator in graph.operators:
            if _by_channel(graph, operator):
                _require_own(graph, operator)
                yield _layer(model, table, operator, shared)


def _layer(model: Table, table: Table, operator: Operator, shared: Counter[int]) -> Dense:
    tensors = [table.Tensors(index) for index in operator.inputs[1:3] if index != ABSENT]
    if any(shared[tensor.Buffer()] > 1 for tensor in tensors):
        raise _unchangeable(operator, "shares its numbers with another tensor")
    buffers = tuple(model.Buffers(tensor.Buffer()) for tensor in tensors)
    return Dense(tensors[0], tensors[1] if len(tensors) > 1 else None, buffers)


def _require_own(graph: Graph, operator: Operator) -> None:
    """ModelError unless weights and bias are plain constants of this layer alone."""
    weights, bias = graph.input_of(operator, 1), graph.input_of(operator, 2)
    found = weights.quantization if weights else None
    for index in operator.inputs[1:3]:
        if index != ABSENT and sum(one.inputs.count(index) for one in graph.operators) > 1:
            raise _unchangeable(operator, "shares weights or bias with another operator")
    if weights is None or weights.dtype != "int8" or weights.data is None or weights.data.ndim != 2:
        raise _unchangeable(operator, "has weights that are no int8 matrix of constants")
    if found is None or found.axis != 0 or any(found.zero_points):
        raise _unchangeable(operator, "has weights that are not symmetric by output channel")
    if bias is not None and not _is_plain(bias, len(found.scales)):
        raise _unchangeable(operator, "has a bias that is not int32 constants with scales")


def _is_plain(bias: Tensor, channels: int) -> bool:
    """Whether it is a constant for each channel, with the scale by which TFLM checks it."""
    is_constant = bias.dtype == "int32" and bias.data is not None and bias.quantization is not None
    return is_constant and bias.shape == (channels,)


def _unchangeable(operator: Operator, reason: str) -> ModelError:
    label = operator.label
    return ModelError(
        f"{label[0].upper()}{label[1:]} {reason}, so it cannot be quantized by tensor here. "
        "Convert the model with converter._experimental_disable_per_channel_quantization_for_dense_"
        "layers = True, or export it with --library current."
    )


def _keep_first(content: bytearray, dense: Dense, factor: float) -> None:
    """Leave one scale to weights and bias: the first, times ``factor``."""
    for table in (dense.weights, dense.bias):
        quantization = table.Quantization() if table else None
        if quantization is not None and quantization.ScaleLength():
            scales = quantization.ScaleAsNumpy()
            scales[0] = np.float32(scales[0] * factor)
            for vector in (scales, quantization.ZeroPointAsNumpy()):
                if isinstance(vector, np.ndarray):
                    _shorten(content, vector)


def _shorten(content: bytearray, vector: NDArray[Any]) -> None:
    """Make a vector of the file one element long: its length stands in the 4 bytes before it."""
    start = vector.ctypes.data - np.frombuffer(content, np.uint8).ctypes.data
    struct.pack_into("<I", content, start - 4, 1)
