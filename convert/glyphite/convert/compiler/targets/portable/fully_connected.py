"""A dense layer over one or more input vectors."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int8Array, Int32, Struct
from glyphite.convert.compiler.targets.portable.output import OutputConstants


@dataclass(frozen=True, eq=False)
class FullyConnectedConstants(Struct):
    """``struct glyphite_fully_connected``."""

    C_NAME: ClassVar[str] = "fully_connected"

    rows: Int32
    """Input vectors."""
    input_channels: Int32
    output_channels: Int32
    input_offset: Int32
    """Minus the input's zero point."""
    weights: Int8Array
    """(output_channels, input_channels)."""
    output: OutputConstants


KERNEL = Kernel("portable/fully_connected.h", FullyConnectedConstants)
