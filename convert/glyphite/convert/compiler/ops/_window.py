"""Convolution and pooling windows: their options, and refusals that say what is allowed."""

from dataclasses import dataclass

from glyphite.convert.compiler.ir.graph import Operator, Tensor
from glyphite.convert.compiler.ir.window import Axis, Padding, Window
from glyphite.convert.compiler.ops._requantize import check_activation

MOST_WINDOW_ROWS = 32
"""Input rows that one kernel call may look at: GLYPHITE_WINDOW_ROWS of kernels/window.h."""
LARGEST = 2**15 - 1
"""Of a window, stride or dilation: their products stay within 32 bits."""


@dataclass(frozen=True)
class WindowOptions:
    """The options that all operators with a window have; pairs are (height, width)."""

    padding: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: int

    def over(self, source: Tensor, kernel: tuple[int, ...]) -> Window:
        """Where a window of ``kernel`` (height, width) lies over (1, height, width, channels)."""
        sizes = zip(source.shape[1:3], kernel, self.stride, self.dilation, strict=True)
        height, width = (Axis(*numbers, Padding(self.padding)) for numbers in sizes)
        return Window(height, width)


def check_window(
    operator: Operator, options: WindowOptions, source: Tensor, kernel: tuple[int, ...]
) -> Window:
    """Refuse options and sizes that no kernel can take; the window. Raises ModelError."""
    check_activation(operator, options.activation)
    if options.padding not in list(Padding):
        operator.refuse(
            f"its padding is number {options.padding}; 0 (SAME) and 1 (VALID) are allowed."
        )
    window = options.over(source, kernel)
    _check_sizes(operator, window)
    return window


def _check_sizes(operator: Operator, window: Window) -> None:
    """Refuse a window that is empty, too tall, or larger than its input. Raises ModelError."""
    for name, axis in (("height", window.height), ("width", window.width)):
        numbers = (axis.kernel, axis.stride, axis.dilation)
        if not 1 <= min(numbers) <= max(numbers) <= LARGEST:
            operator.refuse(
                f"along its {name} the window is {axis.kernel}, the stride {axis.stride}, the "
                f"dilation {axis.dilation}; 1 to {LARGEST} are allowed."
            )
        if axis.output >= 1 and axis.before > LARGEST:
            operator.refuse(
                f"along its {name} the padding before the input is {axis.before}; "
                f"up to {LARGEST} is allowed."
            )
        if axis.output < 1:
            operator.refuse(
                f"along its {name} a window of {axis.reach} does not fit the input's {axis.input}."
            )
    if window.height.kernel > MOST_WINDOW_ROWS:
        operator.refuse(
            f"its window has {window.height.kernel} rows; {MOST_WINDOW_ROWS} are allowed."
        )
