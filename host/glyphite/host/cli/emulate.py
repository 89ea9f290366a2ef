"""``glyphite emulate``: an emulated board on a pseudo-terminal, for any other program."""

import argparse
import sys
from functools import partial
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.errors import BoardError
from glyphite.host.cli.arguments import add_board, add_goal, add_json, add_model
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, say
from glyphite.host.cli.heartbeat import silence_is_meant
from glyphite.host.cli.protocol import add_protocol, wanted_task
from glyphite.host.device.transport.emulator import EmulatedBoard, link_to, stop_on_signals

EXAMPLE = "glyphite emulate seed --board cortex-m4 --link /tmp/board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    parser.add_argument(
        "--link", type=Path, metavar="PATH", help="a symbolic link to the port, to be made"
    )
    add_goal(parser)
    add_protocol(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, start the board, print its port, and wait for Ctrl-C or SIGTERM.

    Raises BoardError where the board is not emulated, ToolError where the emulator ends by itself.
    """
    if (board := load_board(arguments.board)).emulator is None:
        raise BoardError(
            f"The board {board.name!r} is not emulated. Name one that is: `glyphite boards` lists "
            "them."
        )
    prepared = compile_and_build(
        arguments.model,
        arguments.board,
        arguments.optimize,
        task_of=partial(wanted_task, arguments),
    )
    model = prepared.folder.name
    with (
        stop_on_signals(),
        EmulatedBoard(prepared.board, prepared.built.image, terminal=True) as emulated,
        link_to(emulated.terminal, arguments.link) as port,
    ):
        if arguments.json:
            print_json({"model": model, "board": board.name, "port": port})
            sys.stdout.flush()  # the program that reads it waits for it
        else:
            speaks = f", as MLPerf Tiny's {prepared.task.id}" if prepared.task else ""
            say(f"{model} runs on {board.name}{speaks}. Its serial port: {port}")
            say("Ctrl-C stops it.")
        with silence_is_meant():
            emulated.wait()
    return 0
