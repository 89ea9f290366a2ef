"""``glyphite boards``: the boards, and whether their tools are installed here."""

import argparse
import shutil
from typing import Any

from glyphite.convert.boards import DEBIAN_CORE, Board, all_boards
from glyphite.host.cli.arguments import add_json
from glyphite.host.cli.console import print_json, print_table, say, say_command
from glyphite.host.device.arduino import CLI, installed_cores
from glyphite.host.device.c_compiler import NATIVE, has_c_compiler
from glyphite.host.device.transport import avr

EXAMPLE = "glyphite boards"
ARDUINO_CLI = "arduino-cli"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one line per board."""
    cores = installed_cores()
    boards = [_describe(board, cores) for board in all_boards()]
    if arguments.json:
        print_json(boards)
        return 0
    columns = ("board", "what it is", "flash", "RAM", "here")
    print_table(columns, [_row(board) for board in boards])
    say("here: this PC builds for it and runs it, emulated; builds alone; or not yet: see below.")
    _say_installs(boards)
    return 0


def _say_installs(boards: list[dict[str, Any]]) -> None:
    """Print the commands for which the table has no room."""
    names: dict[str, list[str]] = {}
    for board in boards:
        for command in _installs(board):
            names.setdefault(command, []).append(board["name"])
    if any(board["compiler"].get("install") for board in boards) and not shutil.which(ARDUINO_CLI):
        say(f"The other Arduinos need {ARDUINO_CLI} ({CLI}), and each its core:")
    for command, of in names.items():
        say_command(", ".join(of), command)


def _installs(board: dict[str, Any]) -> list[str]:
    """The commands that install what is absent."""
    absent = [
        tool for tool in (board["compiler"], board["emulator"]) if tool and not tool["installed"]
    ]
    cores = [tool["install"] for tool in absent if "install" in tool]
    packages = " ".join(tool["package"] for tool in absent if tool["package"])
    return [*cores, f"sudo apt-get install {packages}"] if packages else cores


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
        "program": ARDUINO_CLI,
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
        _state(board),
    )


def _bytes(count: int | None) -> str:
    return "no limit" if count is None else f"{count:,}"


def _state(board: dict[str, Any]) -> str:
    if not board["compiler"]["installed"]:
        return "not yet"
    return "runs" if board["emulator"] and board["emulator"]["installed"] else "builds"
