"""A SavedModel's folder, as ``model.export`` of Keras and ``tf.saved_model.save`` write it."""

from pathlib import Path
from typing import Any

from glyphite.convert.errors import ModelError
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.text import printable

FILE = "saved_model.pb"
MOST_BYTES = 256 << 20
"""Of all files of the folder: ten times the largest model that is trained for such boards."""
SIGNATURE = "serving_default"
_REACHING_OUT = {
    *("ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "EagerPyFunc", "PyFuncStateless"),
    *("TFRecordReader", "TextLineDataset", "TFRecordDataset", "FixedLengthRecordDataset"),
}
"""Operators that touch files or call Python: loading a model runs some of what is in it."""


def float_tflite_of(folder: Path) -> bytes:
    """The float32 ``.tflite`` of the SavedModel in ``folder``, with a fixed batch of 1.

    Raises ModelError where it is none, has no signature of one float32 input of a fixed shape and
    one output, or cannot be converted; ToolError where TensorFlow is not installed.
    """
    load_tensorflow()
    _check(folder)
    import tensorflow as tf

    try:
        with quiet():
            loaded = tf.saved_model.load(str(folder))
    except Exception as error:  # it raises whatever its parts raise
        raise ModelError(
            f"{folder} cannot be loaded as a SavedModel: {_reason(error)}. Save the model anew, as "
            "a .keras file or with `model.export('FOLDER')`."
        ) from error
    function, name, shape = _signature(loaded, folder)
    fixed = tf.function(
        lambda one: next(iter(function(**{name: one}).values())),
        input_signature=[tf.TensorSpec((1, *shape), tf.float32, name="input")],
    )
    try:
        with quiet():
            concrete = fixed.get_concrete_function()
            converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], loaded)
            return bytes(converter.convert())
    except Exception as error:
        raise ModelError(
            f"TensorFlow Lite cannot convert the SavedModel {folder}: {_reason(error)}. If the "
            "Keras model is at hand, convert its .keras file: that names the layer."
        ) from error


def _check(folder: Path) -> None:
    """ModelError for what is too large, no SavedModel, or reaches beyond the model."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise ModelError(
            f"{folder} has {size:,} bytes, and at most {MOST_BYTES:,} are read. No microcontroller "
            "has room for such a model."
        )
    model = SavedModel()
    try:
        model.ParseFromString((folder / FILE).read_bytes())
    except Exception as error:
        raise ModelError(
            f"{folder / FILE} is damaged: {_reason(error)}. Save the model anew with "
            "`model.export('FOLDER')`."
        ) from error
    nodes = [
        node.op
        for meta in model.meta_graphs
        for part in (meta.graph_def, *meta.graph_def.library.function)
        for node in (part.node if hasattr(part, "node") else part.node_def)
    ]
    if found := sorted(_REACHING_OUT & set(nodes)):
        raise ModelError(
            f"The SavedModel {folder} reads files or runs Python ({', '.join(found)}), and a model "
            "that does is not loaded. Save the network alone."
        )


def _signature(loaded: Any, folder: Path) -> tuple[Any, str, tuple[int, ...]]:  # noqa: ANN401
    """The function to convert, the name of its only input, and the shape of one input."""
    signatures = dict(loaded.signatures)
    if not signatures:
        raise ModelError(
            f"The SavedModel {folder} has no signature, so nothing says what its input is. Save it "
            "with `model.export('FOLDER')`."
        )
    function = signatures.get(SIGNATURE) or next(iter(signatures.values()))
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"The SavedModel {folder} has {len(inputs)} inputs and {len(outputs)} outputs; one of "
            "each is supported. Cut it into models of one input and one output."
        )
    ((name, spec),) = inputs.items()
    shape = tuple(spec.shape[1:]) if spec.shape.rank else ()
    if spec.dtype.name != "float32" or not shape or None in shape:
        raise ModelError(
            f"The SavedModel {folder} takes {spec.dtype.name} of the shape {spec.shape}, and "
            "float32 of a fixed shape behind the batch is needed."
        )
    return function, name, tuple(int(size) for size in shape)


def _reason(error: Exception) -> str:
    line = printable(str(error).strip().partition("\n")[0]) or type(error).__name__
    return line.rstrip(".")
