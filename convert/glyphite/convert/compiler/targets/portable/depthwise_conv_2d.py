"""Depthwise convolution: each output channel sees one input channel."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int8Array, Int32, Struct
from glyphite.convert.compiler.targets.portable.output import OutputConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class DepthwiseConv2DConstants(Struct):
    """``struct glyphite_depthwise_conv_2d``."""

    C_NAME: ClassVar[str] = "depthwise_conv_2d"

    window: WindowConstants
    input_channels: Int32
    output_channels: Int32
    input_offset: Int32
    """Minus the input's zero point."""
    weights: Int8Array
    """(1, height, width, output_channels)."""
    output: OutputConstants


KERNEL = Kernel("portable/depthwise_conv_2d.h", DepthwiseConv2DConstants)
