"""The AVR's kernel for average pooling (``kernels/avr/average_pool_2d.h``)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal
from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Int8, Int16, Struct, UInt8
from glyphite.convert.compiler.targets.avr.channels import LARGEST_BYTE
from glyphite.convert.compiler.targets.portable.average_pool_2d import AveragePool2DConstants


@dataclass(frozen=True, eq=False)
class AvrAveragePool2DConstants(Struct):
    """``struct glyphite_avr_average_pool_2d``."""

    C_NAME: ClassVar[str] = "avr_average_pool_2d"

    input_width: Int16
    output_width: Int16
    channels: Int16
    padding_left: Int16
    stride_width: Int16
    kernel_width: UInt8
    kernel_height: UInt8
    minimum: Int8
    maximum: Int8


KERNEL = Kernel(
    "avr/average_pool_2d.h", AvrAveragePool2DConstants, sharing=NOT_SHARED, in_flash=True
)


def match(step: Step, constants: AveragePool2DConstants) -> Step | Refusal:
    """Where the sums have 16 bits, and not where rows are added up one by one."""
    window = constants.window
    inputs = window.kernel_height * window.kernel_width
    if step.rows is None or step.rows.accumulated:
        name, detail = "the input lies whole", "its rows are added up as they come"
        return Refusal((Decision(name, False, detail, Basis.HEURISTIC),))
    if inputs > LARGEST_BYTE:
        detail = f"{inputs:,} inputs under a window; up to {LARGEST_BYTE} are served"
        return Refusal((Decision("sums fit 16 bits", False, detail),))
    made = AvrAveragePool2DConstants(
        input_width=window.input_width,
        output_width=window.output_width,
        padding_left=window.padding_left,
        stride_width=window.stride_width,
        kernel_width=window.kernel_width,
        kernel_height=window.kernel_height,
        channels=constants.channels,
        minimum=constants.output_minimum,
        maximum=constants.output_maximum,
    )
    rows = replace(step.rows, function=f"{KERNEL.name}_row")
    return replace(step, kernel=KERNEL, constants=made, rows=rows)
