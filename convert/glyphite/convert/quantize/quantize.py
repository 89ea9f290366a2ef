"""A Keras model to a fully quantized .tflite: int8 weights, activations, input and output."""

import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import version
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.files import (
    require_temporary_room,
)
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.quantize.alone import all_layers, converted_alone
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.quantize.read_keras import FLOAT_BYTES
from glyphite.convert.text import printable
from glyphite.convert.version import __version__

if TYPE_CHECKING:
    import keras

INTEGER_TYPES = ("INT8", "INT32")
"""The types that a tensor may have after quantization; biases and shapes are INT32."""

_FILES_BYTES = 1 << 17
"""What TensorFlow writes to temporary files as it converts, beside the weights."""


def quantize(
    model: "keras.Model", calibration: NDArray[np.float32], floats: bytes | None = None
) -> bytes:
    """The int8 .tflite of ``model``, with a fixed batch of 1.

    ``calibration`` (n, *input shape) are inputs like those of the training: the range of values
    that each tensor takes for them sets its scale. ``floats`` is what `convert_float` gave, where
    that was called. Raises ModelError, which names the layer, where the model cannot be quantized,
    and where the calibration data do not fit its input or are constant or not finite; InputError
    where there is no room for temporary files; ToolError where TensorFlow is not installed.
    """
    _check_calibration(model, calibration)
    if floats is None:
        floats = convert_float(model)  # its error names the layer; the calibrator would crash
    import tensorflow as tf

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[np.newaxis]] for one in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    content = _convert(converter, model, floats)
    _check_integer(content, model)
    return content


def convert_float(model: "keras.Model") -> bytes:
    """The float32 .tflite of ``model``, with a fixed batch of 1.

    Raises ModelError, which names the layer, where the model cannot be converted or has a loop or a
    branch; InputError where there is no room for temporary files; ToolError where TensorFlow is not
    installed.
    """
    load_tensorflow()
    check_input(model)
    content = _convert(_converter(model), model)
    for graph, operator in _operators(content):
        if (name := _operator_name(graph, operator)) in ("WHILE", "IF", "CALL_ONCE"):
            names = _output_names(graph, operator)
            layer = layer_of(names, model) or _with_operator(name, model)
            raise ModelError(
                f"Cannot quantize {layer}: it needs a loop or a branch, and only plain operators "
                "can be quantized. Replace it, by a convolution over time for instance."
            )
    return content


def check_input(model: "keras.Model") -> None:
    """Make sure that the model has one input, float32 and of a fixed shape, and one output.

    Raises ModelError where it has not.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ModelError(
            f"The model {model.name!r} has no input shape. Build it with a keras.Input of a fixed "
            "shape and save it anew."
        )
    if len(inputs) > 1 or len(model.outputs) > 1:
        raise ModelError(
            f"The model {model.name!r} has {len(inputs)} inputs and {len(model.outputs)} outputs; "
            "one of each is supported. Cut it into models of one input and one output."
        )
    shape = tuple(inputs[0].shape)
    if None in shape[1:] or len(shape) < 2:
        raise ModelError(
            f"The input layer {inputs[0].name!r} has the shape {shape}: every size but the first, "
            "the batch, must be fixed. Build the model with a keras.Input of a fixed shape."
        )
    if inputs[0].dtype != "float32":
        raise ModelError(
            f"The input layer {inputs[0].name!r} takes {inputs[0].dtype}, and only float32 can be "
            "quantized. Build the model with a keras.Input of float32."
        )


def input_shape(model: "keras.Model") -> tuple[int, ...]:
    """The shape of one input, without the batch. Raises ModelError as :func:`check_input` does."""
    check_input(model)
    return tuple(int(size) for size in model.inputs[0].shape[1:])


def operators(content: bytes) -> list[str]:
    """The operators of a .tflite in order, by their names in TensorFlow Lite's schema."""
    return [_operator_name(graph, operator) for graph, operator in _operators(content)]


def float_operators(content: bytes) -> list[str]:
    """The names of a .tflite's operators that read or write another type than an integer's."""
    return [
        _operator_name(graph, operator)
        for graph, operator in _operators(content)
        if not all(map(_is_integer, _used(graph, operator)))
    ]


def manifest_of(content: bytes, name: str, labels: tuple[str, ...] = ()) -> Manifest:
    """The manifest of the quantized .tflite ``content``, as far as that tells it.

    ``labels`` are the names of the outputs; by default their numbers.
    """
    graph = _model(content).subgraphs[0]
    output = _tensor_info(graph, graph.outputs[0])
    return Manifest(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        input=_tensor_info(graph, graph.inputs[0]),
        output=output,
        labels=labels or tuple(str(label) for label in range(prod(output.shape[1:]))),
        tools={
            "glyphite": __version__,
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    )


def _check_calibration(model: "keras.Model", calibration: NDArray[np.float32]) -> None:
    shape = input_shape(model)
    if calibration.shape[1:] != shape or len(calibration) == 0:
        raise ModelError(
            f"The calibration data have the shape {calibration.shape}, and the model "
            f"{model.name!r} takes (n, {', '.join(map(str, shape))}) with n of at least 1."
        )
    if not np.isfinite(calibration).all():
        raise ModelError("The calibration data hold values that are not finite. Remove them.")
    if calibration.min() == calibration.max():
        raise ModelError(
            f"The calibration data hold nothing but {calibration.flat[0]:g}, which says nothing "
            "of the model's ranges. Take inputs as the model was trained on."
        )


def _converter(model: "keras.Model") -> Any:  # noqa: ANN401 - TensorFlow has no types
    """A converter of ``model`` with a fixed batch of 1.

    With a variable batch, Flatten becomes SHAPE, STRIDED_SLICE and PACK: three operators more,
    which small engines lack.
    """
    import keras
    import tensorflow as tf

    # Fixed names, which Keras would number anew in each call: the same model gives the same bytes.
    fixed = keras.Input(batch_shape=(1, *input_shape(model)), name="input")
    with quiet():
        wrapped = keras.Model(fixed, model(fixed, training=False), name="fixed")
    return tf.lite.TFLiteConverter.from_keras_model(wrapped)


def _convert(
    converter: Any,  # noqa: ANN401
    model: "keras.Model",
    floats: bytes | None = None,
) -> bytes:
    """``floats``: the float .tflite of the model, where it is there already."""
    try:
        with quiet():
            return cast(bytes, converter.convert())
    except Exception as error:  # the converter raises whatever its many parts raise
        if refusal := _refusal(str(error), model):
            raise ModelError(refusal) from error
        require_temporary_room(FLOAT_BYTES * int(model.count_params()) + _FILES_BYTES)
        if layer := _at_fault(str(error), model, floats):
            raise ModelError(
                f"Cannot quantize {layer}: TensorFlow Lite fails at it "
                f"({_first_line(error).rstrip('.')}). Replace the layer."
            ) from error
        raise ModelError(_first_line(error)) from error


def _at_fault(message: str, model: "keras.Model", floats: bytes | None) -> str | None:
    """The layer at which the converter fails, for a sentence: that of the node of ``floats`` that
    the ``message`` names, or the first that cannot be converted by itself; None where none is."""
    node = re.search(r"Node number (\d+) \(\w+\)", message)
    found = list(_operators(floats)) if node and floats else []
    if node and int(node[1]) < len(found):
        return layer_of(_output_names(*found[int(node[1])]), model)
    failing = (layer for layer, content in converted_alone(model) if content is None)
    return next(map(_named, failing), None)


def _refusal(message: str, model: "keras.Model") -> str | None:
    """A sentence on the operator that the converter's ``message`` names; None where it names
    none, or no layer."""
    found = re.search(r'"(\w+):", "([^"@]+)@', message)  # fused["Erfinv:", "net/layer_1/Erfinv@
    if found is None:
        return None
    operator, name = found.groups()
    layer = layer_of([name], model)
    return layer and (
        f"Cannot quantize {layer}: TensorFlow Lite has no operator {operator}. Replace the layer."
    )


def _check_integer(content: bytes, model: "keras.Model") -> None:
    """ModelError, which names the layers, unless every tensor is int8, or int32 as TFLite needs."""
    unfit: dict[str, None] = {}
    for graph, operator in _operators(content):
        name = _operator_name(graph, operator)
        used = _used(graph, operator)
        if name in ("QUANTIZE", "DEQUANTIZE") or all(map(_is_integer, used)):
            continue
        names = [*_output_names(graph, operator), *(tensor.name.decode() for tensor in used)]
        unfit[f"{layer_of(names, model) or _with_operator(name, model)}: {name}"] = None
    if unfit:
        raise ModelError(
            f"Cannot quantize {'; '.join(unfit)}: the operator after each colon has no int8 form. "
            "Replace these layers."
        )
    if not all(_is_integer(tensor) for tensor in _model(content).subgraphs[0].tensors):
        raise ModelError(f"The model {model.name!r} computes nothing that could be quantized.")


def layer_of(names: list[str], model: "keras.Model") -> str | None:
    """The layer that the first tensor name with a layer in it belongs to, for a sentence.

    None where no name has one.

    A name is a path of scopes such as ``fixed_1/seed_1/conv2d_1/Relu;...``, where tracing
    put a number behind each: ``conv2d_1`` is of ``conv2d`` before it can be of ``conv2d_1``.
    """
    layers = {layer.name: layer for layer in all_layers(model)}
    for name in names:
        for scope in reversed(re.split("[/;]", name)):
            for candidate in (re.sub(r"_\d+$", "", scope), scope):
                if candidate in layers:
                    return _named(layers[candidate])
    return None


def _named(layer: Any) -> str:  # noqa: ANN401 - Keras has no types
    return f"layer {layer.name!r} ({type(layer).__name__})"


def _with_operator(operator: str, model: "keras.Model") -> str:
    """The first layer that becomes such an operator by itself, for a sentence; else the model."""
    for layer, content in converted_alone(model):
        if content is not None and operator in operators(content):
            return _named(layer)
    return f"the model {model.name!r}"


def _model(content: bytes) -> Any:  # noqa: ANN401 - the schema has no types
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def _operators(content: bytes) -> Iterator[tuple[Any, Any]]:
    """Each operator with its subgraph, whose attribute ``codes`` has the model's operator codes."""
    model = _model(content)
    for graph in model.subgraphs:
        graph.codes = model.operatorCodes
        for operator in graph.operators:
            yield graph, operator


def _operator_name(graph: Any, operator: Any) -> str:  # noqa: ANN401
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    code = graph.codes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)  # the latter ends at 127
    return str(next(name for name, value in vars(BuiltinOperator).items() if value == number))


def _used(graph: Any, operator: Any) -> list[Any]:  # noqa: ANN401
    """The tensors that an operator reads or writes."""
    return [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]


def _output_names(graph: Any, operator: Any) -> list[str]:  # noqa: ANN401
    return [graph.tensors[index].name.decode() for index in operator.outputs]


def _is_integer(tensor: Any) -> bool:  # noqa: ANN401
    from ai_edge_litert.schema_py_generated import TensorType

    return any(tensor.type == getattr(TensorType, name) for name in INTEGER_TYPES)


def _tensor_info(graph: Any, index: int) -> TensorInfo:  # noqa: ANN401
    """An edge of the model: of a float32 one, the scale is that of the integers behind it."""
    tensor = graph.tensors[index]
    shape, kind = tuple(int(size) for size in tensor.shape), "int8"
    if not _is_integer(tensor):
        kind = "float32"
        for operator in graph.operators:
            if index in operator.inputs:
                tensor = graph.tensors[operator.outputs[0]]
            elif index in operator.outputs:
                tensor = graph.tensors[operator.inputs[0]]
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zeroPoint[0]
    return TensorInfo(shape, kind, float(scale), int(zero_point))


def _first_line(error: Exception) -> str:
    """The first line of TensorFlow's message, which has many."""
    line = printable(str(error).strip().partition("\n")[0]) or type(error).__name__
    return line if line.endswith(".") else f"{line}."
