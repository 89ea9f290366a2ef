"""int8 to float32."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Float, Int32, Struct


@dataclass(frozen=True, eq=False)
class DequantizeConstants(Struct):
    """``struct glyphite_dequantize``."""

    C_NAME: ClassVar[str] = "dequantize"

    count: Int32
    scale: Float
    zero_point: Int32


KERNEL = Kernel("portable/dequantize.h", DequantizeConstants, sharing=NOT_SHARED)
