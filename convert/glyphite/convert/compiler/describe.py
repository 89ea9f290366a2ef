"""What the compiler made of a model, stage by stage, as plain data for `glyphite inspect`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from sys import modules

import numpy as np

from glyphite.convert.compiler.driver import Compiled, understand
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.decision import Basis, Decision
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ir.program import Layer
from glyphite.convert.compiler.memory.plan import Buffer, Plan
from glyphite.convert.compiler.passes import PASSES, fold_shapes


@dataclass(frozen=True)
class Numbers:
    """What a tensor's numbers mean: real = scale * (quantized - zero_point)."""

    dtype: str
    scale: float | None
    """The largest, where each channel has its own."""
    zero_point: int | None
    channels: int
    """How many scales there are."""

    @property
    def text(self) -> str:
        """For people: "int8, 0.0039 (q + 128)"."""
        if self.scale is None or self.zero_point is None:
            return self.dtype
        if self.channels > 1:
            return f"{self.dtype}, {self.channels} scales to {self.scale:.3g}"
        sign = "-" if self.zero_point > 0 else "+"
        offset = f" {sign} {abs(self.zero_point)}" if self.zero_point else ""
        return f"{self.dtype}, {self.scale:.3g} (q{offset})"


@dataclass(frozen=True)
class LayerFacts:
    """One layer, as it runs."""

    name: str
    operator: str
    kernel: str | None
    """None where no byte is moved."""
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    macs: int
    constant_bytes: int
    input_numbers: tuple[Numbers, ...]
    """Of the activations."""
    weights: Numbers | None
    output_numbers: Numbers
    proofs: tuple[Decision, ...]
    """What had to be so for a kernel to give the same bytes, as it was asked when it was chosen."""
    heuristics: tuple[Decision, ...]
    """What decided among kernels that all give the same bytes."""


@dataclass(frozen=True)
class Change:
    """What a pass put in the place of what; either may be nothing."""

    gone: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True)
class PassFacts:
    """One pass."""

    name: str
    does: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class BufferFacts:
    """A part of the arena: a ring of rows, or the scratch memory of a layer."""

    layer: str
    """That writes it, or "input"."""
    shape: tuple[int, ...]
    scratch: bool
    bytes: int
    offset: int
    first: int
    last: int
    rows: int
    """That the ring holds at a time."""
    height: int
    """Rows of the tensor that are made."""


@dataclass(frozen=True)
class RowLife:
    """A row of a buffer: bytes of the arena, live from kernel call ``first`` to ``last``."""

    start: int
    bytes: int
    first: int
    last: int


def layers(compiled: Compiled) -> list[LayerFacts]:
    """The layers in the order in which they run."""
    return [_layer(compiled.program.graph, layer) for layer in compiled.program.layers]


def passes(content: bytes) -> list[PassFacts]:
    """What each pass does to the .tflite whose bytes are ``content``."""
    understand(content)  # which refuses what the passes cannot take
    graph = read(content)
    found = []
    for rewrite in (fold_shapes.run, *PASSES):
        before, graph = graph, rewrite(graph)
        found.append(_pass(rewrite, before, graph))
    return found


def buffers(compiled: Compiled) -> list[BufferFacts]:
    """The arena's parts, in the order in which they are written."""
    makers = {step.output: layer.name for layer, step in compiled.program.computed}
    tensors = compiled.program.graph.tensors
    return [
        BufferFacts(
            layer=makers.get(buffer.tensor, "input"),
            shape=tensors[buffer.tensor].shape,
            scratch=buffer.ring.scratch,
            bytes=buffer.bytes,
            offset=buffer.offset,
            first=buffer.first,
            last=buffer.last,
            rows=buffer.ring.rows,
            height=buffer.ring.height,
        )
        for buffer in compiled.plan.buffers
    ]


def rows(buffer: Buffer) -> list[RowLife]:
    """The lives of a buffer's rows."""
    ring = buffer.ring
    lives = zip(ring.starts.tolist(), ring.written.tolist(), ring.last.tolist(), strict=True)
    return [
        RowLife(buffer.offset + start, ring.row_bytes, first, last) for start, first, last in lives
    ]


def moments(plan: Plan) -> range:
    """The kernel calls by number; -1 and the last one are the caller's."""
    return range(-1, len(plan.schedule.calls) + 1)


def occupied(plan: Plan) -> list[int]:
    """At each moment, the bytes of the arena that a row lives in."""
    living = np.zeros((len(moments(plan)), plan.bytes), bool)
    for row in (row for buffer in plan.buffers for row in rows(buffer)):
        living[row.first + 1 : row.last + 2, row.start : row.start + row.bytes] = True
    return [int(count) for count in living.sum(axis=1)]


def memory_by_layer(compiled: Compiled) -> list[tuple[str, int]]:
    """(layer, the most bytes occupied at one of its kernel calls), in the layers' order."""
    most = dict.fromkeys(range(len(compiled.program.steps)), 0)
    for call, taken in zip(compiled.plan.schedule.calls, occupied(compiled.plan)[1:], strict=False):
        if call.step in most:
            most[call.step] = max(most[call.step], taken)
    return [(layer.name, most[index]) for index, (layer, _) in enumerate(compiled.program.computed)]


def numbers(tensor: Tensor) -> Numbers:
    """What a tensor's numbers mean."""
    quantization: Quantization | None = tensor.quantization
    if quantization is None:
        return Numbers(tensor.dtype, None, None, 0)
    scales = quantization.scales
    return Numbers(tensor.dtype, max(scales), quantization.zero_point, len(scales))


def _layer(graph: Graph, layer: Layer) -> LayerFacts:
    operator, step = layer.operator, layer.step
    used = [graph.tensors[index] for index in operator.inputs if index != ABSENT]
    constants = [tensor for tensor in used if tensor.data is not None]
    activations = [tensor for tensor in used if tensor.data is None]
    output = graph.output_of(operator)
    decisions = step.decisions if step else ()
    return LayerFacts(
        name=layer.name,
        operator=operator.kind,
        kernel=step.kernel.name if step else None,
        inputs=tuple(tensor.shape for tensor in activations),
        output=output.shape,
        macs=step.macs if step else 0,
        constant_bytes=step.constant_bytes if step else 0,
        input_numbers=tuple(numbers(tensor) for tensor in activations),
        weights=next((numbers(tensor) for tensor in constants if tensor.dtype == "int8"), None),
        output_numbers=numbers(output),
        proofs=tuple(d for d in decisions if d.basis is Basis.PROOF),
        heuristics=tuple(d for d in decisions if d.basis is Basis.HEURISTIC),
    )


def _pass(rewrite: Callable[[Graph], Graph], before: Graph, after: Graph) -> PassFacts:
    module = modules[rewrite.__module__]
    does = " ".join((module.__doc__ or "").split()).split(". ")[0].split(": ")[0].rstrip(".") + "."
    gone = [operator for operator in before.operators if operator not in after.operators]
    made = [operator for operator in after.operators if operator not in before.operators]
    return PassFacts(module.__name__.rsplit(".", 1)[1], does, tuple(_changes(gone, made)))


def _changes(gone: list[Operator], made: list[Operator]) -> list[Change]:
    """Each new operator with those that it stands for: of its place, or with its output."""
    found, left = [], list(gone)
    for operator in made:
        replaced = [
            old
            for old in left
            if old.index == operator.index or set(old.outputs) & set(operator.outputs)
        ]
        left = [old for old in left if old not in replaced]
        found.append(Change(tuple(old.label for old in replaced), (operator.label,)))
    return [*found, *(Change((old.label,), ()) for old in left)]
