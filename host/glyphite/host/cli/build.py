"""``glyphite build``: a model's firmware for a board, and the memory that it takes there."""

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import InputError
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.places import is_of_model
from glyphite.convert.text import command, printable
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import (
    add_board,
    add_goal,
    add_json,
    add_model,
    add_out,
    hold_place,
)
from glyphite.host.cli.budgets import add_budgets, checking, subject
from glyphite.host.cli.console import (
    print_json,
    print_table,
    progress_bar,
    say_next,
    say_written,
)
from glyphite.host.cli.digits import next_step
from glyphite.host.cli.protocol import GLYPHITE, MLPERF, add_protocol, wanted_task
from glyphite.host.device.build import Built, build
from glyphite.host.device.mlperf import Edge, Task
from glyphite.host.device.transport.firmware_files import emulated_url

EXAMPLE = "glyphite build seed --board cortex-m4"

PARTS_SHOWN = 8

TaskOf = Callable[[str, Edge, Edge], Task | None]
"""What is to be measured, of a model's name, input and output."""


@dataclass(frozen=True)
class Prepared:
    """A model that was compiled and built for a board."""

    folder: ModelFolder
    board: Board
    compiled: Compiled
    built: Built
    task: Task | None = None
    """What it is measured as, where it speaks MLPerf Tiny's protocol."""

    @property
    def subject(self) -> str:
        """What its figures are of, as sentences on limits say it."""
        compiled = self.compiled
        return subject(compiled.name, compiled.sha256, self.board.name, compiled.goal)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    add_goal(parser)
    add_protocol(parser)
    add_budgets(parser, "max_flash", "max_ram")
    add_out(parser, "a folder; default: build/<model>/<board>/<goal>")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, build, and print the sizes against the board's limits.

    Raises CheckFailedError where they are beyond ``--max-flash`` or ``--max-ram``.
    """
    with checking("build", arguments) as checks:
        prepared = compile_and_build(
            arguments.model,
            arguments.board,
            arguments.optimize,
            arguments.out,
            partial(wanted_task, arguments),
        )
        if arguments.json:
            print_json(_document(prepared))
        else:
            _print(prepared, is_elsewhere=arguments.out is not None)
        of, size = prepared.subject, prepared.built.size
        checks.passed(f"the firmware fits: {of}")
        checks.hold("max_flash", size.flash, of)
        checks.hold("max_ram", size.ram, of)
    return 0


def for_goal(board: Board, goal: Goal) -> Board:
    """``board`` with what its compiler optimizes for."""
    if goal is not Goal.SIZE:
        return board
    toolchain = dataclasses.replace(board.toolchain, optimize="-Os")
    return dataclasses.replace(board, toolchain=toolchain)


def usual_task(*_: object) -> None:
    """None: the firmware speaks Glyphite's own protocol."""


def compile_and_build(
    model: str,
    board_name: str,
    goal: Goal = Goal.SPEED,
    out: Path | None = None,
    task_of: TaskOf = usual_task,
) -> Prepared:
    """Compile ``model`` and build its firmware for a board, in the folder ``out`` or its own.

    What speaks MLPerf Tiny's protocol, as ``task_of`` may say, has a folder apart from that. Raises
    BoardError where there is no such board, InputError where ``out`` is a model's folder,
    ModelError where there is no such model or it cannot be compiled, ToolError where a compiler is
    missing or fails, DoesNotFitError where the board is too small, LinkError where a sketch does
    not answer on the emulated board.
    """
    board = for_goal(load_board(board_name), goal)
    found = find_model(model)
    if out is not None and is_of_model(out, found.for_build(board.key, goal, out)):
        raise InputError(
            f"{printable(str(out))} is the folder of a model, and a build would replace the C in "
            "it. Name another folder with --out."
        )
    with hold_place(found, out), progress_bar("Building", 2) as progress:
        compiled = compile_folder(found, board.mcu.architecture, goal)
        task = task_of(found.name, *compiled.edges)
        folder = found.for_build(board.key, goal, out, MLPERF if task else "")
        compiled.write(folder.generated)
        progress(note=board.name)
        built = build(folder, board, goal, task)
        progress()
    return Prepared(folder, board, compiled, built, task)


def _document(prepared: Prepared) -> dict[str, Any]:
    board, built, memory = prepared.board, prepared.built, prepared.board.memory
    return {
        "model": prepared.folder.name,
        "board": board.name,
        "image": str(built.image),
        "protocol": MLPERF if prepared.task else GLYPHITE,
        "benchmark": prepared.task.id if prepared.task else None,
        "flash_available": memory.flash if memory else None,
        "ram_available": memory.ram if memory else None,
        **dataclasses.asdict(built.size),
    }


def _print(prepared: Prepared, *, is_elsewhere: bool) -> None:
    board, built = prepared.board, prepared.built
    named, board_named = prepared.folder.named, board.named
    size, memory = built.size, board.memory
    rows = [_row("flash", size.flash, memory.flash if memory else None)]
    if memory is None:
        rows.append(_row("static RAM", size.ram, None))
    else:
        stack = "measured" if size.stack_measured else "reserved"
        rows += [
            _row("static RAM", size.ram, memory.ram),
            _row(f"stack, {stack}", size.stack, memory.ram),
        ]
    columns = ("memory", "bytes", "of", "used")
    speaks = f", MLPerf Tiny's {prepared.task.id}" if prepared.task else ""
    print_table(columns, rows, title=f"{prepared.folder.name} on {board.name}{speaks}")
    parts = [(part.name, part.memory, f"{part.bytes:,}") for part in size.parts[:PARTS_SHOWN]]
    print_table(("largest parts", "in", "bytes"), parts)
    say_written(built.image)
    if prepared.task and board.emulator:
        port = emulated_url(board_named, built.image)
        say_next(command("glyphite", "mlperf", named, "--port", port))
    elif board.arduino:
        port = emulated_url(board_named) if board.emulator else "PORT"
        words = ("flash", named, "--board", board_named, "--port", port)
        say_next(command("glyphite", *words))
    elif board.emulator:
        port = emulated_url(board_named, built.image) if is_elsewhere else ""
        say_next(next_step(named, *prepared.compiled.edges, board_named, port))


def _row(memory: str, used: int, available: int | None) -> tuple[str, str, str, str]:
    if available is None:
        return memory, f"{used:,}", "no limit", ""
    return memory, f"{used:,}", f"{available:,}", f"{100 * used / available:.1f} %"
