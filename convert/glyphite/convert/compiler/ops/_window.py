"""Checks of convolution and pooling windows, each a refusal that says what is allowed."""

from glyphite.convert.compiler.ir.graph import Operator
from glyphite.convert.compiler.ir.window import Padding, Window

MOST_WINDOW_ROWS = 32
"""Input rows that one kernel call may look at: GLYPHITE_WINDOW_ROWS of kernels/window.h."""
LARGEST = 2**15 - 1
"""Of a window, stride or dilation: their products stay within 32 bits."""


def check_padding(operator: Operator, padding: int) -> None:
    """Refuse a padding that the schema does not have. Raises ModelError."""
    if padding not in list(Padding):
        operator.refuse(f"its padding is number {padding}; 0 (SAME) and 1 (VALID) are allowed.")


def check_window(operator: Operator, window: Window) -> None:
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
