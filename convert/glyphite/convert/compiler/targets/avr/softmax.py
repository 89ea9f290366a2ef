"""The AVR's kernel for softmax (``kernels/avr/softmax.h``): its exponentials, computed here."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.fixed_point import exp_negative, requantize
from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import CType, Struct, UInt16
from glyphite.convert.compiler.targets.portable.softmax import SoftmaxConstants

LEAST_SHARE = 2**22
"""A softmax's exponential, as Q0.31, from which on its output may be 1/256: the sum is 1 or more,
and less than 1/512 of it rounds to 0."""
LEAST_TERM = 2**11
"""From which on it counts in the sum, which is Q12.19."""


@dataclass(frozen=True, eq=False)
class AvrSoftmaxConstants(Struct):
    """``struct glyphite_avr_softmax``."""

    C_NAME: ClassVar[str] = "avr_softmax"

    rows: UInt16
    channels: UInt16
    large: UInt16
    """Exponentials of which the largest share may round to 1/256 or more."""
    small: UInt16
    """Those that follow, and count in the sum only."""
    exponentials: Annotated[NDArray[np.int32], CType("const GLYPHITE_FAR int32_t *")]
    """(large) as Q0.31."""
    terms: Annotated[NDArray[np.int16], CType("const GLYPHITE_FAR int16_t *")]
    """(small) as Q12.19."""


KERNEL = Kernel("avr/softmax.h", AvrSoftmaxConstants, sharing=NOT_SHARED, in_flash=True)


def match(step: Step, constants: SoftmaxConstants) -> Step:
    """Always: an int8 difference has 256 values, so that each exponential can be computed here."""
    differences = range(min(255, -constants.smallest_difference) + 1)
    scaled = (requantize(-d, constants.multiplier, constants.shift) for d in differences)
    found = [exp_negative(value) for value in scaled]
    large = [value for value in found if value >= LEAST_SHARE]
    small = [(value + 2**11) >> 12 for value in found if LEAST_TERM <= value < LEAST_SHARE]
    made = AvrSoftmaxConstants(
        rows=constants.rows,
        channels=constants.channels,
        large=len(large),
        small=len(small),
        exponentials=np.array(large, np.int32),
        terms=np.array(small or [0], np.int16),
    )
    return replace(step, kernel=KERNEL, constants=made)
