"""``glyphite demo``: every stage once, from MNIST to a board that answers.

What lacks here (TensorFlow, a compiler, an emulator) leaves its stages out, and is named.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.documents import read_json
from glyphite.convert.errors import BoardError, GlyphiteError, InputError, ToolError
from glyphite.convert.extras import remedy
from glyphite.convert.text import command
from glyphite.convert.workspace import find_model, model_folder
from glyphite.host.cli.arguments import add_board, add_count, add_json
from glyphite.host.cli.console import print_json, print_status, print_table, say
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.endings import SIGNALLED, EndedError
from glyphite.host.device.arduino import find_tool, sketch_command
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.device.packages import install
from glyphite.host.device.transport.avr import emulator_program, erased_flash
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure.bench.watch import is_countable
from glyphite.host.measure.times import duration
from glyphite.host.runners.oracle import LONG, WHOSE, explanation

EXAMPLE = "glyphite demo --epochs 2 --count 1000"
MODEL = "seed"
FULL_EPOCHS = 10
BATCH_SIZE = 128
"""Four times the default: an epoch takes a third of the time, at a little less accuracy."""
UNO = "uno"
"""Name of the board and of the model for it that comes with this package."""
UNO_IMAGES = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the demo's arguments."""
    parser.add_argument(
        "--epochs",
        type=count_of,
        default=2,
        metavar="N",
        help="passes over the images (default: 2)",
    )
    add_count(parser, count_of, 1000)
    add_board(parser, "cortex-m4, or native where it cannot run")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run every stage by the command that a user would type, then print one table.

    Raises GlyphiteError where a stage fails, BoardError where there is no such board, EndedError
    where a signal came.
    """
    absent = _Absent()
    board = _choose_board(arguments.board, absent)
    model = _choose_model(arguments.epochs, absent)
    started = time.monotonic()
    for words in _stages(board, arguments.epochs, arguments.count, model):
        _run_stage(words)
    uno = _flash_uno(absent)
    others = ("--with", UNO) if uno and model != UNO else ()
    _run_stage(["report", model, *others])
    folder = model_folder(MODEL) if model == MODEL else find_model(model)
    report = _read(folder.root / "report.json")
    if arguments.json:
        print_json(report | {"uno": uno, "not_run": absent.told})
    else:
        _print_result(report, uno)
        for sentence in absent.told:  # again, as the first time is far above by now
            say(sentence)
        seconds = time.monotonic() - started
        say(f"Report: {folder.root / 'report.html'} and report.json ({seconds:.0f} s in all).")
    return 0


class _Absent:
    """What is left out, and why: told at once, and kept for the end."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, sentence: str) -> None:
        """Say what is left out."""
        self.told.append(sentence)
        print_status(sentence)


def _choose_model(epochs: int, absent: _Absent) -> str:
    """The network that is trained here, or where that cannot be the one that comes trained."""
    if find_spec("tensorflow") is None:
        absent.tell(
            "Training, quantizing and the float model are left out, as TensorFlow is not "
            f"installed: the model is `{UNO}`, which comes with Glyphite. {remedy()}"
        )
        return UNO
    count = f"{epochs} epoch{'s' if epochs != 1 else ''}"
    print_status(f"The network is trained for {count} here; a full run has {FULL_EPOCHS}.")
    return MODEL


def _choose_board(name: str | None, absent: _Absent) -> Board | None:
    """The board ``name``; by default the Cortex-M4, or this PC where its tools are missing.

    None where there is no compiler for either. Raises BoardError where ``name`` is not emulated.
    """
    if name is not None:
        if (named := load_board(name)).emulator is None:
            raise BoardError(
                f"The board {named.name!r} is not emulated, and the demo runs on no other. Name "
                "one that is emulated, such as cortex-m4 or native, or leave --board out."
            )
        return named
    board = load_board("cortex-m4")
    needed = (board.toolchain.cc, board.emulator and board.emulator.program)
    lacking = [program for program in needed if program and shutil.which(program) is None]
    if not lacking:
        return board
    missing = f"{' and '.join(lacking)} cannot be found"
    try:
        c_compiler()
    except ToolError as error:
        absent.tell(f"All boards are left out: {missing}, and for this PC there is none. {error}")
        return None
    absent.tell(f"{missing}, so the board is `native`: the same firmware, built for this PC.")
    return load_board("native")


def _stages(board: Board | None, epochs: int, count: int, model: str) -> list[list[str]]:
    """The commands of all stages, in order; each core of this PC runs an emulated board."""
    jobs = str(os.cpu_count() or 1)
    training = [
        ["train", MODEL, "--epochs", str(epochs), "--batch-size", str(BATCH_SIZE)],
        ["convert", MODEL],
    ]
    stages = [["compare", model], ["export", model, "--tflm"], ["compile", model]]
    if board is not None:
        on, url = ("--board", board.named), emulated_url(board.named)
        port = ("--port", url, "--count", str(count), "--jobs", jobs)
        stages += [["build", model, *on], ["stream", model, *port]]
        if is_countable(board):
            stages.append(["bench", model, *on])
    return [*(training if model == MODEL else []), *stages]


def _flash_uno(absent: _Absent) -> dict[str, Any] | None:
    """Flash the emulated Uno, stream to it and count its cycles; None without its tools."""
    if (missing := _no_uno()) is not None:
        absent.tell(f"The Arduino Uno is left out: {missing}")
        return None
    port = f"sim://{UNO}"
    _run_stage(["flash", UNO, "--board", UNO, "--port", port])
    _run_stage(["stream", UNO, "--port", port, "--count", str(UNO_IMAGES)])
    _run_stage(["bench", UNO, "--board", UNO])
    folder = find_model(UNO).for_build(UNO, Goal.SPEED).image(UNO).parent
    counted = _read(folder / "bench.json")
    return _read(folder / "stream.json") | {"milliseconds": counted["milliseconds"]}


def _read(path: Path) -> dict[str, Any]:
    """What a stage has just written."""
    return read_json(path, dict[str, Any], "Run the demo again.")


def _no_uno() -> str | None:
    """The reason why an Uno cannot be built for, emulated or flashed here, or None."""
    for program in ("avr-gcc", "avr-objcopy", "avrdude"):
        if find_tool(program) is None:
            packages = f"{load_board(UNO).toolchain.package} avrdude"
            return f"{program} cannot be found. {install(packages)}"
    try:
        sketch_command(load_board(UNO), Path(), Path())
        emulator_program(load_board(UNO))
        erased_flash(load_board(UNO))
    except ToolError as error:
        return str(error)
    return None


def _run_stage(words: Sequence[str]) -> None:
    """Run one verb with its progress bars, but without its tables: the demo prints its own."""
    from glyphite.host.cli import main

    started = time.monotonic()
    print_status(f"$ glyphite {command(*words)}", style="bold")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = main(words)
    if code > SIGNALLED:
        raise EndedError(code - SIGNALLED)
    if code != 0:
        sys.stderr.write(output.getvalue())
        kind = InputError if code == InputError.exit_code else GlyphiteError
        raise kind(f"`glyphite {command(*words)}` ended with exit code {code}.")
    print_status(f"  {time.monotonic() - started:.1f} s", style="dim")


def _board_rows(
    streamed: dict[str, Any], names: dict[str, str], expected: str, title: str
) -> list[tuple[str, int, float]]:
    """A board's accuracy, below that of its reference on the very same images."""
    reference, images = names[streamed["reference"]].replace("int8, ", ""), streamed["images"]
    return [
        (f"{expected}, {reference}", images, streamed["reference_accuracy"]),
        (title, images, streamed["accuracy"]),
    ]


def _print_result(report: dict[str, Any], uno: dict[str, Any] | None) -> None:
    """Print the accuracy of each runner, and the bytes of the boards that differ."""
    board, accuracy = report["board"], report["accuracy"]
    names = {
        "float": "float, Keras on this PC",
        "int8_litert": "int8, LiteRT on this PC",
        "int8_tflm": f"int8, {LONG['int8_tflm']} on this PC",
        "c": f"int8, {LONG['c']}",
    }
    images = report["compare"]["images"]
    asked = [key for key in names if key in accuracy]
    if "int8_tflm" in asked and "c" in asked:
        asked.remove("c")  # it has the same bytes
    rows = [(names[key], images, accuracy[key]) for key in asked]
    differ = []
    if board is not None:
        titles = "the first of them", f"the same, compiled C on {board['name']}"
        rows += _board_rows(board, names, *titles)
        differ.append((board["name"], board))
    if uno is not None:
        rows += _board_rows(uno, names, "a smaller network", "the same on an Arduino Uno")
        differ.append(("the Uno", uno))
    shown = [(title, f"{count:,}", f"{100 * share:.2f} %") for title, count, share in rows]
    print_table(("", "test images", "accuracy"), shown)
    if not differ:
        return
    found = ", ".join(
        f"{figures['mismatched_bytes']} of {figures['images'] * len(report['labels'])} on {name}"
        for name, figures in differ
    )
    reference = differ[0][1]["reference"]
    say(f"Bytes that differ from {WHOSE[reference]}: {found}.")
    if told := explanation(reference):
        print_status(told)
    if uno is not None:
        takes = duration(uno["milliseconds"] / 1000)
        say(f"The emulated Uno was flashed by avrdude. By counted cycles an image takes {takes}.")
