"""``glyphite serve``: a page on which one draws a digit, and a board reads it."""

import argparse
import sys
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

from glyphite.convert.boards import load_board
from glyphite.convert.data.options import OnBad
from glyphite.convert.errors import BoardError, InputError, ToolError
from glyphite.convert.extras import remedy
from glyphite.convert.manifest import RANDOM, Manifest
from glyphite.convert.workspace import default_model, find_model
from glyphite.host.cli.arguments import (
    add_baud,
    add_board,
    add_json,
    add_model,
    add_port,
    port_of,
)
from glyphite.host.cli.console import print_json, print_status, say
from glyphite.host.cli.data import KEPT, MNIST, test_samples
from glyphite.host.cli.digits import DIGITS, reads_digits
from glyphite.host.cli.doubts import note_random
from glyphite.host.cli.flash import build_missing
from glyphite.host.cli.heartbeat import silence_is_meant
from glyphite.host.cli.predict_samples import classes_told
from glyphite.host.cli.streams import safe_streams
from glyphite.host.device.transport.emulator import stop_on_signals
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure.portion import BAUD
from glyphite.host.measure.processes import own_processes
from glyphite.host.runners.litert import read_manifest

EXAMPLE = "glyphite serve uno --port sim://uno"
HOST, HTTP_PORT = "127.0.0.1", 8028
"""28 pixels a side; and no well-known server's."""
EXTRA = "serve"
PACKAGES = ("starlette", "uvicorn", "websockets")
SHOWN_SAMPLES = 500
"""Test samples that the page goes through."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    add_port(parser)
    add_board(parser, "none; with it, an emulated one is started in place of --port")
    add_baud(parser, BAUD)
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="ADDRESS",
        help=f"who may open the page: {HOST} this PC alone, 0.0.0.0 the whole network "
        f"(default: {HOST})",
    )
    parser.add_argument(
        "--http-port",
        type=_http_port,
        default=HTTP_PORT,
        metavar="N",
        help=f"of the page's address; 0 takes a free one (default: {HTTP_PORT})",
    )
    add_json(parser)


def _http_port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535 is.")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Connect to the board, print the page's address, and answer browsers until Ctrl-C.

    Raises ToolError where the packages of the extra are not installed, InputError where a port and
    a board are named or the address cannot be listened on, BoardError where the board is not
    emulated.
    """
    _require_packages()
    from glyphite.host.serve.desk import Desk
    from glyphite.host.serve.engines import Float, Reference
    from glyphite.host.serve.inputs import Inputs
    from glyphite.host.serve.run import listening, serve
    from glyphite.host.serve.site import site

    port = _port(arguments)
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    note_random(manifest)
    with (
        stop_on_signals(),
        own_processes(2) as (for_floats, for_samples),
        listening(arguments.host, arguments.http_port) as (listener, url),
    ):
        build_missing(port, folder)
        inputs = Inputs(
            manifest, reads_drawings(manifest), partial(_samples_by, for_samples, manifest)
        )
        reference = Reference(folder, manifest)
        floats = Float(folder, manifest, for_floats, print_status)
        labels = classes_told(manifest)
        desk = Desk(
            inputs,
            labels or manifest.labels,
            reference,
            floats,
            shares=labels is not None,
            has_samples=has_samples(manifest),
        )
        board = desk.connect(port, arguments.baud, folder.named)
        try:
            _say(arguments, url, manifest, board.state.text)
            floats.begin()
            with silence_is_meant():
                serve(site(desk, arguments.host), listener)
        finally:
            floats.end()
            board.end()
    return 0


def _require_packages() -> None:
    lacking = [package for package in PACKAGES if find_spec(package) is None]
    if lacking:
        raise ToolError(
            f"The page needs the package {lacking[0]}, which is not installed. {remedy(EXTRA)}"
        )


def _port(arguments: argparse.Namespace) -> str:
    """The board's port; an emulated one's where a board is named."""
    if arguments.board is None:
        return port_of(arguments)
    if arguments.port is not None:
        raise InputError(
            "--port and --board are two boards: at a port, and an emulated one. Name one of them."
        )
    board = load_board(arguments.board)
    if board.emulator is None:
        raise BoardError(
            f"The board {board.name!r} is not emulated. Connect one and name its --port, or name "
            "an emulated board: `glyphite boards` lists them."
        )
    return emulated_url(board.named)


def reads_drawings(manifest: Manifest) -> bool:
    """As `predict` has it: the model knows digits, and no other data."""
    known = manifest.data is None or manifest.data.source in (MNIST, RANDOM)
    return known and reads_digits(manifest.input, manifest.output) and manifest.labels == DIGITS


def has_samples(manifest: Manifest) -> bool:
    """Whether it is known where test samples are."""
    named = manifest.data is not None and manifest.data.source != RANDOM
    return named or reads_drawings(manifest)


def _samples_by(beside: Executor, manifest: Manifest) -> Any:  # noqa: ANN401 - as of samples_of
    """What :func:`samples_of` gives, from a process that can be ended while it fetches data or runs
    a user's own code.

    Raises ToolError where the process has ended, and what loading the data does.
    """
    try:
        return beside.submit(_said_samples_of, manifest).result()
    except (RuntimeError, CancelledError) as error:  # a BrokenProcessPool is one, too
        raise ToolError(
            "The test samples could not be loaded: the process that loads them has ended, for "
            "which memory may have lacked. End other programs, and ask again."
        ) from error


def _said_samples_of(manifest: Manifest) -> Any:  # noqa: ANN401 - as of samples_of
    safe_streams()
    return samples_of(manifest, SHOWN_SAMPLES)


def samples_of(manifest: Manifest, most: int) -> Any:  # noqa: ANN401 - of a room that is imported where used
    """At most so many test samples. Raises what loading the data does."""
    from glyphite.host.serve.inputs import Samples

    as_known: dict[str, Any] = {**dict.fromkeys(KEPT), "data": None, "on_bad": OnBad.REFUSE}
    tested = test_samples(argparse.Namespace(**as_known), manifest, usual=most)
    truth = tested.truth
    labels = [""] * len(tested.raw)
    names = classes_told(manifest)
    if truth.labels is not None and names is not None:
        labels = [names[int(label)] for label in truth.labels[: len(labels)]]
    elif truth.values is not None:
        with suppress(ValueError):
            labels = [" ".join(f"{one:.4g}" for one in row.reshape(-1)[:8]) for row in truth.values]
    return Samples(tested.raw, labels[: len(tested.raw)])


def _say(arguments: argparse.Namespace, url: str, manifest: Manifest, state: str) -> None:
    if arguments.json:
        print_json({"url": url, "model": manifest.name, "sha256": manifest.sha256})
    else:
        say(state)
        say(f"{manifest.name} answers at {url}")
        say("Ctrl-C ends it.")
    sys.stdout.flush()  # a script that reads it waits for it
