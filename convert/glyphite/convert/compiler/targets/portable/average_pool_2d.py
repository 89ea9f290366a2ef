"""The mean of a window; padding is not counted."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class AveragePool2DConstants(Struct):
    """``struct glyphite_average_pool_2d``."""

    C_NAME: ClassVar[str] = "average_pool_2d"

    window: WindowConstants
    channels: Int32
    output_minimum: Int32
    output_maximum: Int32


KERNEL = Kernel("portable/average_pool_2d.h", AveragePool2DConstants)
