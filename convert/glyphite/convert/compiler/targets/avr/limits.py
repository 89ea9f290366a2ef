"""The twin of ``kernels/avr/outputs.h``'s limits: where an epilogue clamps, as unsigned bytes."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.struct import Struct, UInt8
from glyphite.convert.compiler.targets.portable.output import OutputConstants


@dataclass(frozen=True, eq=False)
class LimitsConstants(Struct):
    """``struct glyphite_limits``: an int8 number as the byte 128 above it."""

    C_NAME: ClassVar[str] = "limits"

    offset: UInt8
    """The output's zero point."""
    minimum: UInt8
    maximum: UInt8
    relu: UInt8
    """1 where what is not above the zero point gives the minimum."""

    @classmethod
    def of(cls, output: OutputConstants) -> "LimitsConstants":
        """Of a portable kernel's epilogue."""
        return cls(
            offset=output.offset + 128,
            minimum=output.minimum + 128,
            maximum=output.maximum + 128,
            relu=int(output.minimum >= output.offset),
        )
