"""``glyphite verify``: random and extreme inputs on a board, held against TFLM's bytes."""

import argparse
import dataclasses
from pathlib import Path

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import add_goal, add_model
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, print_status, print_table, progress_bar
from glyphite.host.cli.digits import count_of
from glyphite.host.device.session import connect
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure import verify
from glyphite.host.measure.first_difference import Trace, trace
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.board import BoardRunner
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, explanation, has_tflm, oracle

EXAMPLE = "glyphite verify seed --board native --count 2000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    parser.add_argument("--board", required=True, metavar="BOARD", help="a board's name")
    parser.add_argument("--port", metavar="URL", help="the board's port (default: emulated)")
    parser.add_argument("--count", type=count_of, default=100, help="random inputs (default: 100)")
    parser.add_argument(
        "--seed", type=_seed, default=1, help="seed of the random inputs (default: 1)"
    )
    parser.add_argument("--inputs", type=Path, metavar="FILE.npy", help="inputs of your own")
    add_goal(parser, None)
    add_budgets(parser, "max_mismatched_bytes")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(1 << 64))):
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: 0 to 2^64 is.")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run all inputs on both, and print the differences.

    Raises InputError where the board is neither emulated nor at a port, or has no firmware yet;
    CheckFailedError where a byte differs, or more than ``--max-mismatched-bytes`` do.
    """
    with checking("verify", arguments) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder, board = find_model(arguments.model), load_board(arguments.board)
    if arguments.optimize is not None:
        compile_and_build(arguments.model, arguments.board, arguments.optimize)
    manifest = read_manifest(folder)
    groups = _groups(arguments, manifest.input.shape[1:], manifest.input.dtype)
    if manifest.input.dtype == "float32":
        groups = verify.as_floats(groups, read(read_bytes(folder.tflite)))
    url = arguments.port or _emulated(folder, board, arguments)
    with (
        connect(url, baud=board.serial.baud, manifest=manifest, named=folder.named) as session,
        progress_bar("Verifying", 2 * sum(len(group) for group in groups.values())) as progress,
    ):
        right = oracle(folder.tflite)
        compared = verify.compare_groups(groups, BoardRunner(session), right, progress)
    require_unchanged(folder, manifest)
    traced, cause = _cause(folder, compared)
    if arguments.json:
        difference = traced.difference if traced else None
        layer = dataclasses.asdict(difference) if difference else None
        print_json(
            {"model": manifest.name, "board": board.name, "reference": right.name,
             "groups": compared.figures, "first_differing_layer": layer}
        )  # fmt: skip
    else:
        _print(compared.figures, f"{manifest.name}: {board.name} against {BRIEF[right.name]}")
    if told := explanation(right.name):
        print_status(told)
    of = subject(manifest.name, manifest.sha256, board.name, arguments.optimize or "")
    checks.hold_bytes(
        sum(group["bytes_differ"] for group in compared.figures),
        of,
        lambda: verify.check(compared.figures, board.name, cause, right.name),
    )


def _cause(folder: ModelFolder, compared: verify.Compared) -> tuple[Trace | None, str]:
    """The trace of the first input whose scores differ, and a sentence on the cause."""
    if compared.wrong is None:
        return None, ""
    if not has_tflm():
        return None, "Where tflite-micro is not installed, no layer is named."
    tensor, answer, expected = compared.wrong
    if not (folder.generated / "model.c").is_file():
        return None, ""
    traced = trace(folder, tensor)
    return traced, verify.blame(traced, answer, expected)


def _groups(
    arguments: argparse.Namespace, shape: tuple[int, ...], dtype: str
) -> dict[str, Tensors]:
    groups = {
        "random": verify.random_inputs(shape, arguments.count, arguments.seed),
        "extreme": verify.extreme_inputs(shape),
    }
    if arguments.inputs is not None:
        groups["given"] = verify.read_inputs(arguments.inputs, shape, dtype)
    return groups


def _emulated(folder: ModelFolder, board: Board, arguments: argparse.Namespace) -> str:
    """The URL of an emulated board that runs this model's firmware."""
    image = folder.board(board.name) / "firmware.elf"
    if board.emulator is None:
        raise InputError(f"The board {board.name!r} is not emulated. Name its port with --port.")
    if not image.is_file():
        build = command("glyphite", "build", folder.named, "--board", board.named)
        raise InputError(
            f"No firmware of {folder.name!r} for {board.name!r}: {image} does not exist. Build it "
            f"with `{build}`."
        )
    return emulated_url(arguments.board, image)


def _print(figures: list[verify.GroupFigures], title: str) -> None:
    print_table(
        ("inputs", "images", "images that differ", "bytes that differ", "largest difference"),
        [tuple(group.values()) for group in figures],
        title=title,
    )
