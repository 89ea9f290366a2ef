"""``glyphite export``: the model for another engine or build system."""

import argparse
from collections.abc import Callable
from pathlib import Path

from convert.emit.tflm import TflmSketch, write_sketch
from convert.workspace import ModelFolder, find_model
from host.cli.console import print_json, print_table, say

SUMMARY = "write a sketch that runs the model in TensorFlow Lite Micro"
EXAMPLE = "glyphite export seed --tflm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or a .tflite file")
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument(
        "--tflm",
        dest="export",
        action="store_const",
        const=_export_tflm,
        help="an Arduino sketch with the model as a C array and its operators",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to (default: build/<model>/<kind>)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Export the model as the chosen kind."""
    export: Callable[[ModelFolder, Path | None, bool], None] = arguments.export
    export(find_model(arguments.model), arguments.out, arguments.json)
    return 0


def _export_tflm(model: ModelFolder, out: Path | None, as_json: bool) -> None:
    sketch = write_sketch(model, out)
    if as_json:
        print_json(_tflm_result(sketch))
        return
    print_table(
        ("operator", "method of tflite::MicroMutableOpResolver"),
        [(operator.name, operator.add_method) for operator in sketch.operators],
        title=f"{model.name} in TensorFlow Lite Micro",
    )
    arena = sketch.arena
    say(
        f"Arena: {arena.bytes:,} bytes, of which TensorFlow Lite Micro reckons {arena.reckoned:,}, "
        f"optimised convolutions may take {arena.scratch:,}, and the rest is to spare."
    )
    say(f"Wrote {sketch.folder}: see README.txt there for how to build it.")


def _tflm_result(sketch: TflmSketch) -> dict[str, object]:
    return {
        "folder": str(sketch.folder),
        "files": list(sketch.files),
        "operators": [operator.name for operator in sketch.operators],
        "arena": {
            "bytes": sketch.arena.bytes,
            "reckoned": sketch.arena.reckoned,
            "scratch": sketch.arena.scratch,
            "margin": sketch.arena.margin,
        },
    }
