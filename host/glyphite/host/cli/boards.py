"""``glyphite boards``: the boards, and whether their tools are installed here."""

import argparse
import shutil
from typing import Any

from glyphite.convert.boards import Board, all_boards
from glyphite.host.cli.console import print_json, print_table, say
from glyphite.host.device.arduino import CLI, DEBIAN_CORE, installed_cores
from glyphite.host.device.c_compiler import NATIVE, has_c_compiler
from glyphite.host.device.transport import avr

EXAMPLE = "glyphite boards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("--json", action="store_true", help="print the boards as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print one line per board."""
    cores = installed_cores()
    boards = [_describe(board, cores) for board in all_boards()]
    if arguments.json:
        print_json(boards)
        return 0
    columns = ("board", "what it is", "flash", "RAM", "builds here", "runs here")
    print_table(columns, [_row(board) for board in boards])
    _say_installs([board for board in boards if not board["compiler"]["installed"]])
    return 0


def _say_installs(boards: list[dict[str, Any]]) -> None:
    """Print the commands for which the table has no room."""
    names: dict[str, list[str]] = {}
    for board in boards:
        if command := board["compiler"].get("install"):
            names.setdefault(command, []).append(board["name"])
    if names and shutil.which("arduino-cli") is None:
        say(f"The other Arduinos need arduino-cli ({CLI}), and each its core:")
    for command, of in names.items():
        say(f"{', '.join(of)}: {command}")


def _describe(board: Board, cores: frozenset[str]) -> dict[str, Any]:
    return {
        "name": board.name,
        "description": board.description,
        "clock_hz": board.mcu.clock_hz,
        "flash": board.memory.flash if board.memory else None,
        "ram": board.memory.ram if board.memory else None,
        "compiler": _builder(board, cores),
        "emulator": _emulator(board),
        "fqbn": board.arduino.fqbn if board.arduino else None,
        "usb_ids": board.arduino.usb_ids if board.arduino else (),
    }


def _builder(board: Board, cores: frozenset[str]) -> dict[str, Any]:
    if board.arduino is None or board.arduino.core == DEBIAN_CORE:
        if board.toolchain.cc == NATIVE and has_c_compiler():
            return {"program": NATIVE, "installed": True, "package": board.toolchain.package}
        return _tool(board.toolchain.cc, board.toolchain.package)
    return {
        "program": "arduino-cli",
        "installed": board.arduino.core in cores,
        "package": None,
        "install": board.arduino.install,
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
    if tool["installed"]:
        return "yes"
    return "see below" if "install" in tool else f"install {tool['package']}"
