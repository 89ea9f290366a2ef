"""Softmax over the last axis."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Int8, Int32, Struct


@dataclass(frozen=True, eq=False)
class SoftmaxConstants(Struct):
    """``struct glyphite_softmax``."""

    C_NAME: ClassVar[str] = "softmax"

    rows: Int32
    channels: Int32
    multiplier: Int32
    """Beta times the input's scale, as Q5.26."""
    shift: Int8
    smallest_difference: Int32


KERNEL = Kernel("portable/softmax.h", SoftmaxConstants, sharing=NOT_SHARED)
