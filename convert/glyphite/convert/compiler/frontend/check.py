"""Holds a graph against what the compiler relies on, before anything is made of it."""

import math

from glyphite.convert.compiler.frontend.tflite import damaged
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator, Tensor, shape_text
from glyphite.convert.compiler.ops import definitions, require_supported
from glyphite.convert.errors import CONVERT_AGAIN, ModelError

MOST_ELEMENTS = 2**22
"""Elements of one tensor: more than any microcontroller holds."""
MOST_CONSTANT_BYTES = 2**23
"""All weights and biases, each as often as an operator takes it: more than its flash holds."""
MOST_OPERATORS = 256
"""Planning the memory of more would take too long."""


def check(graph: Graph) -> None:
    """The graph must be whole, int8, and made of supported operators. Raises ModelError."""
    check_indices(graph)
    _check_size(graph)
    _check_order(graph)
    for index in sorted(_used(graph)):
        _check_tensor(graph.tensors[index])
    check_edges(graph)
    for operator in graph.operators:
        _check_supported(operator)
        definitions()[operator.kind].check(graph, operator)


def _used(graph: Graph) -> set[int]:
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used.update(index for index in operator.inputs if index != ABSENT)
        used.update(operator.outputs)
    return used


def check_indices(graph: Graph) -> None:
    """Raise ModelError where a tensor is used that does not exist."""
    for index in _used(graph):
        if not 0 <= index < len(graph.tensors):
            raise damaged(f"tensor {index} is used, and there are {len(graph.tensors)}")


def _check_size(graph: Graph) -> None:
    if len(graph.operators) > MOST_OPERATORS:
        raise ModelError(
            f"The .tflite has {len(graph.operators)} operators; at most {MOST_OPERATORS} can be "
            "compiled. Build a smaller model."
        )
    taken = (tensor for operator in graph.operators for tensor in operator.inputs)
    data = (graph.tensors[tensor].data for tensor in taken if tensor != ABSENT)
    constants = sum(values.nbytes for values in data if values is not None)
    if constants > MOST_CONSTANT_BYTES:
        raise ModelError(
            f"The .tflite has {constants} bytes of weights and other constants; at most "
            f"{MOST_CONSTANT_BYTES} can be compiled. Build a smaller model."
        )


def _check_order(graph: Graph) -> None:
    """Every tensor is written once, before it is read: so there are no cycles either."""
    known = {index for index, tensor in enumerate(graph.tensors) if tensor.data is not None}
    for index in graph.inputs:
        if index in known:
            raise damaged(f"input tensor {index} is a constant, or listed twice")
        known.add(index)
    for operator in graph.operators:
        for index in operator.inputs:
            if index != ABSENT and index not in known:
                raise damaged(f"{operator.label} reads tensor {index} before it is written")
        for index in operator.outputs:
            if index in known:
                raise damaged(f"{operator.label} writes tensor {index}, which has its value")
            known.add(index)
    for index in graph.outputs:
        if index not in known:
            raise damaged(f"output tensor {index} is never written")


def _check_tensor(tensor: Tensor) -> None:
    if any(extent < 1 for extent in tensor.shape) or tensor.count > MOST_ELEMENTS:
        raise ModelError(
            f"Tensor {tensor.name!r} has shape {shape_text(tensor.shape)}; every axis must be at "
            f"least 1, and all together at most {MOST_ELEMENTS} elements. Convert the model with "
            "a fixed batch of 1."
        )
    if tensor.quantization is None:
        return
    if not all(math.isfinite(scale) and scale > 0 for scale in tensor.quantization.scales):
        raise damaged(f"tensor {tensor.name!r} has a scale that is not a positive number")


def check_edges(graph: Graph) -> None:
    """One input and one output, each int8 with one scale, or float32 beside a QUANTIZE.

    Raises ModelError.
    """
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if len(indices) != 1:
            raise ModelError(f"The .tflite has {len(indices)} {what}s, and 1 is supported.")
        tensor = graph.tensors[indices[0]]
        int8 = tensor.dtype == "int8" and tensor.quantization is not None
        if tensor.data is not None or not (int8 or _is_float_edge(graph, indices[0])):
            found = tensor.dtype
            if found == "int8":
                found = "int8 without a scale" if tensor.data is None else "a constant"
            raise ModelError(
                f"The .tflite's {what} is {found}, and int8 is needed. {CONVERT_AGAIN}"
            )


def _is_float_edge(graph: Graph, tensor: int) -> bool:
    """Whether a tensor is float32 and all operators that touch it turn it from or to int8."""
    beside = [
        operator.kind
        for operator in graph.operators
        if tensor in (*operator.inputs, *operator.outputs)
    ]
    return graph.tensors[tensor].dtype == "float32" and {*beside} <= {"QUANTIZE", "DEQUANTIZE"}


def _check_supported(operator: Operator) -> None:
    require_supported(
        operator,
        "Build the model from layers that become these, or run it in TensorFlow Lite Micro with "
        "`glyphite export --tflm`.",
    )
    last = definitions()[operator.kind].LAST_VERSION
    if operator.version > last:
        operator.refuse(
            f"it has version {operator.version}, and versions up to {last} are known. Convert the "
            "model with an older TensorFlow."
        )
