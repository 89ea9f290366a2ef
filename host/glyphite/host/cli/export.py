"""``glyphite export``: the model for another engine or build system."""

import argparse
from collections.abc import Callable
from pathlib import Path

from glyphite.convert.boards import MOST_AVR_ARRAY_BYTES, load_board
from glyphite.convert.errors import InputError
from glyphite.convert.export.arduino import ArduinoLibrary, longest_array, write_library
from glyphite.convert.export.tflm import TflmSketch, write_sketch
from glyphite.convert.workspace import find_model
from glyphite.host.cli.arguments import hold_place
from glyphite.host.cli.console import print_json, print_table, say
from glyphite.host.cli.digits import next_step

EXAMPLE = "glyphite export seed --arduino"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or a .tflite file")
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument(
        "--arduino",
        dest="export",
        action="store_const",
        const=_export_arduino,
        help='the Arduino library with the model in its examples, for "Add .ZIP Library"',
    )
    kinds.add_argument(
        "--tflm",
        dest="export",
        action="store_const",
        const=_export_tflm,
        help="an Arduino sketch with the model as a C array and its operators",
    )
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help="with --arduino: compile for this Arduino (default: C that runs on every board)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="output: a .zip file for --arduino, a folder for --tflm (default: in build/<model>)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Export the model as the chosen kind. Raises InputError where ``--tflm`` has a board."""
    export: Callable[[argparse.Namespace], None] = arguments.export
    export(arguments)
    return 0


def _export_arduino(arguments: argparse.Namespace) -> None:
    board = load_board(arguments.board) if arguments.board else None
    model = find_model(arguments.model)
    with hold_place(model, arguments.out):
        library = write_library(model, board, arguments.out)
    if arguments.json:
        print_json(_arduino_result(library))
        return
    sketches = [name for name in library.files if name.endswith(".ino")]
    print_table(
        ("in the .zip", "files"),
        [
            ("library: properties and src", f"{_outside_examples(library)}"),
            *((name.rpartition("/")[0], "sketch, model.c, model.h") for name in sketches),
        ],
        title=f"{library.compiled.name} as an Arduino library",
    )
    say(f"Wrote {library.path}: {library.bytes:,} bytes.")
    say("Arduino IDE: Sketch > Include Library > Add .ZIP Library; take an earlier one out first.")
    say("Then File > Examples > Glyphite > classify, and Upload.")
    if board is None:
        say(f"{_runs_on(library)}; --board BOARD takes kernels for that board's processor.")
    edges, named = library.compiled.edges, board.named if board else "BOARD"
    say(f"try it: {next_step(model.named, *edges, named, 'PORT')}")


def _runs_on(library: ArduinoLibrary) -> str:
    """For which boards C for any processor is."""
    largest = longest_array(library.compiled)
    if largest <= MOST_AVR_ARRAY_BYTES:
        return "The C runs on every board"
    return (
        f"The C runs on every board but an Uno or Mega, whose compiler takes at most "
        f"{MOST_AVR_ARRAY_BYTES:,} bytes in an array, and here is one of {largest:,}"
    )


def _outside_examples(library: ArduinoLibrary) -> int:
    return sum("/examples/" not in name for name in library.files)


def _arduino_result(library: ArduinoLibrary) -> dict[str, object]:
    return {
        "path": str(library.path),
        "bytes": library.bytes,
        "files": list(library.files),
        "model": library.compiled.name,
        "sha256": library.compiled.sha256,
        "arena_bytes": library.compiled.arena_bytes,
        "constant_bytes": library.compiled.constant_bytes,
    }


def _export_tflm(arguments: argparse.Namespace) -> None:
    if arguments.board:
        raise InputError("--board goes with --arduino: a .tflite is the same for every board.")
    model = find_model(arguments.model)
    with hold_place(model, arguments.out):
        sketch = write_sketch(model, arguments.out)
    if arguments.json:
        print_json(_tflm_result(sketch))
        return
    print_table(
        ("operator", "method of tflite::MicroMutableOpResolver"),
        [(operator.name, operator.add_method) for operator in sketch.operators],
        title=f"{model.name} in TensorFlow Lite Micro",
    )
    arena = sketch.arena
    needs = "needs" if arena.tried else "needs at most (reckoned, as tflite-micro is not installed)"
    say(
        f"Arena: {arena.bytes:,} bytes, of which TensorFlow Lite Micro {needs} {arena.measured:,}, "
        f"optimised convolutions may take {arena.scratch:,}, and the rest is a margin."
    )
    say(f"Wrote {sketch.folder}: see README.txt there for how to build it.")


def _tflm_result(sketch: TflmSketch) -> dict[str, object]:
    return {
        "folder": str(sketch.folder),
        "files": list(sketch.files),
        "operators": [operator.name for operator in sketch.operators],
        "arena": {
            "bytes": sketch.arena.bytes,
            "reckoned": sketch.arena.measured,
            "tried": sketch.arena.tried,
            "scratch": sketch.arena.scratch,
            "margin": sketch.arena.margin,
        },
    }
