"""One of 256 answers for each byte."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Int8Array, Int32, Struct


@dataclass(frozen=True, eq=False)
class TableConstants(Struct):
    """``struct glyphite_table``."""

    C_NAME: ClassVar[str] = "table"

    count: Int32
    values: Int8Array
    """(256): for inputs 0 to 127, then -128 to -1."""


KERNEL = Kernel("portable/table.h", TableConstants, sharing=NOT_SHARED)
