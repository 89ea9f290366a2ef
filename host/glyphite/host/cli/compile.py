"""``glyphite compile``: a .tflite to C that needs no library."""

import argparse
from pathlib import Path
from typing import Any

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.emit.text import PREFIX, c_prefix
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.export.project import replace_no_foreign
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import (
    add_json,
    add_model,
    add_out,
    add_processor,
    architecture,
    hold_place,
)
from glyphite.host.cli.console import print_json, print_table, say, say_written

EXAMPLE = "glyphite compile seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_model(parser)
    add_processor(parser)
    parser.add_argument(
        "--stream-input",
        action="store_true",
        help="take the input row by row (model_begin, model_row, model_take_row), for a program of "
        "your own: the firmware here gives it whole",
    )
    parser.add_argument(
        "--prefix",
        type=c_prefix,
        default=PREFIX,
        metavar="NAME",
        help=f"what files, functions and macros begin with (default: {PREFIX}); two models in one "
        "program need two",
    )
    add_out(parser, "a folder; default: c in build/<model>, or c-<board>-<goal> there")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile the model, write the C, and print its layers and sizes."""
    folder = find_model(arguments.model)
    processor = architecture(arguments)
    place = arguments.out or _place(folder, arguments)
    with hold_place(folder, arguments.out):
        compiled = compile_folder(
            folder,
            processor,
            arguments.optimize,
            stream_input=arguments.stream_input,
            prefix=arguments.prefix,
        )
        replace_no_foreign(place, compiled.files)
        compiled.write(place)
    if arguments.json:
        print_json(_document(place, compiled))
    else:
        _print(place, compiled)
    return 0


def _place(folder: ModelFolder, arguments: argparse.Namespace) -> Path:
    """The folder that says what the C in it is for: C that is made otherwise has another."""
    board = load_board(arguments.board).key if arguments.board else ""
    goal = "" if arguments.optimize is Goal.SPEED else arguments.optimize
    form = "stream-input" if arguments.stream_input else ""
    prefix = "" if arguments.prefix == PREFIX else f"prefix-{arguments.prefix}"
    return folder.variant("c", board, goal, form, prefix)


def _document(place: Path, compiled: Compiled) -> dict[str, Any]:
    return {
        "name": compiled.name,
        "sha256": compiled.sha256,
        "files": [str(place / file) for file in compiled.files],
        "arena_bytes": compiled.arena_bytes,
        "state_bytes": compiled.state_bytes,
        "constant_bytes": compiled.constant_bytes,
        "macs": compiled.macs,
        "layers": [
            {
                "name": layer.name,
                "operator": layer.kind,
                "output": layer.output,
                "macs": layer.macs,
                "constant_bytes": layer.constant_bytes,
            }
            for layer in compiled.layers
        ],
    }


def _print(place: Path, compiled: Compiled) -> None:
    layers = [
        (row.name, row.output, f"{row.macs:,}", f"{row.constant_bytes:,}")
        for row in compiled.layers
    ]
    total = ("in all", "", f"{compiled.macs:,}", f"{compiled.constant_bytes:,}")
    columns = ("layer", "output", "MACs", "constant bytes")
    print_table(columns, [*layers, total], title=compiled.name)
    least = ", the least that these layers can do with" if compiled.plan.proven else ""
    say(f"arena: {compiled.arena_bytes:,} bytes of static RAM{least}")
    say_written(*(place / file for file in sorted(compiled.files)))
