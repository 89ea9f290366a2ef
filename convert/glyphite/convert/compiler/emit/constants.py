"""The constants of the generated C: numbers, arrays and structs of the kernels' constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.emit.layers import COLUMNS
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Leaf, Struct, flat, members

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


def arrays(name: str, step: Step) -> Iterator[Array]:
    """The arrays of the struct of the layer called ``name``."""
    qualifier = "GLYPHITE_FAR" if step.kernel.in_flash else "GLYPHITE_CONST"
    for field in flat(step.constants):
        if isinstance(field.value, tuple):
            for index, part in enumerate(field.value):
                yield Array(f"{name}_{field.name}_{index}", part, qualifier)
        elif field.array is not None:
            yield Array(f"{name}_{field.name}", field.array, qualifier)


def struct(name: str, step: Step) -> str:
    """The constants of the layer called ``name`` by the names of its kernel's struct."""
    body = _initializer(name, step.constants, 4)
    qualifier = "GLYPHITE_FAR " if step.kernel.in_flash else ""
    return f"static const {qualifier}struct glyphite_{step.kernel.name} {name} = {body};"


def _initializer(layer: str, constants: Struct, indent: int) -> str:
    lines = []
    for name, value in members(constants):
        text = (
            _initializer(layer, value, indent + 4)
            if isinstance(value, Struct)
            else _literal(f"{layer}_{name}", value)
        )
        lines.append(f"{' ' * indent}.{name} = {text},")
    return "\n".join(["{", *lines, " " * (indent - 4) + "}"])


def _literal(array: str, value: Leaf) -> str:
    """A number, or the name of the array that ``value`` becomes."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{array}_{i}" for i in range(len(value))) + "}"
    if isinstance(value, np.ndarray):
        return array
    return float_literal(value) if isinstance(value, float) else str(value)


def wrapped(words: Iterator[str]) -> Iterator[str]:
    """Words, each followed by a comma, as lines of at most COLUMNS."""
    line = "   "
    for word in words:
        if len(line) + len(word) + 2 > COLUMNS:
            yield line
            line = "   "
        line += f" {word},"
    yield line
