"""Which rows of its inputs a kernel needs for a row of its output.

A spatial tensor (1, height, width, channels) has ``height`` rows; any other tensor is one row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from glyphite.convert.compiler.ir.graph import Tensor

SUM_BYTES = 4


@dataclass(frozen=True)
class Pool:
    """Rows of a convolution that one pooled row lies over; outside them, the nearest one inside.

    The largest of values does not change where one of them is met twice.
    """

    height: int
    """Rows of the convolution."""
    output: int
    """Rows after pooling."""
    kernel: int
    stride: int
    before: int

    @property
    def padded(self) -> bool:
        """Whether some pool reaches outside."""
        end = (self.output - 1) * self.stride - self.before + self.kernel
        return self.before > 0 or end > self.height

    def under(self, y: int) -> Iterator[int]:
        """The convolution's rows under pooled row y."""
        first = y * self.stride - self.before
        return (min(max(row, 0), self.height - 1) for row in range(first, first + self.kernel))


@dataclass(frozen=True)
class RowWindow:
    """The input rows under an output row; by default, the row of the same number."""

    height: int
    """Rows of the input."""
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    pool: Pool | None = None

    @property
    def count(self) -> int:
        """Pointers that the kernel takes."""
        return self.kernel * (self.pool.kernel if self.pool else 1)

    def under(self, y: int) -> Iterator[int | None]:
        """Input rows in the order in which the kernel takes them; None is a row of padding."""
        for row in self.pool.under(y) if self.pool else (y,):
            for i in range(self.kernel):
                found = row * self.stride - self.before + i * self.dilation
                yield found if 0 <= found < self.height else None


@dataclass(frozen=True)
class Rows:
    """How a step is made a row at a time: calls of ``glyphite_<function>``, in order of rows."""

    function: str
    windows: tuple[RowWindow | None, ...]
    """One for each of the step's inputs; None where it is left out, or a constant."""
    overlaps: tuple[int | None, ...]
    """As the step's, within a row: how far before a dying input row the output row must start."""
    arguments: tuple[str, ...] = ()
    """C expressions, ``y`` among them, that come before the inputs."""
    pointer_array: bool = False
    """Whether the kernel takes all its rows as one array of pointers."""
    made: int = 1
    """Output rows that a call makes, each with a pointer of its own: NULL behind the last one. The
    windows then go by calls, not by output rows, and nothing may overlap."""
    accumulated: int = 0
    """Where the output is a sum over all rows: how many there are, a call each. Otherwise 0."""
    sums_bytes: int = 0
    """Memory that such a kernel keeps from its first call to its last, at a multiple of 4."""


def accumulating(
    function: str, source: Tensor, arguments: tuple[str, ...], sums: int
) -> Rows | None:
    """Rows of a kernel that adds the rows of ``source`` up into so many sums of 32 bits.

    None where the sums are not smaller than what they save: all rows but one.
    """
    height, row_bytes = geometry(source)
    sums_bytes = SUM_BYTES * sums
    if (height - 1) * row_bytes <= sums_bytes:
        return None
    return Rows(
        function=function,
        windows=(RowWindow(height),),
        overlaps=(None,),
        arguments=arguments,
        accumulated=height,
        sums_bytes=sums_bytes,
    )


def geometry(tensor: Tensor) -> tuple[int, int]:
    """A tensor's rows, and the bytes of one."""
    height = tensor.shape[1] if len(tensor.shape) == 4 and tensor.shape[0] == 1 else 1
    return height, tensor.bytes // height
