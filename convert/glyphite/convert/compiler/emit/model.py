"""``model.c`` and ``model.h``: a program and its plan as C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.emit import layers
from glyphite.convert.compiler.emit.constants import C_TYPES, arrays, float_literal, struct, wrapped
from glyphite.convert.compiler.emit.kernels import collect
from glyphite.convert.compiler.emit.shared import shared
from glyphite.convert.compiler.emit.text import (
    PREFIX,
    TIE,
    byte_lines,
    environment,
    plain_name,
    tied,
)
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.graph import Tensor, shape_text
from glyphite.convert.compiler.ir.program import Program
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.compiler.ir.struct import most_parts
from glyphite.convert.compiler.memory.plan import Plan
from glyphite.convert.version import __version__


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
        return C_TYPES[self.dtype]

    @property
    def scale_literal(self) -> str:
        """The scale in C."""
        return float_literal(self.scale)


@dataclass(frozen=True)
class Row:
    """A layer in the table of layers."""

    name: str
    kind: str
    output: str
    macs: int
    constant_bytes: int


def files(
    name: str,
    digest: bytes,
    program: Program,
    plan: Plan,
    *,
    architecture: str,
    goal: Goal,
    prefix: str = PREFIX,
) -> dict[str, str]:
    """File name -> text of the model whose .tflite has the SHA-256 ``digest``.

    ``prefix``: what the names of the files, functions and macros begin with.

    The same arguments give the same text.
    """
    names = layers.Names(program, plan)
    fields = {
        "name": plain_name(name),
        "prefix": prefix,
        "macro": prefix.upper(),
        "version": __version__,
        "architecture": architecture,
        "goal": goal,
        "sha256": digest.hex(),
        "sha256_lines": list(byte_lines(digest)),
        "tie": TIE,
        "plan": plan,
        **_totals(program),
        **_edges(names),
        **_code(names, goal),
    }
    templates = environment("glyphite.convert.compiler.emit")
    return tied(
        {
            f"{prefix}.{kind}": templates.get_template(f"model.{kind}.j2").render(fields)
            for kind in ("h", "c")
        }
    )


def _totals(program: Program) -> dict[str, Any]:
    """What the comments and the header count."""
    return {
        "rows": rows(program),
        "macs": sum(step.macs for step in program.steps),
        "constant_bytes": sum(step.constant_bytes for step in program.steps),
        "window_rows": max((step.window_rows for step in program.steps), default=0),
        "parts": max((most_parts(step.constants) for step in program.steps), default=0),
    }


def _edges(names: layers.Names) -> dict[str, Any]:
    """The model's input and output: what they are, and where they lie."""
    graph, plan = names.program.graph, names.plan
    (source, *_), (result, *_) = graph.inputs, graph.outputs
    return {
        "edges": [_edge("INPUT", graph.tensors[source]), _edge("OUTPUT", graph.tensors[result])],
        "input_ring": names.ring(source),
        "input_rows": geometry(graph.tensors[source]),
        "state_bytes": layers.state_bytes(plan),
        "at_input": names.place(source),
        "at_output": names.place(result),
    }


def _code(names: layers.Names, goal: Goal) -> dict[str, Any]:
    """The kernels, their constants, and the functions that call them."""
    steps, plan = names.layers, names.plan
    rings = layers.ring_lines(names)
    common = shared(names, goal)
    system, kernels = collect((step.kernel for step in names.program.steps), rings=bool(rings))
    return {
        "system": system,
        "every_register": any(step.kernel.folder == "dsp" for step in names.program.steps),
        "kernels": kernels,
        "arrays": [array for layer, step in steps for array in arrays(layer.name, step)],
        "structs": [
            common.structs.get(layer.name) or struct(layer.name, step) for layer, step in steps
        ],
        "buffers": layers.offsets(names),
        "rings": rings,
        "shared": common.functions,
        "layers": layers.functions(names),
        "tallest": layers.tallest(plan),
        "codes": layers.codes(plan.schedule, len(steps)),
        "code_lines": lambda codes: list(wrapped(map(str, codes.values))),
    }


def rows(program: Program) -> list[Row]:
    """The table of layers."""
    graph = program.graph
    return [
        Row(
            name=layer.name,
            kind=layer.operator.kind,
            output=shape_text(graph.output_of(layer.operator).shape),
            macs=layer.step.macs if layer.step else 0,
            constant_bytes=layer.step.constant_bytes if layer.step else 0,
        )
        for layer in program.layers
    ]


def _edge(macro: str, tensor: Tensor) -> Edge:
    found = None if tensor.dtype == "float32" else tensor.quantization
    scale, zero_point = (found.scale, found.zero_point) if found else (0.0, 0)
    return Edge(macro, tensor.shape, tensor.bytes, scale, zero_point, tensor.dtype)
