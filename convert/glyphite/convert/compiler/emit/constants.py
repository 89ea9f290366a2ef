"""The constants of the generated C: numbers, arrays and structs of the kernels' constants."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.emit.layers import COLUMNS
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Leaf, Struct, c_types, flat

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
    """The constants of the layer called ``name``, each with its name in its kernel's struct."""
    body = initializer(step.constants, lambda path, value: _literal(name, path, value), 4)
    qualifier = "GLYPHITE_FAR " if step.kernel.in_flash else ""
    return f"static const {qualifier}struct glyphite_{step.kernel.name} {name} = {body};"


def initializer(constants: Struct, literal: Callable[[str, Leaf], str], indent: int) -> str:
    """C that fills a struct in the order of its members, as C++ before 2020 knows no other way.

    ``literal`` gives a member's value by its path in the struct; ``indent`` is the members'.
    """
    return "\n".join(["{", *_members(constants, literal, indent, ""), " " * (indent - 4) + "}"])


def _members(
    constants: Struct, literal: Callable[[str, Leaf], str], indent: int, prefix: str
) -> Iterator[str]:
    margin, types = " " * indent, c_types(type(constants))
    for field in dataclasses.fields(constants):
        name, value = field.name, getattr(constants, field.name)
        if isinstance(value, Struct):
            yield f"{margin}{{ /* {name} */"
            yield from _members(value, literal, indent + 4, f"{prefix}{name}.")
            yield f"{margin}}},"
        else:
            zero = "NULL" if types[name].endswith("*") else "0"
            text = zero if value is None else literal(f"{prefix}{name}", value)
            yield f"{margin}{text}, /* {name} */"


def _literal(layer: str, path: str, value: Leaf) -> str:
    """A number, or the name of the array that ``value`` becomes."""
    array = f"{layer}_{path.rpartition('.')[2]}"
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
