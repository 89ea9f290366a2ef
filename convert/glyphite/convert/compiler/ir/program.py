"""A lowered network: the kernels that ``model_invoke`` runs, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from glyphite.convert.compiler.ir.decision import Decision, latest
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Struct, arrays


@dataclass(frozen=True, eq=False)
class Step:
    """A layer by a kernel: ``glyphite_<kernel>(&layer, inputs..., output)``, and its constants.

    ``overlaps[i]`` says where the output may lie over input i: it must start at least so many bytes
    before it, so that the kernel never overwrites what it still has to read. 0 is in place; None is
    never over it.
    """

    kernel: Kernel
    inputs: tuple[int, ...]
    output: int
    overlaps: tuple[int | None, ...]
    constants: Struct
    window_rows: int = 0
    """Input rows that the kernel looks at for one output row."""
    rows: Rows | None = None
    """How the kernel makes a row at a time; None where it needs its whole inputs."""
    scratch_bytes: int = 0
    """Memory that the kernel writes to while it runs, at a multiple of 4; 0 where it has no such
    argument."""
    macs: int = 0
    """Multiplications with a weight: every weight of its channel for every output."""
    decisions: tuple[Decision, ...] = ()
    """What was asked when this kernel was chosen, in that order."""

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constant arrays: weights, biases, multipliers and shifts."""
        return sum(array.nbytes for array in arrays(self.constants))

    def after(self, *decisions: Decision) -> "Step":
        """The same step, where these were asked before its own."""
        return replace(self, decisions=latest((*decisions, *self.decisions)))


@dataclass(frozen=True)
class View:
    """An operator that moves no byte: its output is its input's bytes in another shape."""

    input: int
    output: int


@dataclass(frozen=True, eq=False)
class Layer:
    """An operator and what became of it."""

    operator: Operator
    lowered: Step | View

    @property
    def step(self) -> Step | None:
        """What computes it; None where no byte is moved."""
        return self.lowered if isinstance(self.lowered, Step) else None

    @property
    def view(self) -> View | None:
        """Set where no byte is moved."""
        return self.lowered if isinstance(self.lowered, View) else None

    @property
    def name(self) -> str:
        """What the generated C calls it: kernel and place in the .tflite."""
        return f"{self.step.kernel.name if self.step else 'view'}_{self.operator.index}"


@dataclass(frozen=True, eq=False)
class Program:
    """A graph and its layers, in the order in which they run."""

    graph: Graph
    layers: tuple[Layer, ...]

    @cached_property
    def computed(self) -> list[tuple[Layer, Step]]:
        """The layers that move bytes, each with its step."""
        return [(layer, layer.step) for layer in self.layers if layer.step is not None]

    @cached_property
    def steps(self) -> list[Step]:
        """The steps alone."""
        return [step for _, step in self.computed]

    def with_steps(self, steps: Mapping[int, Step]) -> "Program":
        """The same program with other steps for some outputs (tensor -> step)."""
        layers = (
            replace(layer, lowered=steps.get(layer.step.output, layer.step))
            if layer.step
            else layer
            for layer in self.layers
        )
        return Program(self.graph, tuple(layers))

    @cached_property
    def _bases(self) -> Mapping[int, int]:
        """The base of every view."""
        bases: dict[int, int] = {}
        for layer in self.layers:
            if layer.view is not None:
                source = layer.view.input
                bases[layer.view.output] = bases.get(source, source)
        return bases

    def base(self, tensor: int) -> int:
        """The tensor in whose memory ``tensor`` lies: itself, unless it is a view."""
        return self._bases.get(tensor, tensor)
