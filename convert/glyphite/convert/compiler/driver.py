"""The compiler: a .tflite's bytes in, ``model.c`` and ``model.h`` out.

The whole way is one function, :func:`compile_model`. The oracle is TensorFlow Lite Micro: the
generated C gives the same bytes for every input.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.compiler.emit.layers import state_bytes
from glyphite.convert.compiler.emit.model import Row, files, rows
from glyphite.convert.compiler.emit.text import PREFIX
from glyphite.convert.compiler.frontend.check import check, check_indices
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.graph import Graph, Tensor
from glyphite.convert.compiler.ir.program import Layer, Program
from glyphite.convert.compiler.memory.fit_kernels import fit
from glyphite.convert.compiler.memory.plan import MOST_SCHEDULED_ROWS, Plan, plan
from glyphite.convert.compiler.memory.schedule import total_rows
from glyphite.convert.compiler.ops import lowerings
from glyphite.convert.compiler.passes import fold_shapes, optimize
from glyphite.convert.compiler.targets import forms, select
from glyphite.convert.files import write_folder


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled model."""

    name: str
    sha256: str
    """Of the .tflite, 64 hexadecimal digits."""
    architecture: str
    goal: Goal
    portable: Program
    """By the kernels for any processor, before those of ``architecture`` took their places."""
    program: Program
    plan: Plan
    files: Mapping[str, str]
    """File name -> text of ``model.c`` and ``model.h``, or what the prefix makes of these names."""

    @property
    def edges(self) -> tuple[Tensor, Tensor]:
        """The model's input and output."""
        graph = self.program.graph
        return graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]

    @property
    def layers(self) -> list[Row]:
        """The table of layers."""
        return rows(self.program)

    @property
    def arena_bytes(self) -> int:
        """Static RAM of all tensors, input and output among them."""
        return self.plan.bytes

    @property
    def state_bytes(self) -> int:
        """Static RAM beside the arena, where the input comes row by row."""
        return state_bytes(self.plan)

    @property
    def constant_bytes(self) -> int:
        """Flash of weights, biases, multipliers and shifts."""
        return sum(step.constant_bytes for step in self.program.steps)

    @property
    def macs(self) -> int:
        """Multiplications with a weight in one inference."""
        return sum(step.macs for step in self.program.steps)

    def write(self, folder: Path) -> None:
        """Write the files, both or none. Raises InputError where that cannot be done."""
        write_folder(folder, self.files)


def compile_model(
    content: bytes,
    name: str,
    *,
    stream_input: bool = False,
    architecture: str = "",
    goal: Goal = Goal.SPEED,
    prefix: str = PREFIX,
) -> Compiled:
    """Compile the bytes of a .tflite.

    ``architecture``: a board's processor, whose own kernels are used where there are some.
    ``goal``: what decides among them.
    ``stream_input``: the C takes its input row by row, and keeps no more of it than it needs.
    ``prefix``: what the names of files, functions and macros begin with, as ``c_prefix`` gives it.
    Two calls with the same arguments give the same text. Raises ModelError where the model cannot
    be compiled, PlanError where its memory plan turns out wrong.
    """
    portable = lower(optimize(understand(content)))
    program = portable
    if total_rows(portable) <= MOST_SCHEDULED_ROWS:
        program = select(portable, architecture, goal)
    arena = plan(program, streamed_input=stream_input)
    by_scratch = forms(architecture, goal)
    if by_scratch is not None:
        program, arena = fit(program, arena, by_scratch)
    digest = hashlib.sha256(content).digest()
    texts = files(name, digest, program, arena, architecture=architecture, goal=goal, prefix=prefix)
    return Compiled(name, digest.hex(), architecture, goal, portable, program, arena, texts)


def understand(content: bytes) -> Graph:
    """The graph in the bytes of a .tflite, held against what the compiler relies on.

    Raises ModelError where it is not that.
    """
    graph = read(content)
    check_indices(graph)
    graph = fold_shapes.run(graph)
    check(graph)
    return graph


def lower(graph: Graph) -> Program:
    """Each operator as a kernel call, in the graph's order."""
    layers = (
        Layer(operator, lowerings()[operator.kind].lower(graph, operator))
        for operator in graph.operators
    )
    return Program(graph, tuple(layers))
