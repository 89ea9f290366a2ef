"""The constants of the generated C: numbers, arrays and structs of the kernels' fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.emit.layers import COLUMNS
from glyphite.convert.compiler.ir.program import Layer, Step

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "float32": "float",
}


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
        kind = C_TYPES[self.values.dtype.name]
        return f"static const {self.qualifier} {kind} {self.name}[{self.values.size}]"

    @property
    def lines(self) -> list[str]:
        """Its values, as lines."""
        return list(wrapped(map(str, self.values.ravel().tolist())))


def float_literal(number: float) -> str:
    """A C float that reads back as the same number of 32 bits."""
    digits = str(np.float32(number))
    return digits + ("f" if "." in digits or "e" in digits else ".0f")


def arrays(layer: Layer) -> Iterator[Array]:
    """The arrays of a layer's struct."""
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


def struct(layer: Layer) -> str:
    """A layer's constants by the names of its kernel's struct."""
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


def wrapped(words: Iterator[str]) -> Iterator[str]:
    """Words, each followed by a comma, as lines of at most COLUMNS."""
    line = "   "
    for word in words:
        if len(line) + len(word) + 2 > COLUMNS:
            yield line
            line = "   "
        line += f" {word},"
    yield line
