"""``model.c`` and ``model.h``: a program and its plan as C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import __version__
from convert.emit import layers
from convert.emit.c_array import byte_lines, environment
from convert.emit.kernels import gather
from convert.emit.shared import shared
from convert.goal import Goal
from convert.graph import Tensor, shape_text
from convert.plan import Plan
from convert.program import Layer, Program, Step
from convert.rows import geometry

_C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t", "float32": "float"}


MOST_NAME_BYTES = 31
"""Of the name that a board tells: one less than host.wire.protocol.TEXT_BYTES."""


@dataclass(frozen=True)
class Edge:
    """The model's input or output, for ``model.h``."""

    macro: str
    shape: tuple[int, ...]
    bytes: int
    scale: float
    """0 for float32, whose numbers stand for themselves."""
    zero_point: int
    dtype: str = "int8"

    @property
    def type(self) -> str:
        """The C type of its numbers."""
        return _C_TYPES[self.dtype]

    @property
    def scale_literal(self) -> str:
        """The scale in C."""
        return float_literal(self.scale)


@dataclass(frozen=True)
class Array:
    """A constant array of the generated C."""

    name: str
    values: NDArray[Any]
    qualifier: str = "GLYPHITE_CONST"
    """Where it lies."""

    @property
    def declaration(self) -> str:
        """Without its values."""
        kind = _C_TYPES[self.values.dtype.name]
        return f"static const {self.qualifier} {kind} {self.name}[{self.values.size}]"

    @property
    def lines(self) -> list[str]:
        """Its values, as lines."""
        return list(_wrapped(map(str, self.values.ravel().tolist())))


@dataclass(frozen=True)
class Row:
    """A layer in the table of layers."""

    name: str
    kind: str
    output: str
    macs: int
    constant_bytes: int


def files(
    name: str, digest: bytes, program: Program, plan: Plan, *, architecture: str, goal: Goal
) -> dict[str, str]:
    """File name -> text of the model whose .tflite has the SHA-256 ``digest``.

    The same arguments give the same text.
    """
    names = layers.Names(program, plan)
    steps = names.layers
    rings = layers.ring_lines(names)
    common = shared(names, goal)
    system, kernels = gather((step.kernel for step in program.steps), rings=bool(rings))
    graph = program.graph
    fields = {
        "name": name,
        "short_name": name.encode()[:MOST_NAME_BYTES].decode(errors="ignore"),
        "version": __version__,
        "architecture": architecture,
        "goal": goal,
        "sha256": digest.hex(),
        "sha256_lines": list(byte_lines(digest)),
        "edges": [
            _edge("INPUT", graph.tensors[graph.inputs[0]]),
            _edge("OUTPUT", graph.tensors[graph.outputs[0]]),
        ],
        "rows": rows(program),
        "plan": plan,
        "macs": sum(step.macs for step in program.steps),
        "constant_bytes": sum(step.constant_bytes for step in program.steps),
        "system": system,
        "kernels": kernels,
        "window_rows": max((step.window_rows for step in program.steps), default=0),
        "arrays": [array for layer in steps for array in _arrays(layer)],
        "structs": [common.structs.get(layer.name) or _struct(layer) for layer in steps],
        "buffers": layers.offsets(names),
        "rings": rings,
        "shared": common.functions,
        "layers": layers.functions(names),
        "tallest": layers.tallest(plan),
        "codes": layers.codes(plan.schedule, len(steps)),
        "code_lines": lambda codes: list(_wrapped(map(str, codes.values))),
        "input_ring": names.ring(graph.inputs[0]),
        "input_rows": geometry(graph.tensors[graph.inputs[0]]),
        "state_bytes": layers.state_bytes(plan),
        "at_input": names.place(graph.inputs[0]),
        "at_output": names.place(graph.outputs[0]),
    }
    templates = environment()
    templates.filters["quoted"] = quoted
    templates.filters["comment"] = comment
    return {
        file: templates.get_template(f"{file}.j2").render(fields) for file in ("model.h", "model.c")
    }


def rows(program: Program) -> list[Row]:
    """The table of layers."""
    graph = program.graph
    return [
        Row(
            name=layer.name,
            kind=layer.operator.kind,
            output=shape_text(graph.output_of(layer.operator).shape),
            macs=layer.lowered.macs if isinstance(layer.lowered, Step) else 0,
            constant_bytes=layer.lowered.constant_bytes if isinstance(layer.lowered, Step) else 0,
        )
        for layer in program.layers
    ]


def quoted(text: str) -> str:
    """Any text as a C string literal."""
    plain = (f"\\{byte:03o}" if byte in b'"\\?' or not 32 <= byte < 127 else chr(byte)
             for byte in text.encode())  # fmt: skip
    return '"' + "".join(plain) + '"'


def comment(text: str) -> str:
    """Any text so that it cannot end a C comment or a line of it."""
    return "".join(c if c.isascii() and c.isprintable() and c not in "*\\?" else "_" for c in text)


def float_literal(number: float) -> str:
    """A C float that reads back as the same number of 32 bits."""
    digits = str(np.float32(number))
    return digits + ("f" if "." in digits or "e" in digits else ".0f")


def _edge(macro: str, tensor: Tensor) -> Edge:
    found = None if tensor.dtype == "float32" else tensor.quantization
    scale, zero_point = (found.scale, found.zero_point) if found else (0.0, 0)
    return Edge(macro, tensor.shape, tensor.bytes, scale, zero_point, tensor.dtype)


def _arrays(layer: Layer) -> Iterator[Array]:
    assert isinstance(layer.lowered, Step)
    qualifier = "GLYPHITE_FAR" if _in_flash(layer.lowered) else "GLYPHITE_CONST"
    for name, values in _nested_arrays(layer.name, layer.lowered.fields):
        yield Array(name, values, qualifier)


def _in_flash(step: Step) -> bool:
    """Whether the kernel reads its struct and its arrays from an AVR's program memory."""
    return step.kernel.startswith("avr_")


def _nested_arrays(prefix: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Names and values of the arrays in a struct."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _nested_arrays(prefix, value)
        elif isinstance(value, tuple):
            yield from _nested_arrays(
                f"{prefix}_{name}", {str(i): part for i, part in enumerate(value)}
            )
        elif isinstance(value, np.ndarray):
            yield f"{prefix}_{name}", value


def _struct(layer: Layer) -> str:
    assert isinstance(layer.lowered, Step)
    body = _initializer(layer.name, layer.lowered.fields, 4)
    qualifier = "GLYPHITE_FAR " if _in_flash(layer.lowered) else ""
    return f"static const {qualifier}struct glyphite_{layer.lowered.kernel} {layer.name} = {body};"


def _initializer(prefix: str, fields: Mapping[str, Any], indent: int) -> str:
    lines = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            text = _initializer(prefix, value, indent + 4)
        elif isinstance(value, tuple):
            text = "{" + ", ".join(f"{prefix}_{name}_{i}" for i in range(len(value))) + "}"
        elif isinstance(value, np.ndarray):
            text = f"{prefix}_{name}"
        elif isinstance(value, float):
            text = float_literal(value)
        else:
            text = str(value)
        lines.append(f"{' ' * indent}.{name} = {text},")
    return "\n".join(["{", *lines, " " * (indent - 4) + "}"])


def _wrapped(words: Iterator[str]) -> Iterator[str]:
    """Words, each followed by a comma, as lines of at most layers.COLUMNS."""
    line = "   "
    for word in words:
        if len(line) + len(word) + 2 > layers.COLUMNS:
            yield line
            line = "   "
        line += f" {word},"
    yield line
