"""Convolution and 2x2 max pooling in one pass (``kernels/dsp/conv_2d_max_pool_2d.h``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.dsp.conv_2d import (
    DspConv2DConstants,
    constants_of,
    fit,
    scratch_bytes,
)
from glyphite.convert.compiler.targets.dsp.pooling import pools_pairs
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants

PIXELS = 4
"""Computed at a time: those under a pool."""


@dataclass(frozen=True, eq=False)
class DspConv2DMaxPool2DConstants(Struct):
    """``struct glyphite_dsp_conv_2d_max_pool_2d``."""

    C_NAME: ClassVar[str] = "dsp_conv_2d_max_pool_2d"

    conv: DspConv2DConstants
    pool: WindowConstants
    """Over the convolution's output; none of it lies outside."""


KERNEL = Kernel("dsp/conv_2d_max_pool_2d.h", DspConv2DMaxPool2DConstants)


def match(step: Step, layer: Conv2DMaxPool2DConstants) -> Step | Refusal:
    """The step over whole tensors: pooling over 2x2 pixels that do not overlap."""
    pools = pools_pairs(layer.pool, layer.conv.window.output)
    if not pools:
        return Refusal((pools,))
    stream = fit(layer.conv, narrow=True)
    if isinstance(stream, Refusal):
        return Refusal((pools, *stream.decisions))
    return replace(
        step,
        kernel=KERNEL,
        constants=DspConv2DMaxPool2DConstants(constants_of(layer.conv, stream, PIXELS), layer.pool),
        rows=None,
        scratch_bytes=scratch_bytes(layer.conv, PIXELS),
        decisions=(pools, *stream.decisions),
    )


def by_rows(step: Step, layer: Conv2DMaxPool2DConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time."""
    made = match(step, layer)
    if isinstance(made, Refusal):
        return made
    found = replace(rows, function=f"{KERNEL.name}_row")
    return iter((replace(made, rows=found, overlaps=(None,)),))
