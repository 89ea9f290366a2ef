"""The geometry of convolution and pooling windows, and of what may overlap under them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.rows import Pool, Rows, RowWindow


class Padding(IntEnum):
    """The values of the .tflite schema."""

    SAME = 0
    VALID = 1


@dataclass(frozen=True)
class Axis:
    """One axis of a window, in elements of the input along it."""

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


def window_overlap(window: Window, source_channels: int, pixel_bytes: int, done: int) -> int:
    """How far before its input the output of a window must start to lie over it without harm.

    See :func:`overlap_distance`, for a single window over an input of ``source_channels``.
    """
    row_bytes = window.width.input * source_channels
    starts = window.height.starts[:, None] * row_bytes + window.width.starts * source_channels
    return overlap_distance(starts, pixel_bytes, done)


def overlap_distance(starts: NDArray[np.int64], pixel_bytes: int, done: int) -> int:
    """The same where each pixel's first input byte is known: ``starts`` (height, width).

    Outputs are written pixel by pixel, ``pixel_bytes`` each; ``done`` of a pixel's bytes may be
    written while its own window is still to be read. At every pixel, what has been written must
    end before the first input byte that this pixel or a later one reads. It is enough to ask each
    pixel for its own first byte: where a later one reads, more has been written than before it.
    """
    written = np.arange(starts.size, dtype=np.int64) * pixel_bytes + done
    return max(0, int(np.max(written - starts.ravel())))


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
        overlaps=(overlap_distance(starts, pixel_bytes, done),),
        pointer_array=True,
    )
