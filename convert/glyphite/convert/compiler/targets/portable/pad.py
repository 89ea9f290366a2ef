"""One value around an image."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int32, Struct


@dataclass(frozen=True, eq=False)
class PadConstants(Struct):
    """``struct glyphite_pad``."""

    C_NAME: ClassVar[str] = "pad"

    input_height: Int32
    input_width: Int32
    input_channels: Int32
    output_height: Int32
    top: Int32
    bottom: Int32
    left: Int32
    right: Int32
    before: Int32
    behind: Int32
    value: Int32


KERNEL = Kernel("portable/pad.h", PadConstants)
