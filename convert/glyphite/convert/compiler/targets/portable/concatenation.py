"""Tensors one after another along an axis."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Int32, Int32Array, Struct


@dataclass(frozen=True, eq=False)
class ConcatenationConstants(Struct):
    """``struct glyphite_concatenation``."""

    C_NAME: ClassVar[str] = "concatenation"

    slices: Int32
    """The axes before the one that grows, as one."""
    inputs: Int32
    lengths: Int32Array
    """(inputs): bytes of a slice of each."""


KERNEL = Kernel(
    "portable/concatenation.h", ConcatenationConstants, sharing=NOT_SHARED, pointer_array=True
)
