"""The cost of a model on an emulated board: its firmware runs inputs from the serial line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from glyphite.convert.boards import Board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.errors import InputError
from glyphite.convert.progress import Progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import Built
from glyphite.host.device.elf import read_elf
from glyphite.host.measure.bench.baseline import Baseline, find_baseline
from glyphite.host.measure.bench.code import Instruction, disassemble
from glyphite.host.measure.bench.cycles import Costs, costs_of, timing
from glyphite.host.measure.bench.footprint import Footprint, footprint
from glyphite.host.measure.bench.watch import (
    Watched,
    counts_cycles,
    is_countable,
    make_plan,
    watch,
)
from glyphite.host.measure.times import COUNTED, MODELLED
from glyphite.host.runners.base import Tensors


@dataclass(frozen=True)
class LayerCost:
    """The cost of one layer: means over the inputs."""

    name: str
    operator: str
    output: str
    macs: int
    count: int
    cycles: int


@dataclass(frozen=True)
class Cost:
    """What one inference costs; counts are means over the inputs."""

    unit: str
    counts: tuple[int, ...]
    """Instructions or cycles, of each input."""
    macs: int
    cycles: int
    """Counted on an Arduino, modelled on a Cortex-M."""
    cycle_model: str
    """The processor whose table of cycles was used, or "counted"."""
    seconds: float | None
    """The time of ``cycles`` at the board's clock; None where that is not known."""
    footprint: Footprint
    stack_bytes: int | None
    layers: tuple[LayerCost, ...]
    """The first is the part of ``model_invoke`` outside all layers."""
    baseline: Baseline | None

    @property
    def count(self) -> int:
        """Instructions or cycles of one inference, on average."""
        return round(mean(self.counts))

    @property
    def timed_by(self) -> str:
        """Whether the cycles are counted or modelled: ``COUNTED`` or ``MODELLED``."""
        return COUNTED if self.unit == "cycles" else MODELLED


def measure(
    folder: ModelFolder,
    compiled: Compiled,
    board: Board,
    built: Built,
    *,
    tensors: Tensors,
    progress: Progress,
) -> Cost:
    """Run the inputs (n, *shape) on the emulated board, and count instructions or cycles.

    Raises InputError where they cannot be counted on the board; ToolError where the emulator or a
    tool of the compiler is missing or fails, or the firmware does not fit ``compiled``; LinkError
    where the board does not answer.
    """
    require_countable(board)
    cycles = counts_cycles(board)
    elf, code = read_elf(built.image), {} if cycles else disassemble(board, built.image)
    names = [layer.name for layer, _ in compiled.program.computed]
    plan = make_plan(elf, list(code.values()), names)
    runs = list(watch(board, built.image, plan, tensors, progress))
    costs = costs_of(board.mcu.architecture)
    modelled = [_cycles(run, costs, code) for run in runs]
    graph = compiled.program.graph
    shapes = (graph.tensors[graph.inputs[0]].shape, graph.tensors[graph.outputs[0]].shape)
    stacks = [run.stack for run in runs]
    taken = round(mean(sum(parts.values()) for parts in modelled))
    return Cost(
        unit="cycles" if cycles else "instructions",
        counts=tuple(run.count() for run in runs),
        macs=compiled.macs,
        cycles=taken,
        cycle_model="counted" if cycles else costs.name,
        seconds=taken / board.mcu.clock_hz if board.mcu.clock_hz else None,
        footprint=footprint(board, folder.generated, layers_with_weights(compiled)),
        stack_bytes=None if None in stacks else max(stack for stack in stacks if stack is not None),
        layers=_layers(compiled, runs, modelled),
        baseline=find_baseline(board.name, compiled.macs, *shapes),
    )


def require_countable(board: Board) -> None:
    """Make sure that instructions or cycles can be counted on the board.

    Raises InputError where it is not emulated by QEMU or simavr.
    """
    if not is_countable(board):
        raise InputError(
            f"Neither instructions nor cycles can be counted on the board {board.name!r}. "
            "Name one that is emulated, such as cortex-m4 or uno."
        )


def layers_with_weights(compiled: Compiled) -> list[str]:
    """The names of the layers that multiply by weights."""
    return [row.name for row in compiled.layers if row.macs]


def _layers(
    compiled: Compiled, runs: Sequence[Watched], cycles: Sequence[Mapping[int, int]]
) -> tuple[LayerCost, ...]:
    both = zip(compiled.layers, compiled.program.layers, strict=True)
    rows = [row for row, layer in both if layer.step is not None]
    made = [LayerCost("model_invoke", "", "", 0, *_means(0, runs, cycles))]
    for part, row in enumerate(rows, 1):
        figures = _means(part, runs, cycles)
        made.append(LayerCost(row.name, row.kind, row.output, row.macs, *figures))
    return tuple(made)


def _means(
    part: int, runs: Sequence[Watched], cycles: Sequence[Mapping[int, int]]
) -> tuple[int, int]:
    count = mean(run.count(part) for run in runs)
    return round(count), round(mean(each.get(part, 0) for each in cycles))


def _cycles(run: Watched, costs: Costs, code: Mapping[int, Instruction]) -> dict[int, int]:
    """Cycles by part: those that were counted, or else modelled."""
    if run.cycles:
        return dict(enumerate(run.cycles))
    found: dict[int, int] = {}
    for block in run.blocks:
        takes = timing(costs, code, block.start, block.end, block.instructions)
        cycles = block.runs * takes.straight + block.leaves * takes.leaving
        found[block.part] = found.get(block.part, 0) + cycles
    return found
