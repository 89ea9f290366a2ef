"""Random networks of steps that compute nothing: only their shapes, rows and distances count."""

import numpy as np

from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Layer, Program, Step, View
from glyphite.convert.compiler.ir.rows import Rows, RowWindow, geometry
from glyphite.convert.compiler.ir.struct import Struct
from glyphite.convert.compiler.ir.window import Axis, Padding, row_window


class NoConstants(Struct):
    """Of a kernel that computes nothing."""

    C_NAME = "none"


NO_KERNEL = Kernel("portable/none.h", NoConstants)


class RandomNetwork:
    """Adds steps to a network, each of them reading tensors that are there already."""

    def __init__(self, seed: int, height: int = 12) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.layers: list[Layer] = []
        self.tensor(int(self.rng.integers(4, height + 1)))

    def tensor(self, height: int, row_bytes: int = 0) -> int:
        """A picture of so many rows."""
        row_bytes = row_bytes or int(self.rng.integers(1, 9))
        scale = Quantization((0.1,), (0,))
        shape = (1, height, row_bytes, 1)
        self.tensors.append(Tensor(f"t{len(self.tensors)}", shape, "int8", scale))
        return len(self.tensors) - 1

    def any_tensor(self) -> int:
        """A tensor to read, more likely a late one."""
        last = len(self.tensors) - 1
        return max(0, last - int(self.rng.geometric(0.6)) + 1)

    def add(
        self, inputs: tuple[int, ...], output: int, rows: Rows | None, scratch: int = 0
    ) -> None:
        """A step, sometimes with an overlap over its inputs."""
        overlaps = tuple(None if rows is None and self.rng.random() < 0.5 else 99 for _ in inputs)
        step = Step(
            NO_KERNEL, inputs, output, overlaps, NoConstants(), rows=rows, scratch_bytes=scratch
        )
        index = len(self.layers)
        self.layers.append(Layer(Operator(index, "NONE", None, inputs, (output,)), step))

    def overlap(self) -> int | None:
        """None, in place, some bytes, or less than none: for kernels that read ahead."""
        return [None, 0, int(self.rng.integers(1, 6)), -int(self.rng.integers(1, 12))][
            int(self.rng.integers(4))
        ]

    def windowed(self) -> None:
        """A convolution or pooling, or a convolution with its pooling."""
        source = self.any_tensor()
        axis = self._axis(geometry(self.tensors[source])[0])
        pool = self._axis(axis.output) if self.rng.random() < 0.4 else None
        if min(axis.output, pool.output if pool else 1) < 1:
            return
        scratch = int(self.rng.choice([0, 0, 5]))
        output = self.tensor(pool.output if pool else axis.output)
        window = row_window(axis, pool)
        self.add(
            (source,),
            output,
            Rows("none", (window,), (self.overlap(),), pointer_array=True),
            scratch,
        )

    def paired(self) -> None:
        """A convolution that makes two rows, or three, a call."""
        source = self.any_tensor()
        height, made = geometry(self.tensors[source])[0], int(self.rng.integers(2, 4))
        window = RowWindow(height, kernel=2 + made, stride=made, before=1)
        rows = Rows("none", (window,), (None,), pointer_array=True, made=made)
        self.add((source,), self.tensor(height), rows)

    def _axis(self, height: int) -> Axis:
        kernel, stride, dilation = (int(self.rng.integers(1, most)) for most in (5, 4, 3))
        return Axis(height, kernel, stride, dilation, Padding(int(self.rng.integers(2))))

    def joined(self) -> None:
        """Two tensors of as many rows, row by row."""
        source = self.any_tensor()
        height = geometry(self.tensors[source])[0]
        fitting = [t for t in range(len(self.tensors)) if geometry(self.tensors[t])[0] == height]
        other = int(self.rng.choice(fitting))
        windows = (RowWindow(height), RowWindow(height))
        self.add((source, other), self.tensor(height),
                 Rows("none", windows, (self.overlap(), self.overlap())))  # fmt: skip

    def accumulated(self) -> None:
        """One row of sums over all rows."""
        source = self.any_tensor()
        height = geometry(self.tensors[source])[0]
        rows = Rows("none", (RowWindow(height),), (None,), accumulated=height, sums_bytes=6)
        self.add((source,), self.tensor(1), rows)

    def whole(self) -> None:
        """A step that needs its input whole."""
        self.add((self.any_tensor(),), self.tensor(int(self.rng.integers(1, 5))), None)

    def viewed(self) -> None:
        """The same bytes as other rows."""
        source = self.any_tensor()
        height, row_bytes = geometry(self.tensors[source])
        rows = int(self.rng.choice([n for n in range(1, 13) if height * row_bytes % n == 0]))
        output = self.tensor(rows, height * row_bytes // rows)
        operator = Operator(len(self.layers), "NONE", None, (source,), (output,))
        self.layers.append(Layer(operator, View(source, output)))

    def program(self) -> Program:
        """The network, whose last tensor is its output."""
        operators = tuple(layer.operator for layer in self.layers)
        graph = Graph(tuple(self.tensors), operators, (0,), (len(self.tensors) - 1,))
        return Program(graph, tuple(self.layers))


def random_network(seed: int, steps: int = 8) -> Program:
    """A network of chains and branches."""
    network = RandomNetwork(seed)
    makers = [network.windowed] * 5 + [network.joined] * 3
    makers += [network.paired, network.accumulated, network.whole, network.viewed]
    for _ in range(steps):
        makers[int(network.rng.integers(len(makers)))]()
    return network.program()
