"""The TensorFlow Lite Micro sketch: the model as a C array, its operators, and its arena.

The files that are the same for every model (the sketch, and the code that sets up the interpreter)
are copied from ``firmware/library/Glyphite/examples/classify_tflm``.
"""

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from shlex import quote

from jinja2 import Environment

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.emit.model import Edge
from glyphite.convert.compiler.emit.text import environment, plain_name
from glyphite.convert.compiler.frontend.check import check_edges, check_indices
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator, Tensor
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.export.c_array import TEMPLATES, c_array, tie
from glyphite.convert.export.tflm_arena import SPARE, Arena, arena_for
from glyphite.convert.export.tflm_operators import ADD_CUSTOM_METHODS, ADD_METHODS
from glyphite.convert.files import read_bytes, write_folder
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.text import command
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder

LIBRARY = FIRMWARE / "library" / "Glyphite"
EXAMPLE = LIBRARY / "examples" / "classify_tflm"
_TOOLS = {"cxx": "g++", "readelf": "readelf", "nm": "nm"}
"""Tools that come with the C compiler."""
SHARED_FILES = ("tflm_model.h", "tflm_model.cc")
BOARD = "cortex-m4"
"""The board that build.sh builds for."""

MOST_AXES = 4
"""Axes of input and output: HELLO_ANSWER has room for as many (GLYPHITE_RANK_MAX)."""
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
SCRATCH_PER_WEIGHT = 4
"""Bytes per weight of a filter: CMSIS-NN widens two patches, each as large as a filter, to int16
(``arm_convolve_s8_get_buffer_size``)."""


@dataclass(frozen=True)
class TflmOperator:
    """An operator: its name in the .tflite, and the method of TFLM's resolver that adds it."""

    name: str
    add_method: str


@dataclass(frozen=True)
class TflmSketch:
    """An exported sketch."""

    folder: Path
    files: tuple[str, ...]
    operators: tuple[TflmOperator, ...]
    arena: Arena


def write_sketch(model: ModelFolder, out: Path | None = None) -> TflmSketch:
    """Write the sketch into ``out``, by default ``build/<model>/tflm``.

    Raises ModelError where TFLM lacks an operator, cannot run the model, or its input or output is
    not int8 or has too many axes; InputError where ``out`` cannot be a sketch or be written;
    ToolError where the package that reads a .tflite is not installed.
    """
    folder = model.tflm if out is None else out
    sketch = sketch_name(folder)
    tflite = read_bytes(model.tflite)
    graph = read(tflite)
    check_indices(graph)
    check_edges(graph)
    operators = tflm_operators(graph)
    edges = [
        _edge("INPUT", graph.tensors[graph.inputs[0]]),
        _edge("OUTPUT", graph.tensors[graph.outputs[0]]),
    ]
    arena = arena_for(tflite, graph, convolution_scratch(graph))
    templates, name = environment(TEMPLATES), plain_name(model.name)
    texts = {
        f"{sketch}.ino": (EXAMPLE / "classify_tflm.ino").read_text(encoding="utf-8"),
        **{file: (EXAMPLE / file).read_text(encoding="utf-8") for file in SHARED_FILES},
        **c_array(name, tflite),
        "model.h": templates.get_template("tflm_model.h.j2").render(
            name=name, version=__version__, edges=edges, arena=arena, spare=SPARE, tie=tie(tflite)
        ),
        "model_ops.h": templates.get_template("model_ops.h.j2").render(
            name=name, version=__version__, operators=operators, tie=tie(tflite)
        ),
        **_instructions(templates, model, folder, operators),
    }
    write_folder(folder, texts, way_out="Name another folder with --out.")
    return TflmSketch(folder, tuple(texts), operators, arena)


def sketch_name(folder: Path) -> str:
    """The name that a sketch in ``folder`` must have: the folder's own, as Arduino demands.

    Raises InputError where ``folder`` is a file, holds another sketch, or has a name that Arduino
    does not take.
    """
    name = folder.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", name):
        raise InputError(
            f"{folder} cannot be an Arduino sketch: its name is {name!r}, and letters, digits, "
            "'_', '.' and '-' are allowed, 63 at most. Name another folder with --out."
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, and a folder is needed. Name one with --out.")
    others = sorted(path.name for path in folder.glob("*.ino") if path.name != f"{name}.ino")
    if others:
        raise InputError(
            f"{folder} holds another sketch, {others[0]}, and Arduino would join the two. "
            "Name an empty folder with --out."
        )
    return name


def tflm_operators(graph: Graph) -> tuple[TflmOperator, ...]:
    """The graph's kinds of operator, each once, in the order of their first use.

    Raises ModelError where TensorFlow Lite Micro lacks one.
    """
    found: dict[str, TflmOperator] = {}
    for operator in graph.operators:
        if operator.kind not in found:
            found[operator.kind] = TflmOperator(operator.kind, _add_method(operator))
    return tuple(found.values())


def _add_method(operator: Operator) -> str:
    method = ADD_METHODS.get(operator.kind) or ADD_CUSTOM_METHODS.get(operator.kind)
    if method is None:
        raise ModelError(
            f"Operator {operator.index} is {operator.kind} (version {operator.version}), which "
            f"TensorFlow Lite Micro lacks: it has {len(ADD_METHODS)} of TensorFlow Lite's "
            f"operators, {', '.join(list(ADD_METHODS)[:3])}, ..., {list(ADD_METHODS)[-1]}. "
            "Build the model from layers that become these."
        )
    return method


def convolution_scratch(graph: Graph) -> int:
    """Bytes that CMSIS-NN's convolutions may need in the arena; the kernels on a PC need none."""
    filters = [
        prod(graph.tensors[operator.inputs[1]].shape[1:])
        for operator in graph.operators
        if operator.kind in CONVOLUTIONS and len(operator.inputs) > 1
        if operator.inputs[1] != ABSENT
    ]
    return SCRATCH_PER_WEIGHT * max(filters, default=0)


def _edge(macro: str, tensor: Tensor) -> Edge:
    if len(tensor.shape) > MOST_AXES:
        raise ModelError(
            f"The model's {macro.lower()} has {len(tensor.shape)} axes, and {MOST_AXES} at most "
            "can be sent over the wire. Add a Reshape layer to the model."
        )
    quantization = tensor.quantization
    if tensor.dtype != "int8" or quantization is None:
        raise ModelError(
            f"The model's {macro.lower()} is {tensor.dtype}, and the sketch takes int8. Quantize "
            "it whole with `glyphite convert`, or use `glyphite compile`."
        )
    return Edge(macro, tensor.shape, tensor.bytes, quantization.scale, quantization.zero_point)


def _instructions(
    templates: Environment, model: ModelFolder, folder: Path, operators: tuple[TflmOperator, ...]
) -> dict[str, str]:
    """How to build the sketch: in words, and for an emulated board as a shell script."""
    board = load_board(BOARD)
    fields = {
        "model": plain_name(model.name),
        "stream": command("glyphite", "stream", model.named),
        "sketch": folder.resolve().name,
        "folder": quote(str(folder.resolve())),
        "operators": operators,
        "library": quote(str(LIBRARY)),
        "firmware": quote(str(FIRMWARE)),
        "board": board,
        **{tool: board.toolchain.cc.replace("gcc", name) for tool, name in _TOOLS.items()},
        "flags": " ".join(
            (*board.toolchain.flags, board.toolchain.optimize, "-ffunction-sections")
        ),
        "defines": " ".join(map(quote, board.definitions)),
        "version": __version__,
    }
    return {
        name: templates.get_template(f"tflm_{name}.j2").render(fields)
        for name in ("README.txt", "build.sh")
    }
