"""A lowered network: the kernel calls that ``model_invoke`` makes, in order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.rows import Rows


@dataclass(frozen=True, eq=False)
class Step:
    """One call of ``glyphite_<kernel>(&layer, inputs..., output)``.

    ``leads[i]`` bytes are how far ahead of input i the output must start to lie over it: the kernel
    then never overwrites what it still has to read. 0 is in place; None is never over it.
    """

    kernel: str
    inputs: tuple[int, ...]
    output: int
    leads: tuple[int | None, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The C struct's fields, in any order: numbers, constant arrays, or structs as mappings."""
    window_rows: int = 0
    """Input rows that the kernel looks at for one output row."""
    gathers: bool = False
    """Whether the kernel takes any number of inputs, as one array of pointers."""
    rows: Rows | None = None
    """How the kernel makes a row at a time; None where it needs its whole inputs."""
    scratch_bytes: int = 0
    """Memory that the kernel writes to while it runs, at a multiple of 4; 0 where it has no such
    argument."""
    macs: int = 0
    """Multiplications with a weight: every weight of its channel for every output."""

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constant arrays: weights, biases, multipliers and shifts."""
        return sum(array.nbytes for array in _arrays(self.fields))


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
    def name(self) -> str:
        """What the generated C calls it: kernel and place in the .tflite."""
        kernel = self.lowered.kernel if isinstance(self.lowered, Step) else "view"
        return f"{kernel}_{self.operator.index}"


@dataclass(frozen=True, eq=False)
class Program:
    """A graph and its layers, in the order in which they run."""

    graph: Graph
    layers: tuple[Layer, ...]

    @cached_property
    def steps(self) -> list[Step]:
        """The kernel calls."""
        return [layer.lowered for layer in self.layers if isinstance(layer.lowered, Step)]

    @cached_property
    def _bases(self) -> Mapping[int, int]:
        """The base of every view."""
        bases: dict[int, int] = {}
        for layer in self.layers:
            if isinstance(layer.lowered, View):
                source = layer.lowered.input
                bases[layer.lowered.output] = bases.get(source, source)
        return bases

    def base(self, tensor: int) -> int:
        """The tensor in whose memory ``tensor`` lies: itself, unless it is a view."""
        return self._bases.get(tensor, tensor)


def _arrays(fields: Mapping[str, Any]) -> Iterator["np.ndarray[Any, Any]"]:
    for value in fields.values():
        if isinstance(value, Mapping):
            yield from _arrays(value)
        elif isinstance(value, tuple):
            yield from value
        elif isinstance(value, np.ndarray):
            yield value
