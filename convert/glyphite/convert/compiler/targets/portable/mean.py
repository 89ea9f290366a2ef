"""The mean of (slices, count, channels) over count."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int8, Int32, Struct


@dataclass(frozen=True, eq=False)
class MeanConstants(Struct):
    """``struct glyphite_mean``."""

    C_NAME: ClassVar[str] = "mean"

    slices: Int32
    count: Int32
    channels: Int32
    sum_offset: Int32
    multiplier: Int32
    shift: Int8
    output_offset: Int32


KERNEL = Kernel("portable/mean.h", MeanConstants)
