"""The AVR's kernel for means (``kernels/avr/mean.h``)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal
from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Int8, Int32, Struct, UInt16
from glyphite.convert.compiler.targets.portable.mean import MeanConstants


@dataclass(frozen=True, eq=False)
class AvrMeanConstants(Struct):
    """``struct glyphite_avr_mean``."""

    C_NAME: ClassVar[str] = "avr_mean"

    slices: UInt16
    count: UInt16
    channels: UInt16
    sum_offset: Int32
    multiplier: Int32
    shift: Int8
    output_offset: Int32


KERNEL = Kernel("avr/mean.h", AvrMeanConstants, sharing=NOT_SHARED, in_flash=True)


def match(step: Step, constants: MeanConstants) -> Step | Refusal:
    """Not where rows are added up one by one, which saves memory that is worth more than flash."""
    if step.rows is not None:
        name, detail = "the input lies whole", "its rows are added up as they come"
        return Refusal((Decision(name, False, detail, Basis.HEURISTIC),))
    return replace(step, kernel=KERNEL, constants=AvrMeanConstants(**vars(constants)))
