"""``glyphite demo``: the whole way once, from MNIST to a board that answers."""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convert.boards import Board, load_board
from convert.errors import GlyphiteError
from convert.workspace import model_folder
from host.cli.console import STDERR, print_json, print_table, say

SUMMARY = "train, quantize, compare, compile, build an emulated board, stream to it, report"
EXAMPLE = "glyphite demo --epochs 2 --count 1000"
MODEL = "seed"
FULL_EPOCHS = 10
BATCH_SIZE = 128
"""Four times the default: an epoch takes a third of the time and learns a little less."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the demo's arguments."""
    parser.add_argument("--epochs", type=int, default=2, help="training epochs (default: 2)")
    parser.add_argument("--count", type=int, default=1000, help="images streamed (default: 1000)")
    parser.add_argument(
        "--board", help="the emulated board (default: cortex-m4, or native where it cannot run)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run every stage as the command that a user would type, then print one table."""
    board = _choose_board(arguments.board)
    epochs = f"{arguments.epochs} epoch{'s' if arguments.epochs != 1 else ''}"
    STDERR.print(f"The network is trained for {epochs} here; a full run has {FULL_EPOCHS}.")
    started = time.monotonic()
    for command in _stages(board, arguments.epochs, arguments.count):
        _run_stage(command)
    folder = model_folder(MODEL)
    report: dict[str, Any] = json.loads((folder.root / "report.json").read_text())
    if arguments.json:
        print_json(report)
    else:
        _print_result(report, folder.root, time.monotonic() - started)
    return 0


def _choose_board(name: str | None) -> Board:
    """The board asked for; else the Cortex-M4, or this PC where that cannot be built and run."""
    if name is not None:
        return load_board(name)
    board = load_board("cortex-m4")
    needed = (board.toolchain.cc, board.emulator and board.emulator.program)
    absent = [program for program in needed if program and shutil.which(program) is None]
    if not absent:
        return board
    STDERR.print(
        f"{' and '.join(absent)} cannot be found, so the board is `native`: the same firmware, "
        "built for this PC."
    )
    return load_board("native")


def _stages(board: Board, epochs: int, count: int) -> list[list[str]]:
    """The commands of the whole way, in order; every core runs an emulated board."""
    jobs = str(os.cpu_count() or 1)
    return [
        ["train", MODEL, "--epochs", str(epochs), "--batch-size", str(BATCH_SIZE)],
        ["convert", MODEL],
        ["compare", MODEL],
        ["export", MODEL, "--tflm"],
        ["compile", MODEL],
        ["build", MODEL, "--board", board.name],
        ["stream", MODEL, "--port", f"sim://{board.name}", "--count", str(count), "--jobs", jobs],
        ["report", MODEL],
    ]


def _run_stage(command: Sequence[str]) -> None:
    """Run one verb; its tables are kept back (the demo prints one), its progress bars are not."""
    from host.cli import main

    started = time.monotonic()
    STDERR.print(f"$ glyphite {' '.join(command)}", style="bold")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = main(command)
    if code != 0:
        sys.stderr.write(output.getvalue())
        raise GlyphiteError(f"`glyphite {' '.join(command)}` ended with exit code {code}.")
    STDERR.print(f"  {time.monotonic() - started:.1f} s", style="dim")


def _print_result(report: dict[str, Any], root: Path, seconds: float) -> None:
    """One table: who answered, how well, and whether the board's bytes are TFLM's."""
    board = report["board"]
    names = {
        "float": "float, Keras on this PC",
        "int8_litert": "int8, LiteRT on this PC",
        "int8_tflm": "int8, TensorFlow Lite Micro on this PC",
        "board": f"int8, compiled C on {board['name']} ({board['images']} images)",
    }
    rows = [
        (title, f"{100 * report['accuracy'][key]:.2f} %")
        for key, title in names.items()
        if key in report["accuracy"]
    ]
    print_table(("MNIST test images", "accuracy"), rows)
    say(
        f"Bytes in which the board differs from TensorFlow Lite Micro: "
        f"{board['mismatched_bytes']} of {board['images'] * len(report['labels'])}."
    )
    say(f"Report: {root / 'report.html'} and report.json ({seconds:.0f} s in all).")
