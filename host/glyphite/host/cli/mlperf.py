"""``glyphite mlperf``: what MLPerf Tiny's runner needs for a model, and its questions, asked."""

import argparse
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import known_board
from glyphite.convert.errors import CheckFailedError, LinkError
from glyphite.convert.files import require_room
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import command, counted
from glyphite.convert.workspace import ModelFolder, default_model, find_model
from glyphite.host.cli.arguments import (
    add_baud,
    add_count,
    add_json,
    add_model,
    add_out,
    add_port,
    hold_place,
)
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_command,
    say_written,
)
from glyphite.host.cli.data import add_data, test_samples
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.protocol import add_benchmark
from glyphite.host.device.mlperf import Input, Task, task_of
from glyphite.host.device.transport import is_emulated, open_port
from glyphite.host.measure.mlperf import (
    LEAST_WINDOW,
    MOST_WINDOW,
    WINDOWS,
    Device,
    Performance,
    perform,
    results_of,
    runs_of,
)
from glyphite.host.measure.mlperf_files import (
    ON_PORT,
    Samples,
    expected,
    require_every_class,
    samples_of,
    write_run,
)
from glyphite.host.measure.portion import BAUD
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import BRIEF, explanation, oracle

EXAMPLE = "glyphite mlperf seed --count 100 --out mlperf-seed"
USUAL = 200
"""Samples, where so many are there and ``--count`` is not given."""
USUAL_RUNS = 100
"""Inferences of a window, where no board tells how many take long enough."""
USUAL_SECONDS = 17.0
MOST_SECONDS = 3600.0
HALF_DECIMAL = 0.000502
"""Half of the last decimal of a result, and what float32 may add to it."""
RUNNER = "RUNNER"


@dataclass(frozen=True, eq=False)
class Measured:
    """What a board has answered."""

    board: str
    reference: str
    right: int | None
    """Samples whose class it found; None where one error a sample is given."""
    auc: float | None
    """Where one error a sample is given: the chance that an odd sample has the larger one."""
    different: int
    """Samples of which a result is not that of the reference."""
    performance: Performance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    add_benchmark(parser)
    add_port(parser, "none, and the folder alone is written")
    add_baud(parser, BAUD)
    add_count(parser, count_of, None, f"{USUAL}, or all where there are fewer")
    parser.add_argument(
        "--window-seconds",
        type=_seconds,
        default=USUAL_SECONDS,
        metavar="S",
        help=f"that each of {WINDOWS} windows of a board's performance lasts; "
        f"valid are {LEAST_WINDOW:g} to {MOST_WINDOW:g} (default: {USUAL_SECONDS:g})",
    )
    add_out(parser, "a folder; default: build/<model>/mlperf/run")
    add_data(parser, "that of the model's conversion, or MNIST if it reads digits")
    add_json(parser)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 0.01 to {MOST_SECONDS:g} s is.")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Measure the board, if one is named, and write the folder for the runner.

    Raises CheckFailedError where a result of the board is not that of TFLM or what stands in for
    it, LinkError where the board is silent or was built for another benchmark.
    """
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    task = task_of(folder.name, manifest.input, manifest.output, arguments.benchmark)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    samples = samples_of(manifest, task, tested.tensors, tested.floats(manifest), tested.truth)

    def all_classes() -> NDArray[np.int64]:
        everything = test_samples(arguments, manifest)
        floats, truth = everything.floats(manifest), everything.truth
        return samples_of(manifest, task, everything.tensors, floats, truth).classes

    require_every_class(samples, tested.truth.data["title"], all_classes)
    if not manifest.gives_shares and task.input is not Input.FLOATS:
        print_status(
            f"The outputs of {manifest.name} are no shares of 1, by which MLPerf Tiny's runner "
            "divides them: its accuracy may be wrong. Let the model end in a softmax."
        )
    place = arguments.out or folder.root / "mlperf" / "run"
    require_room(folder=place)  # before a board is asked for minutes
    measured = None
    if arguments.port is not None:
        measured = _measure(arguments, folder, manifest, task, samples)
    runs = measured.performance.runs if measured else USUAL_RUNS
    with hold_place(folder, arguments.out):
        write_run(place, task, samples, runs, arguments.baud)
    if arguments.json:
        print_json(_document(folder, task, samples, place, runs=runs, measured=measured))
    else:
        _print(folder, task, samples, place, measured)
    if measured:
        _check(measured, len(samples.inputs))
    return 0


def _check(measured: Measured, count: int) -> None:
    """CheckFailedError where a result of the board is another than the reference's."""
    if measured.different:
        raise CheckFailedError(
            f"{measured.different:,} of {counted(count, 'result')} of {measured.board} are not "
            f"those of {BRIEF[measured.reference]}. Build its firmware again."
        )


def _measure(
    arguments: argparse.Namespace,
    folder: ModelFolder,
    manifest: Manifest,
    task: Task,
    samples: Samples,
) -> Measured:
    count = len(samples.inputs)
    with closing(open_port(arguments.port, arguments.baud)) as port:
        device = Device(port)
        device.greet()
        if device.model != task.id:
            raise LinkError(
                f"The board {device.name!r} was built for {device.model!r}, and {task.id!r} is "
                "asked for. Name that model, or build its firmware with --protocol mlperf."
            )
        with progress_bar("Accuracy", count) as progress:
            results = results_of(device, samples.inputs, progress)
        with progress_bar("Performance", WINDOWS) as progress:
            runs = runs_of(device, samples.inputs[0], arguments.window_seconds)
            performance = perform(device, samples.inputs, runs, progress)
    emulated = known_board(device.name) if is_emulated(arguments.port) else None
    if emulated and emulated.emulator and emulated.emulator.instructions_per_tick:
        bench = command("glyphite", "bench", folder.named, "--board", device.name)
        print_status(
            f"The clock of an emulated {device.name} counts instructions, so its times are not "
            f"those of a board. `{bench}` models cycles."
        )
    right = oracle(folder.tflite)
    if said := explanation(right.name):
        print_status(said)
    with progress_bar(BRIEF[right.name], count) as progress:
        reference = expected(
            manifest, task, samples, lambda tensors: right.run(tensors, progress=progress)[0]
        )
    return Measured(
        device.name,
        right.name,
        _right(samples, results),
        _auc(samples, results),
        _different(results, reference),
        performance,
    )


def _right(samples: Samples, results: NDArray[np.float64]) -> int | None:
    if results.shape[1] == 1:
        return None
    return int((results.argmax(axis=1) == samples.classes).sum())


def _auc(samples: Samples, results: NDArray[np.float64]) -> float | None:
    if results.shape[1] > 1:
        return None
    return float(metrics.area_under_curve(results[:, 0], samples.classes > 0))


def _different(results: NDArray[np.float64], reference: NDArray[np.float64]) -> int:
    """The samples of which a result is not the reference's, to the decimals that are sent."""
    if results.shape != reference.shape:
        return len(results)
    slack = HALF_DECIMAL + 1e-5 * np.abs(reference)
    return int((~(np.abs(results - reference) <= slack).all(axis=1)).sum())


def _document(
    folder: ModelFolder,
    task: Task,
    samples: Samples,
    place: Path,
    *,
    runs: int,
    measured: Measured | None,
) -> dict[str, Any]:
    told = _told_of(measured, len(samples.inputs)) if measured else {"board": None}
    return {
        "model": folder.name,
        "benchmark": task.id,
        "folder": str(place),
        "samples": len(samples.inputs),
        "inferences_per_window": runs,
        **told,
    }


def _told_of(measured: Measured, count: int) -> dict[str, Any]:
    performance = measured.performance
    return {
        "board": measured.board,
        "reference": measured.reference,
        "correct": measured.right,
        "accuracy": None if measured.right is None else measured.right / count,
        "auc": measured.auc,
        "different": measured.different,
        "inferences_per_second": performance.per_second,
        "valid": performance.is_valid,
        "windows": [round(seconds, 6) for seconds in performance.seconds],
        "waited": [round(seconds, 6) for seconds in performance.waited],
    }


def _print(
    folder: ModelFolder, task: Task, samples: Samples, place: Path, measured: Measured | None
) -> None:
    count = len(samples.inputs)
    if measured is not None:
        _print_measured(folder, task, count, measured)
    else:
        say(f"Without --port, a window has {USUAL_RUNS} inferences, which may be too few.")
    say_written(place)
    words = ["python", ON_PORT, "PORT", RUNNER, "-s", "datasets", "-t"]
    say(f"In that folder, with {RUNNER} for benchmark/runner of github.com/mlcommons/tiny:")
    say_command("Accuracy", command(*words, "tests_accuracy.yaml", "-m", "a"))
    say_command("Performance", command(*words, "tests_performance.yaml", "-m", "p"))


def _print_measured(folder: ModelFolder, task: Task, count: int, measured: Measured) -> None:
    performance = measured.performance
    rows = []
    if measured.right is not None:
        rows.append(("accuracy", f"{100 * measured.right / count:.2f} %"))
        rows.append(("right", f"{measured.right:,} of {count:,}"))
    if measured.auc is not None:
        rows.append(("AUC", f"{measured.auc:.3f}"))
    of = BRIEF[measured.reference]
    rows += [
        (f"results that differ from {of}", f"{measured.different:,} of {count:,}"),
        ("inferences a second, median", f"{performance.per_second:,.3f}"),
        (f"windows of {performance.runs:,}", _range(performance.seconds)),
        ("the same by this PC's clock", _range(performance.waited)),
    ]
    named = folder.name if folder.name == task.id else f"{folder.name} as {task.id}"
    title = f"{named} on {measured.board}"
    print_table(("", "MLPerf Tiny's protocol"), rows, title=title)
    if not performance.is_valid:
        say(
            f"By MLPerf Tiny's rules a window takes more than {LEAST_WINDOW:g} and less than "
            f"{MOST_WINDOW:g} s. Choose --window-seconds accordingly; {USUAL_SECONDS:g} is usual."
        )


def _range(seconds: tuple[float, ...]) -> str:
    return f"{min(seconds):.2f} to {max(seconds):.2f} s"
