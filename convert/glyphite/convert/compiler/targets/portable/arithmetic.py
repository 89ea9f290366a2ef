"""ADD, SUB and MUL of two operands that broadcast."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import CType, Int8, Int8Array, Int32, Struct

Operation = Annotated[str, CType("enum glyphite_operation")]
ADD, SUB, MUL = "GLYPHITE_ADD", "GLYPHITE_SUB", "GLYPHITE_MUL"


@dataclass(frozen=True, eq=False)
class OperandConstants(Struct):
    """``struct glyphite_operand``."""

    C_NAME: ClassVar[str] = "operand"

    row: Int32
    """Bytes from a row of the output to the next one; 0 where they share it. So the next two."""
    pixel: Int32
    channel: Int32
    offset: Int32
    """Minus its zero point."""
    multiplier: Int32
    shift: Int8
    constant: Int8Array | None = None
    """Its values, where it is not computed."""


@dataclass(frozen=True, eq=False)
class ArithmeticConstants(Struct):
    """``struct glyphite_arithmetic``."""

    C_NAME: ClassVar[str] = "arithmetic"
    SELECTS: ClassVar[tuple[str, ...]] = ("pixels",)

    operation: Operation
    rows: Int32
    """Of the output (rows, pixels, channels)."""
    pixels: Int32
    channels: Int32
    left: OperandConstants
    right: OperandConstants
    multiplier: Int32
    shift: Int8
    offset: Int32
    """The output's zero point."""
    minimum: Int32
    maximum: Int32


KERNEL = Kernel("portable/arithmetic.h", ArithmeticConstants)
