"""``glyphite size``: which boards can hold a model, by flash and RAM against their limits."""

import argparse
import hashlib
import math
from typing import Any

from glyphite.convert.boards import all_boards, load_board
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import find_model
from glyphite.host.cli.arguments import add_goal, add_json, add_model
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.build import for_goal
from glyphite.host.cli.console import print_json, progress_bar, say
from glyphite.host.cli.data import calibrated_on, title_of
from glyphite.host.measure.board_sizes import (
    ALONE,
    ESTIMATE,
    FIRMWARE,
    LEAST,
    BoardSize,
    measure_boards,
)

EXAMPLE = "glyphite size uno --board uno --board zero --max-flash 31K"

BAR = 8
"""Characters of a bar that stands for a board's whole memory."""
FITS = {True: "yes", False: "no", None: "?"}
SIGNS = {ESTIMATE: "~", LEAST: ">"}
"""What stands before figures that are not measured."""
NOTES = {
    ALONE: "The model alone, without the Arduino core, which takes flash and RAM as well",
    ESTIMATE: "~ Estimated: weights and arena are the board's, the code is as large as on this PC",
    LEAST: "> Weights and arena alone, as nothing here compiles the code",
}
"""What is said of the boards whose whole firmware was not measured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    parser.add_argument(
        "--board",
        action="append",
        default=[],
        metavar="BOARD",
        help="a board's name (see `glyphite boards`), or the path of a board file (.toml); may be "
        "given several times, and fails where one cannot hold the model (default: all boards)",
    )
    add_goal(parser)
    add_budgets(parser, "max_flash", "max_ram")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the sizes against each board's limits.

    Raises CheckFailedError where a board that was named cannot hold the model, or a size is beyond
    ``--max-flash`` or ``--max-ram``.
    """
    with checking("size", arguments, always=bool(arguments.board)) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder, goal = find_model(arguments.model), arguments.optimize
    named = {load_board(board).path: load_board(board) for board in arguments.board}
    boards = [for_goal(board, goal) for board in named.values() or all_boards()]
    content = read_bytes(folder.tflite)
    sha256 = hashlib.sha256(content).hexdigest()
    with progress_bar("Measuring", len(boards)) as progress:
        found = measure_boards(folder, content, goal, boards, progress)
    if arguments.json:
        figures = {
            "model": folder.name,
            "sha256": sha256,
            "optimize": goal,
            **calibrated_on(folder),
        }
        print_json(figures | {"boards": [_entry(one) for one in found]})
    else:
        _print(f"{title_of(folder)}, --optimize {goal}: flash, and RAM with the stack", found)
        _print_notes(found, is_named=bool(named))
    for one in found:
        name = f"{folder.name} alone" if one.basis == ALONE else folder.name
        of = subject(name, sha256, one.board.name, goal)
        _check(checks, one, of, is_named=bool(named))


def _check(checks: Checks, one: BoardSize, of: str, is_named: bool) -> None:
    """Hold a board to the limits; one that is not measured passes no check."""
    fit = f"the firmware fits: {of}"
    if is_named and one.fits is False:
        checks.failed(fit, one.reason)
    elif is_named and one.basis == FIRMWARE:
        checks.passed(fit)
    elif is_named:
        checks.skipped(fit, f"{NOTES[one.basis]}. {one.reason}".rstrip())
    for name, figure in (("max_flash", one.size.flash), ("max_ram", one.size.ram)):
        if one.is_measured:
            checks.hold(name, figure, of)
        elif is_named:
            checks.cannot_hold(name, of, one.reason)


def _entry(one: BoardSize) -> dict[str, Any]:
    memory = one.board.memory
    return {
        "board": one.board.name,
        "measured": one.is_measured,
        "basis": one.basis,
        "flash": one.size.flash,
        "flash_available": memory.flash if memory else None,
        "ram": one.size.ram,
        "ram_available": memory.ram if memory else None,
        "stack": one.size.stack,
        "stack_measured": one.size.stack_measured,
        "fits": one.fits,
        "reason": one.reason or None,
    }


def _print(title: str, found: list[BoardSize]) -> None:
    say(title)
    width = max(len(one.board.name) for one in found)
    say(f"{'board':<{width}}        {'bytes':>15} {'of the limit':<13}  {'used':<15} fits")
    for one in found:
        memory, size, sign = one.board.memory, one.size, SIGNS.get(one.basis, "")
        ram = f"{sign}{size.ram:,}" + (f" + {size.stack:,}" if size.stack else "")
        of_flash = _share(size.flash, memory.flash if memory else None)
        of_ram = _share(size.ram + size.stack, memory.ram if memory else None)
        say(f"{one.board.name:<{width}}  flash {f'{sign}{size.flash:,}':>15} {of_flash} "
            f"{FITS[one.fits]}")  # fmt: skip
        say(f"{'':<{width}}  RAM   {ram:>15} {of_ram}".rstrip())


def _share(taken: int, limit: int | None) -> str:
    """The limit with a bar and percents, rounded up, so that 101 is beyond it."""
    if limit is None:
        return f"{'no limit':<{BAR + 23}}"
    full = min(BAR, round(BAR * taken / limit))
    percent = f"{min(math.ceil(100 * taken / limit), 9999)} %"
    return f"of {limit:>10,}  {'█' * full}{'·' * (BAR - full)} {percent:>6} "


def _print_notes(found: list[BoardSize], is_named: bool) -> None:
    """What the figures are, and the reasons that no failed check will give."""
    for basis, note in NOTES.items():
        if names := [one.board.name for one in found if one.basis == basis]:
            say(f"{note}: {', '.join(names)}.")
    for one in found:
        if one.reason and not (is_named and one.fits is False):
            say(f"{one.board.name}: {one.reason}")
