"""A convolution and the max pooling behind it, in one pass."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from glyphite.convert.compiler.targets.portable.window import WindowConstants


@dataclass(frozen=True, eq=False)
class Conv2DMaxPool2DConstants(Struct):
    """``struct glyphite_conv_2d_max_pool_2d``."""

    C_NAME: ClassVar[str] = "conv_2d_max_pool_2d"

    conv: Conv2DConstants
    pool: WindowConstants
    """Over the convolution's output."""


KERNEL = Kernel("portable/conv_2d_max_pool_2d.h", Conv2DMaxPool2DConstants)
