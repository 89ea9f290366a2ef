"""C structs of constants as dataclasses: a field's C type stands in its annotation.

A kernel's struct in ``kernels/`` and its dataclass are twins; a test compares names and types. The
generated C fills a struct by position, so that the order of the fields is the struct's too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CType:
    """How C spells a field's type."""

    text: str


Int8: TypeAlias = Annotated[int, CType("int8_t")]
UInt8: TypeAlias = Annotated[int, CType("uint8_t")]
Int16: TypeAlias = Annotated[int, CType("int16_t")]
UInt16: TypeAlias = Annotated[int, CType("uint16_t")]
Int32: TypeAlias = Annotated[int, CType("int32_t")]
Float: TypeAlias = Annotated[float, CType("float")]

Int8Array: TypeAlias = Annotated[NDArray[np.int8], CType("const GLYPHITE_CONST int8_t *")]
Int32Array: TypeAlias = Annotated[NDArray[np.int32], CType("const GLYPHITE_CONST int32_t *")]

Array: TypeAlias = NDArray[np.int8] | NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.int32]
Parts: TypeAlias = tuple[NDArray[np.uint8], ...]
"""An array of pointers to arrays: one too large for a compiler, in parts."""
Leaf: TypeAlias = int | float | str | Array | Parts
"""A number, the name of an enumerator, an array, or an array in parts."""


@dataclass(frozen=True, eq=False)
class Struct:
    """The base of all of them. A field that is None is 0 or NULL in C."""

    C_NAME: ClassVar[str] = ""
    """The struct's tag, without ``glyphite_``."""
    SELECTS: ClassVar[tuple[str, ...]] = ()
    """Fields that choose a way through the kernel: layers that differ in one share no code."""
    SIZES: ClassVar[tuple[str, ...]] = ()
    """Fields that the kernel's loops count by."""


@dataclass(frozen=True)
class Field:
    """A number, name or array in a struct, or in one of the structs within it."""

    path: str
    """``conv.window.kernel_height``: as C names it from the outermost struct on."""
    value: Leaf
    c_type: str
    selects: bool
    """Whether it is one of its struct's SELECTS."""
    is_size: bool
    """Whether it is one of its struct's SIZES."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def array(self) -> Array | None:
        """The value, where it is one array."""
        return self.value if isinstance(self.value, np.ndarray) else None


def members(struct: Struct) -> Iterator[tuple[str, Leaf | Struct]]:
    """Names and values of a struct's own fields, without those that are None."""
    for field in dataclasses.fields(struct):
        value = getattr(struct, field.name)
        if value is not None:
            yield field.name, value


def flat(struct: Struct, prefix: str = "") -> Iterator[Field]:
    """Every field of a struct and of the structs within it."""
    types = c_types(type(struct))
    for name, value in members(struct):
        if isinstance(value, Struct):
            yield from flat(value, f"{prefix}{name}.")
        else:
            selects, is_size = name in struct.SELECTS, name in struct.SIZES
            yield Field(f"{prefix}{name}", value, types[name], selects, is_size)


def arrays(struct: Struct) -> Iterator[Array]:
    """Every array in a struct, each part of one that is in parts."""
    for field in flat(struct):
        if isinstance(field.value, tuple):
            yield from field.value
        elif field.array is not None:
            yield field.array


def most_parts(struct: Struct) -> int:
    """Into how many parts its arrays are divided at most; 0 where there are none in parts."""
    return max((len(f.value) for f in flat(struct) if isinstance(f.value, tuple)), default=0)


def c_types(struct: type[Struct]) -> Mapping[str, str]:
    """Field -> its type in C, of the fields that are no structs themselves."""
    if struct not in _C_TYPES:
        _C_TYPES[struct] = _read_c_types(struct)
    return _C_TYPES[struct]


_C_TYPES: dict[type[Struct], Mapping[str, str]] = {}


def _read_c_types(struct: type[Struct]) -> Mapping[str, str]:
    hints = get_type_hints(struct, include_extras=True)
    found = {}
    for field in dataclasses.fields(struct):
        for part in (hints[field.name], *getattr(hints[field.name], "__args__", ())):
            for mark in getattr(part, "__metadata__", ()):
                if isinstance(mark, CType):
                    found[field.name] = mark.text
    return found
