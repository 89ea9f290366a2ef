"""A float32 ``.tflite``: read, run by LiteRT, and quantized to int8 by ai-edge-quantizer.

That package is Google's quantizer for a ``.tflite`` whose Keras model is not at hand: one made of
PyTorch by litert-torch, say, or of a SavedModel.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import IDENTIFIER
from glyphite.convert.errors import ModelError
from glyphite.convert.extras import absent
from glyphite.convert.files import temporary_files_in, temporary_folder
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.text import printable

QUANTIZER = "ai-edge-quantizer"

Floats = NDArray[np.float32]


class FloatTflite:
    """The model in a float32 ``.tflite`` with one input and one output and a batch of 1.

    Raises ModelError where a file holds no such model.
    """

    file = "model_float.tflite"

    def __init__(self, content: bytes, named: str) -> None:
        """``named`` names the model in messages.

        Raises ModelError where it is no such model.
        """
        self.content = self.float_tflite = content
        self._named = named
        self._interpreter = _interpreter(content, named)
        source = _only(self._interpreter.get_input_details(), "input", named)
        sink = _only(self._interpreter.get_output_details(), "output", named)
        _refuse_integers(self._interpreter, named)
        self.shape = tuple(int(size) for size in source["shape"][1:])
        self.output_shape = tuple(int(size) for size in sink["shape"][1:])
        self._source, self._sink = source["index"], sink["index"]
        self.notes: tuple[str, ...] = ()

    def answers(self, inputs: Floats) -> Floats:
        """The outputs (n, *output shape) for ``inputs`` (n, *shape)."""
        return np.stack([self._answer(one) for one in inputs])

    def _answer(self, one: Floats) -> Floats:
        self._interpreter.set_tensor(self._source, one[np.newaxis])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._sink)[0], np.float32)

    def layer_of(self, tensor: str) -> str:
        """What a sentence calls the layer that writes the tensor of the name ``tensor``."""
        return f"the layer that writes {printable(tensor)!r}"

    def quantized(self, calibration: Floats) -> bytes:
        """The int8 .tflite, its ranges set by ``calibration`` (n, *shape).

        Raises ModelError where ai-edge-quantizer cannot quantize the model, ToolError where it is
        not installed.
        """
        try:
            with quiet():
                from ai_edge_quantizer import quantizer, recipe
        except ModuleNotFoundError as error:
            raise absent(QUANTIZER, "quantizing a .tflite or a SavedModel") from error
        with temporary_folder() as folder, temporary_files_in(folder):
            path = folder / self.file
            path.write_bytes(self.content)
            try:
                with quiet():
                    work = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
                    found = _ranges(path, self._samples(calibration))
                    return bytes(work.quantize(found).quantized_model)
            except Exception as error:  # it raises whatever its many parts raise
                reason = printable(str(error).strip().partition("\n")[0]).rstrip(".")
                raise ModelError(
                    f"{QUANTIZER} {version(QUANTIZER)} cannot quantize {self._named}: {reason}. If "
                    "the Keras model is at hand, convert that: TensorFlow's own quantizer knows "
                    "more layers."
                ) from error

    def _samples(self, calibration: Floats) -> dict[str, list[dict[str, Floats]]]:
        """As the quantizer wants them: by the name of the signature, and of its only input."""
        signatures = self._interpreter.get_signature_list()
        name, edges = next(iter(signatures.items()), ("", {"inputs": ["input"]}))
        return {name: [{edges["inputs"][0]: one[np.newaxis]} for one in calibration]}


def _ranges(path: Path, samples: dict[str, list[dict[str, Floats]]]) -> dict[str, Any]:
    """The least and largest value of each tensor over all samples, by its name.

    The quantizer's own way is a moving average of them, which cuts off what few samples reach.
    """
    from ai_edge_quantizer import calibrator, recipe, recipe_manager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe.static_wi8_ai8())
    work = calibrator.Calibrator(str(path), qsv_update_func=min_max_update)
    work.calibrate(samples, manager)
    ranges: dict[str, Any] = work.get_model_qsvs()
    return ranges


def dead_tensor(content: bytes, inputs: Floats) -> str | None:
    """The first tensor that a layer of a float32 ``.tflite`` fills with zeros for all ``inputs``.

    ``inputs`` are (n, *shape). None where each has another value at least once, the model's output
    aside.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate keeps no tensors
    with quiet():
        interpreter = Interpreter(
            model_content=content,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=plain,
        )
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    left = _written(content)
    for one in inputs:
        interpreter.set_tensor(source, one[np.newaxis])
        interpreter.invoke()
        left = {at: name for at, name in left.items() if not np.any(interpreter.get_tensor(at))}
    return next(iter(left.values()), None)


def _written(content: bytes) -> dict[int, str]:
    """Number and name of each float tensor that an operator writes, but the model's output."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    outputs = [int(index) for operator in graph.operators for index in operator.outputs]
    return {
        index: graph.tensors[index].name.decode(errors="replace")
        for index in outputs
        if graph.tensors[index].type == schema.TensorType.FLOAT32 and index not in graph.outputs
    }


def _interpreter(content: bytes, named: str) -> Any:  # noqa: ANN401 - LiteRT has no types
    from ai_edge_litert.interpreter import Interpreter

    if content[4:8] != IDENTIFIER:
        raise ModelError(f"{named} is not a .tflite file: its bytes 4 to 7 are not 'TFL3'.")
    try:
        with quiet():
            interpreter = Interpreter(model_content=content)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = printable(" ".join(str(error).split()).rstrip("."))
        raise ModelError(
            f"{named} cannot be loaded by LiteRT: {reason}. Copy the file again, or make it anew."
        ) from error
    return interpreter


def _only(details: list[dict[str, Any]], what: str, named: str) -> dict[str, Any]:
    """The only input or output. Raises ModelError unless it is float32 with a batch of 1."""
    if len(details) != 1:
        raise ModelError(
            f"{named} has {len(details)} {what}s, and one is supported. Cut it into models of one "
            "input and one output."
        )
    (tensor,) = details
    dtype, shape = np.dtype(tensor["dtype"]).name, tuple(map(int, tensor["shape"]))
    if dtype == "int8":
        raise _already(named)
    if dtype != "float32":
        raise ModelError(
            f"The {what} of {named} is {dtype}, and only float32 can be quantized. Make the model "
            f"anew with a float32 {what}."
        )
    if len(shape) < 2 or shape[0] != 1:
        raise ModelError(
            f"The {what} of {named} has the shape {shape}, and a batch of 1 in front is needed. "
            "Convert the model with a fixed batch of 1."
        )
    return tensor


def _refuse_integers(interpreter: Any, named: str) -> None:  # noqa: ANN401
    """ModelError where a tensor is int8: the file is quantized, in whole or in part."""
    found = {np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
    if {"int8", "int16", "uint8", "float16"} & found:
        raise _already(named)


def _already(named: str) -> ModelError:
    return ModelError(
        f"{named} is quantized already, in whole or in part, and a float32 model is needed. Where "
        f"all of it is int8, every verb but `convert` takes it as it is: `glyphite compile {named}`"
        ". Else convert the float32 model that it was made from."
    )
