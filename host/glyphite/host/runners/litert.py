"""Int8 inference on the PC by LiteRT: `ai-edge-litert`, or `tflite-runtime`, its older name.

Nothing else that this file imports needs either, so that int8 inference works wherever one of the
two is installed.
"""

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import Tensor
from glyphite.convert.errors import CONVERT_AGAIN, ModelError, ToolError
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import INT16, Manifest, TensorInfo, sha256_of
from glyphite.convert.preprocessing import NAMED, of_range
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.text import printable
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.base import Outputs, Tensors, only, package_version, require_shape
from glyphite.host.runners.trial import try_out

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every .tflite file."""


@dataclass
class LitertRunner:
    """Runs a .tflite whose input and output are int8 or float32, one image at a time."""

    model: Path
    name: str = "int8_litert"
    remark: str = ""
    """A sentence on how the last run was another than usual; empty where it was not."""

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The scores (n, classes) of its one output, of the type of the model's output.

        Raises InputError where the .tflite cannot be read; ModelError where LiteRT cannot run it,
        its input or output is of another type, or ``inputs`` are other inputs than it takes;
        ToolError where no LiteRT is installed.
        """
        tensors = only(inputs)
        interpreter, self.remark = _load(self.model)
        source, sink = (_only(kind, self.model) for kind in _details(interpreter, self.model))
        require_shape(tensors, _shape(source), np.dtype(source["dtype"]))
        scores = np.empty((len(tensors), *_shape(sink)[1:]), sink["dtype"])
        for index, tensor in enumerate(tensors):
            interpreter.set_tensor(source["index"], tensor[np.newaxis])
            interpreter.invoke()
            scores[index] = interpreter.get_tensor(sink["index"])[0]
            progress(1)
        return (scores.reshape(len(tensors), -1),)


def litert_version() -> str:
    """Package and version of the LiteRT that runs here, such as "ai-edge-litert 2.3.0".

    Raises ToolError where none is installed.
    """
    package = _interpreter_class().__module__.partition(".")[0].replace("_", "-")
    return f"{package} {package_version(package)}"


def read_manifest(folder: ModelFolder) -> Manifest:
    """The model's manifest; for a .tflite without one, a manifest made from the file itself.

    The labels are then numbers. Raises ModelError where the .tflite cannot be used, or is another
    one than the manifest describes, or the manifest was changed, or is missing beside a float
    model; InputError where a file cannot be read; ToolError where no LiteRT is installed.
    """
    if not folder.manifest.is_file():
        _require_foreign(folder)
        return _describe(folder)
    manifest = Manifest.load(folder.manifest, folder.mend)
    found = sha256_of(folder.tflite)
    if manifest.sha256 != found:
        raise ModelError(
            f"{folder.tflite} is not the model that {folder.manifest} describes: its SHA-256 "
            f"starts with {found[:12]}, and {manifest.sha256[:12]} is expected. "
            f"{folder.mend}"
        )
    _require_same(manifest, folder)
    return manifest


class OfTflite(Protocol):
    """A manifest, or a compiled model."""

    @property
    def sha256(self) -> str:
        """That of the .tflite that it is of."""


def require_unchanged(folder: ModelFolder, model: OfTflite) -> None:
    """Make sure that the .tflite is still the one that ``model`` is of, once figures are there.

    Another command may have written it between two readings. Raises ModelError where it did.
    """
    if sha256_of(folder.tflite) != model.sha256:
        raise ModelError(
            f"{folder.tflite} was changed while this ran, so there are no figures of one model. "
            "Give the same command again."
        )


def _require_foreign(folder: ModelFolder) -> None:
    """ModelError for a model that was made here: how its pixels are prepared, nobody knows."""
    if folder.tflite.parent == folder.root and folder.float_model.is_file():
        raise ModelError(
            f"{folder.manifest} is not there, which says what {folder.tflite} takes. {folder.mend}"
        )


def _require_same(manifest: Manifest, folder: ModelFolder) -> None:
    """ModelError unless the manifest says of input and output what the .tflite itself says."""
    said = {"input": manifest.input, "output": manifest.output}
    for (what, one), found in zip(said.items(), _tensors(folder.tflite), strict=True):
        if one != found:
            raise ModelError(
                f"{folder.manifest} describes another {what} than {folder.tflite} has: that is "
                f"{found.dtype} of shape {found.shape}, scale {found.scale:g} and zero point "
                f"{found.zero_point}. {folder.mend}"
            )


def _describe(folder: ModelFolder) -> Manifest:
    try_out(folder.tflite)
    source, sink = _tensors(folder.tflite)
    _require_int8_inside(source, sink)
    classes = int(np.prod(sink.shape[1:]))
    found = Manifest(
        name=folder.name,
        sha256=sha256_of(folder.tflite),
        input=source,
        output=sink,
        labels=tuple(str(index) for index in range(classes)),
        scheme=INT16 if _is_int16(folder.tflite, source) else "",
    )
    low, high = found.input_range
    if found.scheme == INT16:  # as far below 0 as above it, whatever the samples were
        low = 0.0
    return dataclasses.replace(
        found, preprocessing=of_range(low, high) if source.scale else NAMED["unit"]
    )


def _require_int8_inside(source: TensorInfo, sink: TensorInfo) -> None:
    """Make sure that there is int8 behind a float input, and before a float output.

    Raises ModelError where there is none: no verb has a use for such a file.
    """
    for what, one in (("input", source), ("output", sink)):
        if not one.scale:
            raise ModelError(
                f"The .tflite's {what} is float32, and int8 is needed. {CONVERT_AGAIN}"
            )


def _tensors(path: Path) -> tuple[TensorInfo, TensorInfo]:
    """Input and output as the .tflite itself describes them."""
    source, sink = _details(_load(path)[0], path)
    infos = _tensor_info(source, path), _tensor_info(sink, path)
    if all(info.dtype == "int8" for info in infos):
        return infos
    behind = _behind(path)
    return _with_scale(infos[0], behind[0]), _with_scale(infos[1], behind[1])


def _behind(path: Path) -> tuple[Tensor | None, Tensor | None]:
    """What QUANTIZE makes of a float32 input, and DEQUANTIZE a float32 output of."""
    try:
        graph = read_loosely(read_bytes(path))[0]
    except ModelError:  # LiteRT runs what this does not know
        return None, None
    made = [each for each in graph.consumers(graph.inputs[0]) if each.kind == "QUANTIZE"]
    given = [each for each in graph.operators if each.outputs == graph.outputs[:1]]
    source = graph.output_of(made[0]) if made else None
    last = graph.input_of(given[0], 0) if given and given[0].kind == "DEQUANTIZE" else None
    return source, last


def _is_int16(path: Path, source: TensorInfo) -> bool:
    """Whether a float32 input becomes int16."""
    behind = None if source.dtype == "int8" else _behind(path)[0]
    return behind is not None and behind.dtype == INT16


def _with_scale(info: TensorInfo, behind: Tensor | None) -> TensorInfo:
    if info.dtype == "int8" or behind is None or behind.quantization is None:
        return info
    numbers = behind.quantization
    return dataclasses.replace(info, scale=numbers.scale, zero_point=numbers.zero_point)


def _interpreter_class() -> Any:  # noqa: ANN401 - the class of whichever package is installed
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:  # another ImportError is of a package that is there
        try:
            from tflite_runtime.interpreter import Interpreter
        except ModuleNotFoundError as error:
            raise ToolError(
                "No LiteRT is installed, and int8 inference on the PC needs it. Install it with "
                "`pip install ai-edge-litert`, or, for Python 3.11 with numpy below 2, with "
                "`pip install 'glyphite[tflite-runtime]'`."
            ) from error
    return Interpreter


def _load(path: Path) -> tuple[Any, str]:
    """An interpreter of either package, and the remark of a run with it."""
    interpreter_class = _interpreter_class()
    content = read_bytes(path)
    if content[4:8] != IDENTIFIER:
        raise ModelError(
            f"{path} is not a .tflite file: bytes 4 to 7 are {content[4:8]!r}, and "
            f"{IDENTIFIER!r} is expected. Name a model that `glyphite convert` or TensorFlow "
            "Lite's converter has written."
        )
    try:
        return _allocated(interpreter_class, content), ""
    except (ValueError, RuntimeError) as error:
        plain = _without_delegate(interpreter_class, content)
        if plain is None:
            raise _unusable(path, error) from error
        return plain, (
            "LiteRT ran without its delegate XNNPACK, which refuses this model: "
            f"{printable(' '.join(str(error).split()).rstrip('.'))}."
        )


def _allocated(interpreter_class: Any, content: bytes, **options: Any) -> Any:  # noqa: ANN401
    with quiet():
        interpreter = interpreter_class(model_content=content, **options)
        interpreter.allocate_tensors()
    return interpreter


def _without_delegate(interpreter_class: Any, content: bytes) -> Any | None:  # noqa: ANN401
    """LiteRT without XNNPACK, which refuses what the other does not: scales near 1e-8, say.

    None where it refuses the model, too, or the package has no such choice.
    """
    module = import_module(interpreter_class.__module__)
    resolver = getattr(module, "OpResolverType", None)
    if resolver is None:
        return None
    plain = resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with suppress(ValueError, RuntimeError):
        return _allocated(interpreter_class, content, experimental_op_resolver_type=plain)
    return None


def interpreter_of(content: bytes, named: str, *, delegate: bool = True) -> Any:  # noqa: ANN401
    """An interpreter of a .tflite; without the ``delegate``, every tensor of it can be read after
    an inference.

    Raises ModelError where LiteRT refuses the model, ToolError where none is installed.
    """
    interpreter_class = _interpreter_class()
    options: dict[str, Any] = {}
    if not delegate:
        resolver = import_module(interpreter_class.__module__).OpResolverType
        plain = resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        options = {
            "experimental_preserve_all_tensors": True,
            "experimental_op_resolver_type": plain,
        }
    try:
        return _allocated(interpreter_class, content, **options)
    except (ValueError, RuntimeError) as error:
        raise _unusable(named, error) from error


def _unusable(path: Path | str, error: Exception) -> ModelError:
    reason = printable(" ".join(str(error).split()).rstrip("."))
    return ModelError(
        f"{path} cannot be loaded by LiteRT: {reason}. The file is damaged or cut "
        "short, or needs an operator that LiteRT lacks. Copy it or convert it anew."
    )


def _details(interpreter: Any, path: Path) -> tuple[Any, Any]:  # noqa: ANN401
    try:
        return interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:  # a wrong index, or a name that is not UTF-8
        raise _unusable(path, error) from error


def _only(details: list[dict[str, Any]], path: Path) -> dict[str, Any]:
    """The one tensor of ``details``; ModelError unless its batch is 1 and its type is allowed."""
    if len(details) != 1:
        raise ModelError(
            f"{path} has {len(details)} inputs or outputs, and models with one input and one "
            "output are supported."
        )
    tensor = details[0]
    dtype = np.dtype(tensor["dtype"]).name
    if dtype not in ("int8", "float32"):
        raise ModelError(
            f"{path} has an input or output of {dtype}, and int8 is needed. {CONVERT_AGAIN}"
        )
    if len(tensor["shape"]) < 2 or tensor["shape"][0] != 1:
        raise ModelError(
            f"{path} has a tensor {tensor['name']!r} of shape {_shape(tensor)}, and a batch of 1 "
            "in front is needed. Convert the model with a fixed batch of 1."
        )
    return tensor


def _shape(tensor: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in tensor["shape"])


def _tensor_info(details: list[dict[str, Any]], path: Path) -> TensorInfo:
    """What the numbers of the one tensor mean; ModelError where they can mean nothing."""
    tensor = _only(details, path)
    scale, zero_point = tensor["quantization"]
    dtype = np.dtype(tensor["dtype"]).name
    if dtype == "int8" and not (0 < scale < np.inf and -128 <= zero_point <= 127):
        raise ModelError(
            f"{path} has a tensor {printable(tensor['name'])} of scale {scale:g} and zero point "
            f"{zero_point}: a scale must be above 0, and a zero point within -128 to 127. "
            "Convert the model anew."
        )
    return TensorInfo(_shape(tensor), dtype, float(scale), int(zero_point))
