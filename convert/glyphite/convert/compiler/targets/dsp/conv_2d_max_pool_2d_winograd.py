"""Winograd tiles that are pools (``kernels/dsp/conv_2d_max_pool_2d_winograd.h``)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.pooling import pools_pairs
from glyphite.convert.compiler.targets.dsp.winograd import DspConv2DWinogradConstants, transformed
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class DspConv2DMaxPool2DWinogradConstants(Struct):
    """``struct glyphite_dsp_conv_2d_max_pool_2d_winograd``."""

    C_NAME: ClassVar[str] = "dsp_conv_2d_max_pool_2d_winograd"

    conv: DspConv2DWinogradConstants
    pool: WindowConstants
    """Over the convolution's output; none of it lies outside."""


KERNEL = Kernel("dsp/conv_2d_max_pool_2d_winograd.h", DspConv2DMaxPool2DWinogradConstants)


def match(step: Step, layer: Conv2DMaxPool2DConstants) -> Step | Refusal:
    """The step over whole tensors; it always pays, since no tile reaches outside."""
    pools = pools_pairs(layer.pool, layer.conv.window.output)
    if not pools:
        return Refusal((pools,))
    made = transformed(layer.conv, layer.pool.output_width)
    if isinstance(made, Refusal):
        return Refusal((pools, *made.decisions))
    return replace(
        step,
        kernel=KERNEL,
        constants=DspConv2DMaxPool2DWinogradConstants(made.constants, layer.pool),
        rows=None,
        scratch_bytes=made.scratch_bytes(layer.conv.input_channels),
        decisions=(pools, *made.decisions),
    )
