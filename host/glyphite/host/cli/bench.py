"""``glyphite bench``: the cost of an inference on an emulated board, counted and modelled."""

import argparse
import dataclasses

from glyphite.convert.boards import Board, Memory, load_board
from glyphite.convert.data.mnist import SIDE
from glyphite.convert.documents import now
from glyphite.convert.errors import DataError
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import writing_to
from glyphite.host.cli.arguments import add_board, add_count, add_goal, add_json, add_model
from glyphite.host.cli.budgets import Checks, add_budgets, checking
from glyphite.host.cli.build import Prepared, compile_and_build
from glyphite.host.cli.console import print_json, print_status, print_table, progress_bar, say
from glyphite.host.cli.data import add_data, calibrated_on, test_samples, title_of
from glyphite.host.cli.digits import count_of, load_digits, reads_digits
from glyphite.host.cli.judgement import of_data
from glyphite.host.device.build import Built
from glyphite.host.measure import verify
from glyphite.host.measure.bench import record
from glyphite.host.measure.bench.baseline import Baseline
from glyphite.host.measure.bench.measure import Cost, measure, require_countable
from glyphite.host.measure.times import COUNTED, MODELLED, TITLES, duration
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import read_manifest, require_unchanged

EXAMPLE = "glyphite bench seed --board cortex-m4 --layers"

COUNT = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    add_count(parser, count_of, COUNT)
    add_goal(parser)
    add_budgets(parser, "max_flash", "max_ram", "max_cycles")
    parser.add_argument(
        "--layers", action="store_true", help="tell each layer's part (of the cost)"
    )
    add_data(parser, "MNIST if the model reads digits, else random numbers")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, build, run the firmware on inputs, and print the cost.

    Raises InputError where nothing can be counted on the board, CheckFailedError where a figure is
    beyond its limit.
    """
    with checking("bench", arguments) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    require_countable(load_board(arguments.board))
    prepared = compile_and_build(arguments.model, arguments.board, arguments.optimize)
    folder, board = prepared.folder, prepared.board
    built = prepared.built
    tensors, inputs = _inputs(arguments, read_manifest(folder))
    cost, document = measured(prepared, tensors, inputs)
    if arguments.json:
        layers = [dataclasses.asdict(layer) for layer in cost.layers]
        shown = {"layers": layers} if arguments.layers else {}
        print_json({**document, **calibrated_on(folder), **shown})
    else:
        _print(prepared, inputs, cost, arguments.layers)
        if board.arduino and board.memory:
            _print_memory(board.memory, built)
    _check(checks, prepared, document)


def measured(prepared: Prepared, tensors: Tensors, inputs: str) -> tuple[Cost, record.BenchRecord]:
    """What an inference of ``tensors`` (n, *shape) costs, and the record of it that is kept.

    ``inputs`` says what they are. Raises what :func:`measure` does, ModelError where the .tflite
    was changed meanwhile, and InputError where the record cannot be written.
    """
    folder, built = prepared.folder, prepared.built
    with progress_bar("Counting", len(tensors)) as progress:
        cost = measure(
            folder, prepared.compiled, prepared.board, built, tensors=tensors, progress=progress
        )
    require_unchanged(folder, prepared.compiled)
    document = _record(prepared, inputs, cost)
    with writing_to(folder, print_status):
        record.save(built.image.parent, document)
    return cost, document


def _check(checks: Checks, prepared: Prepared, found: record.BenchRecord) -> None:
    of = prepared.subject
    checks.passed(f"the firmware fits: {of}")
    checks.hold("max_flash", found["flash_bytes"], of)
    checks.hold("max_ram", found["static_ram_bytes"], of)
    checks.hold("max_cycles", found["cycles"], of)


def _inputs(arguments: argparse.Namespace, manifest: Manifest) -> tuple[Tensors, str]:
    """Inputs (n, *shape) and their description: the first of ``--data`` or of MNIST, or random.

    A model whose input is float32 gets floats that its QUANTIZE turns into such bytes.
    """
    shape, count = manifest.input.shape[1:], arguments.count
    if arguments.data is not None:
        tested = test_samples(arguments, manifest, count)
        return tested.tensors, f"the first {of_data(tested.truth.data, count)}"
    if manifest.input.dtype == "float32":
        groups = verify.as_floats({"random": verify.random_inputs(shape, count)}, manifest.input)
        return groups["random"], f"{count} random float32 inputs"
    if shape == (SIDE, SIDE, 1) and reads_digits(manifest.input, manifest.output):
        try:
            return load_digits(manifest, count)[0], f"the first {count} test images of MNIST"
        except DataError:
            pass
    return verify.random_inputs(shape, count), f"{count} random int8 inputs"


def _memory(board: Board, built: Built, cost: Cost) -> tuple[int, int, int | None]:
    """Flash, static RAM and stack: on an Arduino those of the whole sketch, else the model's own
    RAM."""
    if board.arduino is not None:
        return built.size.flash, built.size.ram, built.size.stack
    return built.size.flash, cost.footprint.static_ram, cost.stack_bytes


def _record(prepared: Prepared, inputs: str, cost: Cost) -> record.BenchRecord:
    compiled, board, known = prepared.compiled, prepared.board, cost.baseline
    flash, static_ram, stack = _memory(board, prepared.built, cost)
    return record.BenchRecord(
        model=compiled.name,
        sha256=compiled.sha256,
        board=board.name,
        goal=compiled.goal,
        firmware_sha256=prepared.built.sha256,
        date=now(),
        unit=cost.unit,
        count=cost.count,
        count_least=min(cost.counts),
        count_most=max(cost.counts),
        macs=cost.macs,
        count_per_mac=cost.count / cost.macs if cost.macs else None,
        cycles=cost.cycles,
        cycle_model=cost.cycle_model,
        milliseconds=None if cost.seconds is None else 1000 * cost.seconds,
        timed_by=cost.timed_by,
        weights_bytes=cost.footprint.weights,
        code_bytes=cost.footprint.code,
        flash_bytes=flash,
        static_ram_bytes=static_ram,
        stack_bytes=stack,
        inputs=inputs,
        inferences=len(cost.counts),
        tflm=_tflm(known) if known else None,
    )


def _tflm(known: Baseline) -> record.TflmRecord:
    return {
        "title": known.title,
        "count": known.count,
        "static_ram_bytes": known.static_ram_bytes,
        "code_bytes": known.code_bytes,
        "method": known.method,
    }


def _print(prepared: Prepared, inputs: str, cost: Cost, layers: bool) -> None:
    board = prepared.board
    say(f"{title_of(prepared.folder)} on {board.name}: mean of {inputs}")
    if layers:
        _print_layers(cost)
    _print_figures(board, cost, prepared.folder.tflite.stat().st_size)
    if cost.baseline:
        say(f"TFLM: recorded for the {cost.baseline.title}. {cost.baseline.method}")


def _print_layers(cost: Cost) -> None:
    rows = [
        (
            layer.name,
            f"{layer.count:,}",
            f"{100 * layer.count / cost.count:.1f} %",
            _per_mac(layer.count, layer.macs),
            *((f"{layer.cycles:,}",) if cost.timed_by == MODELLED else ()),
        )
        for layer in cost.layers
    ]
    columns = ("layer", _counted(cost), "share", "per MAC")
    print_table((*columns, MODELLED) if cost.timed_by == MODELLED else columns, rows)


def _counted(cost: Cost) -> str:
    """What was counted, for people."""
    return cost.unit if cost.timed_by == MODELLED else COUNTED


def _print_memory(limits: Memory, built: Built) -> None:
    rows = [
        ("flash", f"{built.size.flash:,}", f"{limits.flash:,}"),
        ("static RAM", f"{built.size.ram:,}", f"{limits.ram:,}"),
        ("stack", f"{built.size.stack:,}", ""),
    ]
    print_table(("the whole sketch", "bytes", "of"), rows)


def _print_figures(board: Board, cost: Cost, tflite: int) -> None:
    """``tflite``: the bytes of the .tflite, which TFLM keeps in flash as it is."""
    takes = cost.footprint
    unit, clock = _counted(cost), board.mcu.clock_hz
    stack = "not known" if cost.stack_bytes is None else f"{cost.stack_bytes:,}"
    ours = [
        (unit, f"{cost.count:,}"),
        ("per MAC", _per_mac(cost.count, cost.macs)),
        ("MACs", f"{cost.macs:,}"),
    ]
    if cost.timed_by == MODELLED:
        ours.append((f"{MODELLED}, {cost.cycle_model}", f"{cost.cycles:,}"))
    if cost.seconds is not None and clock:
        ours.append((f"{TITLES[cost.timed_by]} at {clock / 1e6:g} MHz", duration(cost.seconds)))
    ours += [
        ("weights as linked, bytes", f"{takes.weights:,}"),
        ("code, bytes", f"{takes.code:,}"),
        ("flash for both, bytes", f"{takes.weights + takes.code:,}"),
        ("static RAM, bytes", f"{takes.static_ram:,}"),
        ("stack, bytes", stack),
    ]
    if cost.baseline is None:
        print_table(("an inference", "takes"), ours)
        return
    known = cost.baseline
    theirs = {
        unit: _against(known.count, cost.count),
        "per MAC": (_per_mac(known.count, cost.macs), ""),
        "code, bytes": _against(known.code_bytes, takes.code),
        "flash for both, bytes": _against(known.code_bytes + tflite, takes.weights + takes.code),
        "static RAM, bytes": _against(known.static_ram_bytes, takes.static_ram),
    }
    rows = [(name, value, *theirs.get(name, ("", ""))) for name, value in ours]
    print_table(("an inference", "takes", "in TFLM", "times as much"), rows)


def _against(theirs: int, ours: int) -> tuple[str, str]:
    return f"{theirs:,}", f"{theirs / ours:.1f}"


def _per_mac(count: int, macs: int) -> str:
    return f"{count / macs:.2f}" if macs else ""
