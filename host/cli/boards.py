"""``glyphite boards``: the boards there are, and whether their tools are installed here."""

import argparse
import shutil
from typing import Any

from convert.boards import Board, all_boards
from host.cli.console import print_json, print_table
from host.transport import avr

SUMMARY = "list the boards, and whether their tools are installed here"
EXAMPLE = "glyphite boards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("--json", action="store_true", help="print the boards as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a board."""
    boards = [_describe(board) for board in all_boards()]
    if arguments.json:
        print_json(boards)
        return 0
    columns = ("board", "what it is", "flash", "RAM", "builds here", "runs here")
    print_table(columns, [_row(board) for board in boards])
    return 0


def _describe(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "description": board.description,
        "clock_hz": board.mcu.clock_hz,
        "flash": board.memory.flash if board.memory else None,
        "ram": board.memory.ram if board.memory else None,
        "compiler": _tool(board.toolchain.cc, board.toolchain.package),
        "emulator": _emulator(board),
    }


def _tool(program: str, package: str | None) -> dict[str, Any]:
    return {
        "program": program,
        "installed": shutil.which(program) is not None,
        "package": package,
    }


def _emulator(board: Board) -> dict[str, Any] | None:
    if board.emulator is None:
        return None
    if board.emulator.kind == "simavr":
        return {
            "program": "simavr",
            "installed": avr.HEADER.is_file(),
            "package": board.emulator.package,
        }
    if board.emulator.program is None:
        return {"program": "the firmware itself", "installed": True, "package": None}
    return _tool(board.emulator.program, board.emulator.package)


def _row(board: dict[str, Any]) -> tuple[str, ...]:
    return (
        board["name"],
        board["description"],
        _bytes(board["flash"]),
        _bytes(board["ram"]),
        _state(board["compiler"]),
        _state(board["emulator"]),
    )


def _bytes(count: int | None) -> str:
    return "no limit" if count is None else f"{count:,}"


def _state(tool: dict[str, Any] | None) -> str:
    if tool is None:
        return "no emulator"
    return "yes" if tool["installed"] else f"install {tool['package']}"
