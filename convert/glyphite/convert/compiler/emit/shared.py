"""Kernels that several layers share: one copy of each in the code.

A kernel is inlined into a layer's function, where every size is a constant: fast, but each layer
has a copy. Layers that differ in sizes only can share one. What they have in common is a constant
there too; the rest is what is left of the layers' own structs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glyphite.convert.compiler.emit.layers import Names, wrap
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Layer, Step

MOST_COPIES = {Goal.SPEED: 8, Goal.RAM: 3, Goal.SIZE: 1}
"""Layers up to which each has a copy of its own."""
FORM = (
    "wide", "pixels", "rest", "simple", "proven", "up", "tiles", "kernel_height", "kernel_width",
)  # fmt: skip
"""Fields that choose among ways through a kernel; the others are sizes."""
APART = ("avr_", "softmax", "quantize", "dequantize", "table", "concatenation")
"""Kernels whose names start so keep their copies: their pointers are of other types, or they are
small."""

KEPT_FAST = (
    "dsp_depthwise_conv_2d",
    "dsp_depthwise_conv_2d_image",
    "dsp_depthwise_conv_2d_pair",
)
"""Kernels that lose too much where sizes are no constants: for speed, equal sizes share them."""
MOST_EQUAL = {"dsp_depthwise_conv_2d_image": 1}
"""Layers of equal sizes up to which each has such a kernel of its own."""
MOST_EQUAL_OTHERS = 4

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class _Call:
    layer: Layer
    step: Step
    function: str
    by_rows: bool

    @property
    def form(self) -> tuple[object, ...]:
        """Calls of the same form can be shared."""
        chosen = (value for path, value in self.fields.items() if path.rpartition(".")[2] in FORM)
        return self.function, bool(self.step.scratch_bytes), tuple(self.fields), *chosen

    @property
    def sizes(self) -> tuple[object, ...]:
        """What the loops of a kernel turn by, the layouts that they walk, and its shift."""
        return tuple(
            value
            for path, value in self.fields.items()
            if "window." in path or "channels" in path or path.endswith(".shift")
        )

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """Numbers and arrays by their paths in the kernel's struct."""
        return _flat(self.step.fields)

    def differs(self, other: _Call, path: str) -> bool:
        """Whether a field must be kept for each layer."""
        value = self.fields[path]
        return isinstance(value, np.ndarray) or bool(value != other.fields[path])


@dataclass(frozen=True)
class Shared:
    """C that layers share."""

    functions: list[str]
    structs: Mapping[str, str]
    """Layer -> its struct: what the layers of a function differ in."""


def shared(names: Names, goal: Goal) -> Shared:
    """The functions for kernels that are shared; ``names`` then tells their callers."""
    groups: dict[tuple[object, ...], list[_Call]] = {}
    for call in _calls(names):
        fast = goal is Goal.SPEED and call.step.kernel in KEPT_FAST
        groups.setdefault((*call.form, *(call.sizes if fast else ())), []).append(call)
    functions, structs, callers = [], {}, {}
    for calls in groups.values():
        fast = goal is Goal.SPEED and calls[0].step.kernel in KEPT_FAST
        equal = MOST_EQUAL.get(calls[0].step.kernel, MOST_EQUAL_OTHERS)
        if len(calls) > (equal if fast else MOST_COPIES[goal]):
            name = f"share_{calls[0].layer.name}"
            callers.update({call.layer.name: name for call in calls})
            kept = [
                path
                for path in calls[0].fields
                if any(calls[0].differs(call, path) for call in calls)
            ]
            functions.append(_definition(name, calls[0], kept))
            structs.update({call.layer.name: _struct(name, call, kept) for call in calls})
            structs[calls[0].layer.name] = (
                f"{_type(name, calls[0], kept)}\n{structs[calls[0].layer.name]}"
            )
    names.shared = callers
    return Shared(functions, structs)


def _calls(names: Names) -> Iterator[_Call]:
    for layer, task in zip(names.layers, names.plan.tasks, strict=True):
        step = layer.lowered
        assert isinstance(step, Step)
        if not step.kernel.startswith(APART):
            function = step.rows.function if step.rows and task.by_rows else step.kernel
            yield _Call(layer, step, function, task.by_rows)


def _type(name: str, call: _Call, kept: Sequence[str]) -> str:
    kinds = {"int8": "const GLYPHITE_CONST int8_t *", "int32": "const GLYPHITE_CONST int32_t *"}
    lines = []
    for path in kept:
        value = call.fields[path]
        kind = kinds[value.dtype.name] if isinstance(value, np.ndarray) else _number(call, path)
        lines.append(f"    {kind}{_member(path)};")
    return "\n".join([f"struct {name} {{", *lines, "};"])


def _number(call: _Call, path: str) -> str:
    """The type of a number, as the kernel's own struct has it: a conversion would be warned of."""
    is_shift = path.rpartition(".")[2] == "shift"
    return "int8_t " if is_shift and not call.step.kernel.startswith("dsp_") else "int32_t "


def _struct(name: str, call: _Call, kept: Sequence[str]) -> str:
    lines = []
    for path in kept:
        value = call.fields[path]
        text = (
            f"{call.layer.name}_{path.rpartition('.')[2]}"
            if isinstance(value, np.ndarray)
            else value
        )
        lines.append(f"    .{_member(path)} = {text},")
    return "\n".join([f"static const struct {name} {call.layer.name} = {{", *lines, "};"])


def _definition(name: str, call: _Call, kept: Sequence[str]) -> str:
    parameters = list(_parameters(call))
    declared = ", ".join([f"const struct {name} *layer", *map("".join, parameters)])
    given = ", ".join(["&own", *(parameter for _, parameter in parameters)])
    values = {path: f"layer->{_member(path)}" if path in kept else value
              for path, value in call.fields.items()}  # fmt: skip
    lines = [
        wrap(f"MODEL_LAYER void {name}({declared}) {{", 0),
        f"    const struct glyphite_{call.step.kernel} own = {{",
        *(f"        .{path} = {value}," for path, value in values.items()),
        "    };",
        "    " + wrap(f"glyphite_{call.function}({given});", 4),
        "    MODEL_DONE;",
        "}",
    ]
    return "\n".join(lines)


def _member(path: str) -> str:
    return path.replace(".", "_")


def _parameters(call: _Call) -> Iterator[tuple[str, str]]:
    """(type, name), but for the layer itself."""
    step = call.step
    rows = step.rows if call.by_rows else None
    for name in rows.arguments if rows else ():
        yield "int32_t ", name
    if rows.array if rows else step.gathers:
        yield "const int8_t *const *", "inputs"
    else:
        yield from (("const int8_t *", f"input{i}") for i in range(len(step.inputs)))
    yield from (("int8_t *", f"output{i}") for i in range(rows.made if rows else 1))
    if step.scratch_bytes + (rows.sums_bytes if rows else 0):
        yield "void *", "scratch"


def _flat(fields: Fields, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found
