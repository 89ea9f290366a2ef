"""float32 to int8."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Float, Int32, Struct


@dataclass(frozen=True, eq=False)
class QuantizeConstants(Struct):
    """``struct glyphite_quantize``."""

    C_NAME: ClassVar[str] = "quantize"

    count: Int32
    scale: Float
    zero_point: Int32


KERNEL = Kernel("portable/quantize.h", QuantizeConstants, sharing=NOT_SHARED)
