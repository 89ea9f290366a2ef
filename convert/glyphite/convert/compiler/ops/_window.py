"""The geometry of convolution and pooling windows."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Operator
from glyphite.convert.compiler.ir.rows import Pool, Rows, RowWindow

MOST_ROWS = 32
"""Input rows that one kernel call may look at: GLYPHITE_WINDOW_ROWS of kernels/window.h."""
LARGEST = 2**15 - 1
"""Of a window, stride or dilation: their products stay within 32 bits."""


class Padding(IntEnum):
    """The schema's values."""

    SAME = 0
    VALID = 1


@dataclass(frozen=True)
class Axis:
    """One axis of a window: twelve of its numbers make kernels/window.h's struct."""

    input: int
    kernel: int
    stride: int
    dilation: int
    padding: Padding

    @property
    def reach(self) -> int:
        """Inputs from the first to the last under a window."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def output(self) -> int:
        """Outputs along the axis; 0 or less where the window is longer than the input."""
        covered = 0 if self.padding is Padding.SAME else self.reach - 1
        return -(-(self.input - covered) // self.stride)

    @property
    def before(self) -> int:
        """Padding before the first input: half of it all, the odd one goes behind."""
        if self.padding is Padding.VALID:
            return 0
        return max((self.output - 1) * self.stride + self.reach - self.input, 0) // 2

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first input under the window of each output, padding left out."""
        origin = np.arange(self.output, dtype=np.int64) * self.stride - self.before
        return np.maximum(origin, 0)


@dataclass(frozen=True)
class Window:
    """A window over (height, width)."""

    height: Axis
    width: Axis

    @property
    def fields(self) -> dict[str, int]:
        """The C struct's fields."""
        return {
            "input_height": self.height.input,
            "input_width": self.width.input,
            "output_height": self.height.output,
            "output_width": self.width.output,
            "kernel_height": self.height.kernel,
            "kernel_width": self.width.kernel,
            "stride_height": self.height.stride,
            "stride_width": self.width.stride,
            "dilation_height": self.height.dilation,
            "dilation_width": self.width.dilation,
            "padding_top": self.height.before,
            "padding_left": self.width.before,
        }


def lead(window: Window, source_channels: int, pixel_bytes: int, done: int) -> int:
    """How far before its input an output may start to overwrite it without harm.

    See :func:`lead_of`, for a single window over an input of ``source_channels``.
    """
    row_bytes = window.width.input * source_channels
    starts = window.height.starts[:, None] * row_bytes + window.width.starts * source_channels
    return lead_of(starts, pixel_bytes, done)


def lead_of(starts: NDArray[np.int64], pixel_bytes: int, done: int) -> int:
    """The same where each pixel's first input byte is known: ``starts`` (height, width).

    Outputs are written pixel by pixel, ``pixel_bytes`` each; ``done`` of a pixel's bytes may be
    written while its own window is still to be read. At every pixel, what has been written must
    end before the first input byte that this pixel or a later one reads.
    """
    flat = starts.ravel()
    needed_from = np.minimum.accumulate(flat[::-1])[::-1]
    written = np.arange(len(flat), dtype=np.int64) * pixel_bytes + done
    return max(0, int(np.max(written - needed_from)))


def row_window(axis: Axis, pool: Axis | None = None) -> RowWindow:
    """The input rows under an output row of a window, or of a pool over a window's output."""
    pooled = None
    if pool is not None:
        pooled = Pool(pool.input, pool.output, pool.kernel, pool.stride, pool.before)
    return RowWindow(axis.input, axis.kernel, axis.stride, axis.dilation, axis.before, pooled)


def by_rows(kernel: str, window: Window, source_channels: int, pixel_bytes: int, done: int) -> Rows:
    """Rows of a kernel that takes pointers to the input rows under the window, as an array."""
    starts = window.width.starts[None, :] * source_channels
    return Rows(
        function=f"{kernel}_row",
        windows=(row_window(window.height),),
        leads=(lead_of(starts, pixel_bytes, done),),
        array=True,
    )


def check_padding(operator: Operator, padding: int) -> None:
    """Refuse a padding that the schema does not have."""
    if padding not in list(Padding):
        operator.refuse(f"its padding is number {padding}; 0 (SAME) and 1 (VALID) are allowed.")


def check_window(operator: Operator, window: Window) -> None:
    """Refuse a window that is empty, too tall, or larger than its input."""
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
    if window.height.kernel > MOST_ROWS:
        operator.refuse(f"its window has {window.height.kernel} rows; {MOST_ROWS} are allowed.")
