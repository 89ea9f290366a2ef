"""Convolution of several groups."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int8Array, Int32, Struct
from glyphite.convert.compiler.targets.portable.output import OutputConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class GroupedConv2DConstants(Struct):
    """``struct glyphite_grouped_conv_2d``."""

    C_NAME: ClassVar[str] = "grouped_conv_2d"

    window: WindowConstants
    input_channels: Int32
    output_channels: Int32
    groups: Int32
    input_offset: Int32
    """Minus the input's zero point."""
    weights: Int8Array
    """(output_channels, height, width, input_channels / groups)."""
    output: OutputConstants


KERNEL = Kernel("portable/grouped_conv_2d.h", GroupedConv2DConstants)
