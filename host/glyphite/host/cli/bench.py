"""``glyphite bench``: the cost of an inference on an emulated board, counted and modelled."""

import argparse
import dataclasses
from typing import Any

from glyphite.convert.boards import Board, Memory, load_board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.ir.graph import Graph
from glyphite.convert.errors import DataError
from glyphite.convert.manifest import Manifest
from glyphite.host.cli.arguments import add_board, add_goal, add_model
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, print_table, progress_bar, say
from glyphite.host.cli.digits import count_of, load_digits, reads_digits
from glyphite.host.device.build import Built
from glyphite.host.measure import verify
from glyphite.host.measure.bench.measure import Cost, measure, require_countable
from glyphite.host.measure.digit_picture import SIDE
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import read_manifest, require_unchanged

EXAMPLE = "glyphite bench seed --board cortex-m4 --layers"

COUNT = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    parser.add_argument(
        "--count", type=count_of, default=COUNT, help=f"inputs to run (default: {COUNT})"
    )
    add_goal(parser)
    parser.add_argument("--layers", action="store_true", help="print each layer's share, too")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compile, build, run the firmware on inputs, and print the cost.

    Raises InputError where nothing can be counted on the board.
    """
    require_countable(load_board(arguments.board))
    prepared = compile_and_build(arguments.model, arguments.board, arguments.optimize)
    folder, board = prepared.folder, prepared.board
    compiled, built = prepared.compiled, prepared.built
    tensors, inputs = _inputs(read_manifest(folder), arguments.count, compiled.program.graph)
    with progress_bar("Counting", len(tensors)) as progress:
        cost = measure(folder, compiled, board, built, tensors=tensors, progress=progress)
    require_unchanged(folder, compiled)
    if arguments.json:
        document = _document(compiled, board, inputs, cost, _memory(board, built, cost))
        layers = [dataclasses.asdict(layer) for layer in cost.layers]
        print_json(document | ({"layers": layers} if arguments.layers else {}))
    else:
        _print(compiled, board, inputs, cost, arguments.layers)
        if board.arduino and board.memory:
            _print_memory(board.memory, _memory(board, built, cost))
    return 0


def _inputs(manifest: Manifest, count: int, graph: Graph) -> tuple[Tensors, str]:
    """Inputs (n, *shape) and their description: MNIST's first test images, or random bytes.

    A model whose input is float32 gets floats that its QUANTIZE turns into such bytes.
    """
    shape = manifest.input.shape[1:]
    if manifest.input.dtype == "float32":
        groups = verify.as_floats({"random": verify.random_inputs(shape, count)}, graph)
        return groups["random"], f"{count} random float32 inputs"
    if shape == (SIDE, SIDE, 1) and reads_digits(manifest.input, manifest.output):
        try:
            return load_digits(manifest, count)[0], f"the first {count} test images of MNIST"
        except DataError:
            pass
    return verify.random_inputs(shape, count), f"{count} random int8 inputs"


def _memory(board: Board, built: Built, cost: Cost) -> dict[str, int | None]:
    """Flash, static RAM and stack: on an Arduino those of the whole sketch, else the model's own
    RAM."""
    of_sketch = board.arduino is not None
    return {
        "flash_bytes": built.size.flash,
        "static_ram_bytes": built.size.ram if of_sketch else cost.footprint.static_ram,
        "stack_bytes": built.size.stack if of_sketch else cost.stack_bytes,
    }


def _milliseconds(board: Board, cost: Cost) -> float | None:
    """The time of one inference at the board's clock; None where that is not known."""
    clock = board.mcu.clock_hz
    return 1000 * cost.modelled_cycles / clock if clock else None


def _document(
    compiled: Compiled,
    board: Board,
    inputs: str,
    cost: Cost,
    memory: dict[str, int | None],
) -> dict[str, Any]:
    return {
        "model": compiled.name,
        "sha256": compiled.sha256,
        "board": board.name,
        "unit": cost.unit,
        "count": cost.count,
        "count_least": min(cost.counts),
        "count_most": max(cost.counts),
        "macs": cost.macs,
        "count_per_mac": cost.count / cost.macs if cost.macs else None,
        "modelled_cycles": cost.modelled_cycles,
        "cycle_model": cost.cycle_model,
        "milliseconds": _milliseconds(board, cost),
        "weights_bytes": cost.footprint.weights,
        "code_bytes": cost.footprint.code,
        **memory,
        "inputs": inputs,
        "inferences": len(cost.counts),
        "tflm": dataclasses.asdict(cost.baseline) if cost.baseline else None,
    }


def _print(compiled: Compiled, board: Board, inputs: str, cost: Cost, layers: bool) -> None:
    say(f"{compiled.name} on {board.name}: mean of {inputs}")
    if layers:
        _print_layers(cost)
    _print_figures(board, cost)
    if cost.baseline:
        say(f"TFLM: recorded for the {cost.baseline.title}. {cost.baseline.method}")


def _print_layers(cost: Cost) -> None:
    rows = [
        (
            layer.name,
            f"{layer.count:,}",
            f"{100 * layer.count / cost.count:.1f} %",
            _per_mac(layer.count, layer.macs),
            f"{layer.modelled_cycles:,}",
        )
        for layer in cost.layers
    ]
    print_table(("layer", cost.unit, "share", "per MAC", "modelled cycles"), rows)


def _print_memory(limits: Memory, memory: dict[str, int | None]) -> None:
    rows = [
        ("flash", f"{memory['flash_bytes']:,}", f"{limits.flash:,}"),
        ("static RAM", f"{memory['static_ram_bytes']:,}", f"{limits.ram:,}"),
        ("stack", f"{memory['stack_bytes']:,}", ""),
    ]
    print_table(("the whole sketch", "bytes", "of"), rows)


def _print_figures(board: Board, cost: Cost) -> None:
    takes = cost.footprint
    milliseconds = _milliseconds(board, cost)
    stack = "not known" if cost.stack_bytes is None else f"{cost.stack_bytes:,}"
    ours = [
        (cost.unit, f"{cost.count:,}"),
        ("per MAC", _per_mac(cost.count, cost.macs)),
        ("MACs", f"{cost.macs:,}"),
        (f"modelled cycles, {cost.cycle_model}", f"{cost.modelled_cycles:,}"),
        ("milliseconds", "not known" if milliseconds is None else f"{milliseconds:.1f}"),
        ("weights, bytes", f"{takes.weights:,}"),
        ("code, bytes", f"{takes.code:,}"),
        ("static RAM, bytes", f"{takes.static_ram:,}"),
        ("stack, bytes", stack),
    ]
    if cost.baseline is None:
        print_table(("an inference", "takes"), ours)
        return
    known = cost.baseline
    theirs = {
        cost.unit: _against(known.count, cost.count),
        "per MAC": (_per_mac(known.count, cost.macs), ""),
        "code, bytes": _against(known.code_bytes, takes.code),
        "static RAM, bytes": _against(known.static_ram_bytes, takes.static_ram),
    }
    rows = [(name, value, *theirs.get(name, ("", ""))) for name, value in ours]
    print_table(("an inference", "takes", "in TFLM", "times as much"), rows)


def _against(theirs: int, ours: int) -> tuple[str, str]:
    return f"{theirs:,}", f"{theirs / ours:.1f}"


def _per_mac(count: int, macs: int) -> str:
    return f"{count / macs:.2f}" if macs else ""
