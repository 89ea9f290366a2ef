"""The largest of a window."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class MaxPool2DConstants(Struct):
    """``struct glyphite_max_pool_2d``."""

    C_NAME: ClassVar[str] = "max_pool_2d"

    window: WindowConstants
    channels: Int32
    output_minimum: Int32
    output_maximum: Int32


KERNEL = Kernel("portable/max_pool_2d.h", MaxPool2DConstants)
