"""The twin of ``kernels/output.h``: the epilogue of a layer with weights, from sum to byte."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.struct import Int8Array, Int32, Int32Array, Struct


@dataclass(frozen=True, eq=False)
class OutputConstants(Struct):
    """``struct glyphite_output``; arrays are (channels)."""

    C_NAME: ClassVar[str] = "output"

    offset: Int32
    """The output's zero point."""
    minimum: Int32
    maximum: Int32
    bias: Int32Array
    multiplier: Int32Array
    """Q0.31."""
    shift: Int8Array
    """To the left; negative to the right."""
