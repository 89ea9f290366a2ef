"""The twin of ``kernels/window.h``: where a window lies over the input, as C sees it."""

from dataclasses import dataclass, fields
from typing import ClassVar

from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.ir.window import Window


@dataclass(frozen=True, eq=False)
class WindowConstants(Struct):
    """``struct glyphite_window``."""

    C_NAME: ClassVar[str] = "window"
    SELECTS: ClassVar[tuple[str, ...]] = ("kernel_height", "kernel_width")

    input_height: Int32
    input_width: Int32
    output_height: Int32
    output_width: Int32
    kernel_height: Int32
    kernel_width: Int32
    stride_height: Int32
    stride_width: Int32
    dilation_height: Int32
    dilation_width: Int32
    padding_top: Int32
    padding_left: Int32

    @classmethod
    def of(cls, window: Window) -> "WindowConstants":
        """Of a window's two axes."""
        height, width = window.height, window.width
        return cls(
            input_height=height.input,
            input_width=width.input,
            output_height=height.output,
            output_width=width.output,
            kernel_height=height.kernel,
            kernel_width=width.kernel,
            stride_height=height.stride,
            stride_width=width.stride,
            dilation_height=height.dilation,
            dilation_width=width.dilation,
            padding_top=height.before,
            padding_left=width.before,
        )

    @classmethod
    def of_row(cls, pixels: int) -> "WindowConstants":
        """1x1 over a single row of so many pixels."""
        of_sizes = {field.name: int("padding" not in field.name) for field in fields(cls)}
        return cls(**{**of_sizes, "input_width": pixels, "output_width": pixels})

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width)."""
        return self.kernel_height, self.kernel_width

    @property
    def stride(self) -> tuple[int, int]:
        """(height, width)."""
        return self.stride_height, self.stride_width

    @property
    def dilation(self) -> tuple[int, int]:
        """(height, width)."""
        return self.dilation_height, self.dilation_width

    @property
    def output(self) -> tuple[int, int]:
        """(height, width)."""
        return self.output_height, self.output_width

    @property
    def reach(self) -> tuple[int, int]:
        """Inputs up to the last one under the last window, padding among them: (height, width)."""
        return (
            (self.output_height - 1) * self.stride_height
            + (self.kernel_height - 1) * self.dilation_height
            + 1,
            (self.output_width - 1) * self.stride_width
            + (self.kernel_width - 1) * self.dilation_width
            + 1,
        )
