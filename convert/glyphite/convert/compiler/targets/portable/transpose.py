"""The axes of a tensor in another order."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Int32, Struct


@dataclass(frozen=True, eq=False)
class TransposeConstants(Struct):
    """``struct glyphite_transpose``."""

    C_NAME: ClassVar[str] = "transpose"

    size_0: Int32
    size_1: Int32
    size_2: Int32
    size_3: Int32
    step_0: Int32
    step_1: Int32
    step_2: Int32
    step_3: Int32


KERNEL = Kernel("portable/transpose.h", TransposeConstants)
