"""Checks of operators' inputs and outputs, each a refusal that says what is allowed."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor, shape_text
from glyphite.convert.errors import CONVERT_AGAIN


def check_counts(operator: Operator, least: int, most: int) -> None:
    """Refuse unless the operator has ``least`` to ``most`` inputs, and one output.

    Raises ModelError.
    """
    if not least <= len(operator.inputs) <= most or len(operator.outputs) != 1:
        allowed = str(least) if least == most else f"{least} to {most}"
        operator.refuse(
            f"it has {len(operator.inputs)} inputs and {len(operator.outputs)} outputs; "
            f"{allowed} and 1 are allowed."
        )


def activation(graph: Graph, operator: Operator, position: int = 0) -> Tensor:
    """An int8 input that is computed, not constant, with one scale. Raises ModelError."""
    tensor = _required(graph, operator, position)
    if tensor.data is not None:
        operator.refuse(f"its input {position} is a constant; a computed tensor is needed.")
    return _scaled_int8(operator, tensor, f"input {position}")


def result(graph: Graph, operator: Operator) -> Tensor:
    """The int8 output with one scale."""
    return _scaled_int8(operator, graph.output_of(operator), "output")


def constant(graph: Graph, operator: Operator, position: int, dtype: str) -> Tensor:
    """A constant input of a type. Raises ModelError."""
    tensor = _required(graph, operator, position)
    if tensor.data is None or tensor.dtype != dtype:
        found = "computed" if tensor.data is None else tensor.dtype
        operator.refuse(f"its input {position} is {found}; {dtype} constants are needed.")
    return tensor


def known(graph: Graph, operator: Operator, position: int) -> NDArray[np.int32] | None:
    """An int32 constant, or None where the input is anything else."""
    tensor = graph.input_of(operator, position)
    if tensor is None or tensor.data is None or tensor.dtype != "int32":
        return None
    return np.asarray(tensor.data, np.int32)


def refuse_computed(operator: Operator) -> NoReturn:
    """Refuse an operator that is taken only where its output is known beforehand.

    Raises ModelError.
    """
    operator.refuse(
        "its output is not known beforehand; only int32 made of the shapes of tensors can be. "
        "Convert the model with a fixed batch of 1, and without slicing its activations."
    )


def check_rank(operator: Operator, tensor: Tensor, what: str, *ranks: int) -> None:
    """Refuse a tensor whose number of axes is not one of ``ranks``. Raises ModelError."""
    if len(tensor.shape) not in ranks:
        allowed = " or ".join(map(str, ranks))
        operator.refuse(
            f"its {what} has shape {shape_text(tensor.shape)}; {allowed} axes are allowed."
        )


def check_image(operator: Operator, tensor: Tensor) -> None:
    """Refuse an input that is not (1, height, width, channels). Raises ModelError."""
    check_rank(operator, tensor, "input", 4)
    if tensor.shape[0] != 1:
        operator.refuse(f"its input has a batch of {tensor.shape[0]}; 1 is allowed.")


def check_shape(operator: Operator, tensor: Tensor, what: str, shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape than follows from the others. Raises ModelError."""
    if tensor.shape != shape:
        operator.refuse(
            f"its {what} has shape {shape_text(tensor.shape)}; "
            f"from its other tensors follows {shape_text(shape)}."
        )


def check_same_quantization(operator: Operator, one: Tensor, other: Tensor) -> None:
    """Refuse where an operator that only moves values has an output of another scale.

    Raises ModelError.
    """
    if one.quantization != other.quantization:
        operator.refuse("its input and output differ in scale or zero point; they must be equal.")


def check_weights(operator: Operator, weights: Tensor, channels: int, axis: int = 0) -> None:
    """Refuse weights that are not symmetric, or not scaled by tensor or by output channel.

    The output channels lie along ``axis``.

    Raises ModelError.
    """
    quantization = scaled(operator, weights, "weights")
    if any(quantization.zero_points):
        operator.refuse("its weights have a zero point other than 0; int8 weights need 0.")
    if quantization.per_channel and (len(quantization.scales), quantization.axis) != (
        channels,
        axis,
    ):
        operator.refuse(
            f"its weights have {len(quantization.scales)} scales along axis "
            f"{quantization.axis}; 1, or {channels} along axis {axis}, are allowed."
        )


def bias_values(
    graph: Graph, operator: Operator, position: int, channels: int
) -> NDArray[np.int32]:
    """The bias (channels), zeros where it is left out."""
    if graph.input_of(operator, position) is None:
        return np.zeros(channels, np.int32)
    bias = constant(graph, operator, position, "int32")
    check_shape(operator, bias, "bias", (channels,))
    return np.asarray(bias.data, np.int32)


def values(tensor: Tensor) -> NDArray[Any]:
    """The data of a tensor that has been checked to be constant.

    Raises TypeError where it is computed.
    """
    if tensor.data is None:
        raise TypeError(f"tensor {tensor.name!r} is computed, and was taken for a constant")
    return tensor.data


def scaled(operator: Operator, tensor: Tensor, what: str) -> Quantization:
    """The quantization of a tensor that needs one. Raises ModelError."""
    if tensor.quantization is None:
        operator.refuse(f"its {what} has no scale; a model of int8 throughout is needed.")
    return tensor.quantization


def _required(graph: Graph, operator: Operator, position: int) -> Tensor:
    tensor = graph.input_of(operator, position)
    if tensor is None:
        operator.refuse(f"its input {position} is left out, and it is needed.")
    return tensor


def _scaled_int8(operator: Operator, tensor: Tensor, what: str) -> Tensor:
    if tensor.dtype != "int8":
        operator.refuse(f"its {what} is {tensor.dtype}, and int8 is needed. {CONVERT_AGAIN}")
    quantization = scaled(operator, tensor, what)
    if quantization.per_channel or not -128 <= quantization.zero_point <= 127:
        operator.refuse(f"its {what} needs one scale and one zero point of -128 to 127.")
    return tensor
