"""``glyphite predict``: the digit in a picture, read on this PC or on a board."""

import argparse
from pathlib import Path
from typing import Any

from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import ModelFolder, default_model, find_model
from glyphite.host.cli.arguments import add_model
from glyphite.host.cli.console import print_json, say
from glyphite.host.cli.digits import require_digits
from glyphite.host.device.session import connect
from glyphite.host.measure import stream
from glyphite.host.measure.digit_picture import read_digit
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.board import BoardRunner
from glyphite.host.runners.litert import LitertRunner, litert_version, read_manifest

EXAMPLE = "glyphite predict digit.png seed --port sim://native"
BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("image", metavar="IMAGE", type=Path, help="a picture of one digit")
    add_model(parser, optional=True)
    parser.add_argument("--port", metavar="URL", help="the port of a board (default: this PC)")
    parser.add_argument(
        "--baud", type=int, default=stream.BAUD, help="bits per second (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print digit and scores as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the digit and the ten scores."""
    pixels = read_digit(arguments.image)
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    require_digits(manifest)
    tensors = manifest.quantize_pixels(pixels[None])
    scores, where = _ask(arguments, folder, manifest, tensors)
    result = _result(manifest, scores, where)
    if arguments.json:
        print_json(result)
        return 0
    say(f"{result['digit']}, read by {where}")
    for label, score in zip(manifest.labels, result["scores"], strict=True):
        bar = "█" * round(BAR * score)
        say(f"  {label} {bar:{BAR}} {100 * score:5.1f} %")
    return 0


def _ask(
    arguments: argparse.Namespace, folder: ModelFolder, manifest: Manifest, tensors: Tensors
) -> tuple[Scores, str]:
    """The int8 scores (1, 10), and a description of the runner."""
    if arguments.port is None:
        scores = LitertRunner(folder.tflite).run(tensors, ignore_progress)
        return scores, f"LiteRT on this PC ({litert_version()})"
    with connect(arguments.port, baud=arguments.baud, manifest=manifest) as session:
        hello = session.board
        scores = BoardRunner(session).run(tensors, ignore_progress)
    return scores, f"{stream.board_name(hello)} on {arguments.port} ({hello.firmware})"


def _result(manifest: Manifest, scores: Scores, where: str) -> dict[str, Any]:
    """The digit and its scores, dequantized: ``scale * (int8 - zero_point)``."""
    real = (scores[0].astype(float) - manifest.output.zero_point) * manifest.output.scale
    return {
        "digit": manifest.labels[int(scores[0].argmax())],
        "scores": [round(float(score), 6) for score in real],
        "scores_int8": [int(score) for score in scores[0]],
        "read_by": where,
    }
