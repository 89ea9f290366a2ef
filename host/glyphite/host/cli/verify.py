"""``glyphite verify``: random and extreme inputs on a board, held against TFLM's bytes."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from glyphite.convert.boards import Board, known_board, load_board
from glyphite.convert.documents import now
from glyphite.convert.errors import InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, find_model, writing_to
from glyphite.host.cli.arguments import (
    add_board,
    add_count,
    add_goal,
    add_json,
    add_model,
    add_port,
    add_seed,
    port_of,
)
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, print_status, print_table, progress_bar
from glyphite.host.cli.data import add_data, calibrated_on, test_samples, title_of
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.flash import build_missing
from glyphite.host.device.session import connect
from glyphite.host.device.transport import is_emulated
from glyphite.host.device.transport.firmware_files import emulated_board, emulated_url
from glyphite.host.measure import verify
from glyphite.host.measure.first_difference import Trace, trace
from glyphite.host.measure.foretold import patience
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.measure.running import firmware_at, place_of
from glyphite.host.measure.verify_record import VerifyRecord, save
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, explanation, oracle
from glyphite.host.runners.tflm import has_tflm

EXAMPLE = "glyphite verify seed --board native --count 2000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    add_port(parser, "an emulated one")
    add_count(parser, count_of, 100)
    add_seed(parser, _seed)
    parser.add_argument("--inputs", type=Path, metavar="FILE.npy", help="inputs of your own, too")
    add_goal(parser, None)
    add_budgets(parser, "max_mismatched_bytes")
    add_data(parser, "none")
    add_json(parser)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(1 << 64))):
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: 0 to 2^64 is.")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run all inputs on both, and print the differences.

    Firmware that an emulated board lacks is built first. Raises InputError where the board is
    neither emulated nor at a port, CheckFailedError where a byte differs, or more than
    ``--max-mismatched-bytes`` do.
    """
    with checking("verify", arguments) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder, board = find_model(arguments.model), load_board(arguments.board)
    manifest = read_manifest(folder)
    _require_port_of(board, arguments.port)
    groups, words = _groups(arguments, manifest)  # before a build, as they may be wrong
    with writing_to(folder, print_status):  # what cannot be kept is not asked of a board
        pass
    if arguments.optimize is not None:
        folder = compile_and_build(arguments.model, arguments.board, arguments.optimize).folder
    if manifest.input.dtype == "float32":
        groups = verify.as_floats(groups, manifest.input)
    url, folder = _place(arguments, folder, board)
    with (
        connect(
            url,
            baud=board.serial.baud,
            manifest=manifest,
            named=folder.named,
            expected=patience(folder.tflite),
        ) as session,
        progress_bar("Verifying", 2 * sum(len(group) for group in groups.values())) as progress,
    ):
        _require_told(board, url, session.board.board)
        right = oracle(folder.tflite)
        compared = verify.compare_groups(groups, session, right, progress)
    require_unchanged(folder, manifest)
    found = _Found(url, words, right.name, compared.figures)
    known = _known(folder, compared)
    traced, cause = (None, known) if known else _cause(folder, compared)
    if arguments.json:
        told_of = {"model": manifest.name, "board": board.name, "reference": right.name}
        print_json({**told_of, **_figures(compared, traced), **calibrated_on(folder)})
    else:
        _print(compared.figures, f"{title_of(folder)}: {board.name} against {BRIEF[right.name]}")
    if told := explanation(right.name):
        print_status(told)
    _keep(arguments, board, manifest, found)
    advice = "" if known else verify.ADVICE
    of = subject(manifest.name, manifest.sha256, board.name, arguments.optimize or "")
    checks.hold_bytes(
        sum(group["bytes_differ"] for group in compared.figures),
        of,
        lambda: verify.check(compared.figures, board.name, cause, right.name, advice),
    )


def _place(
    arguments: argparse.Namespace, folder: ModelFolder, board: Board
) -> tuple[str, ModelFolder]:
    """The port of the board, and the build that runs there; it is made where there is none."""
    if arguments.port:
        arguments.port = port_of(arguments, board)
        build_missing(arguments.port, folder)
        return arguments.port, _running(folder, board, arguments.port)
    built = _built(folder, board, arguments.board)
    return emulated_url(arguments.board, built.image(board.key)), built


def _figures(compared: verify.Compared, traced: Trace | None) -> dict[str, Any]:
    """What ``--json`` tells of the answers."""
    difference = traced.difference if traced else None
    layer = dataclasses.asdict(difference) if difference else None
    return {"groups": compared.figures, "first_differing_layer": layer}


def _require_port_of(board: Board, url: str | None) -> None:
    """InputError where ``url`` is another emulated board, of which nothing would be said."""
    if url is None or not is_emulated(url):
        return
    other = load_board(emulated_board(url))
    if other.path != board.path:
        raise InputError(
            f"{url} is the board {other.named!r}, and --board says {board.named!r}. Give one "
            f"board: --board {command(other.named)}, say, or leave out --port."
        )


def _require_told(board: Board, url: str, told: str) -> None:
    """InputError where a real board calls itself by the name of another that Glyphite knows; one
    of a board file of the user's own may."""
    if board.named == board.name and told != board.name and known_board(told) is not None:
        raise InputError(
            f"The board on {url} says that it is {told!r}, and --board says {board.name!r}. Give "
            f"--board {told}."
        )


@dataclasses.dataclass(frozen=True)
class _Found:
    """A verification that came to its end."""

    url: str
    words: list[str]
    reference: str
    figures: list[verify.GroupFigures]


def _keep(arguments: argparse.Namespace, board: Board, manifest: Manifest, found: _Found) -> None:
    """Write verify.json, for the report, beside the firmware that ran."""
    model = find_model(arguments.model)
    firmware = firmware_at(found.url, model.root)
    record = VerifyRecord(
        model=manifest.name,
        sha256=manifest.sha256,
        board=board.name,
        port=arguments.port,
        goal=firmware.goal if firmware else None,
        firmware_sha256=firmware.sha256 if firmware else None,
        date=now(),
        reference=found.reference,
        words=found.words,
        groups=found.figures,
    )
    with writing_to(model, print_status):
        save(place_of(firmware, model.board(board.key)), record)


def _known(folder: ModelFolder, compared: verify.Compared) -> str:
    """The sentences on a cause that is no layer of the compiled C; empty where it is none."""
    if compared.wrong is None:
        return ""
    return one_scale(folder, *(each[np.newaxis] for each in compared.wrong))


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
    arguments: argparse.Namespace, manifest: Manifest
) -> tuple[dict[str, Tensors], list[str]]:
    """The inputs, and the options that name the same ones."""
    words = ["--count", str(arguments.count), "--seed", str(arguments.seed)]
    shape, dtype = manifest.input.shape[1:], manifest.input.dtype
    groups = {
        "random": verify.random_inputs(shape, arguments.count, arguments.seed),
        "extreme": verify.extreme_inputs(shape),
    }
    if arguments.inputs is not None:
        words += ["--inputs", str(arguments.inputs)]
        groups["given"] = verify.read_inputs(arguments.inputs, shape, dtype)
    if arguments.data is not None:
        tested = test_samples(arguments, manifest)
        words += tested.truth.data["words"]
        groups["data"] = tested.tensors[: arguments.count]
    return groups, words


def _built(folder: ModelFolder, board: Board, named: str) -> ModelFolder:
    """The latest build of the model for an emulated board, or ``folder``'s own."""
    if board.emulator is None:
        raise InputError(f"The board {board.name!r} is not emulated. Name its port with --port.")
    if folder.build:
        return folder
    if (latest := _latest(folder, board)) is not None:
        return folder.build_of(latest)
    print_status(f"There is no firmware of {folder.name} for {board.name} yet: it is built.")
    return compile_and_build(folder.named, named).folder


def _running(folder: ModelFolder, board: Board, port: str) -> ModelFolder:
    """The build that runs on an emulated board, and of a real one the latest for ``board``."""
    firmware = firmware_at(port, folder.root)
    image = firmware.image if firmware else _latest(folder, board)
    return folder if image is None else folder.build_of(image)


def _latest(folder: ModelFolder, board: Board) -> Path | None:
    """The firmware of the model that was built last for ``board``."""
    place = folder.board(board.key)
    images = [*place.glob("firmware.elf"), *place.glob("*/firmware.elf")]
    return max(images, key=lambda image: image.stat().st_mtime_ns, default=None)


def _print(figures: list[verify.GroupFigures], title: str) -> None:
    print_table(
        ("inputs", "images", "images that differ", "bytes that differ", "largest difference"),
        [tuple(group.values()) for group in figures],
        title=title,
    )
