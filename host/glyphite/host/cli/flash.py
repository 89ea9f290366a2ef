"""``glyphite flash``: a model's sketch onto an Arduino, and the board's hello."""

import argparse

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.arguments import add_board, add_json, add_model, add_port, port_of
from glyphite.host.cli.build import Prepared, compile_and_build
from glyphite.host.cli.console import print_json, print_status, progress_bar, say, say_next
from glyphite.host.cli.digits import next_step
from glyphite.host.device.flash import STEPS, Flashed, flash, require_flashable
from glyphite.host.device.transport.firmware_files import emulated_url, lacks_firmware
from glyphite.host.runners.litert import read_manifest

EXAMPLE = "glyphite flash seed --board mega2560 --port sim://mega2560"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_board(parser)
    add_port(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, build, flash, read back, and check the model that the board's hello names."""
    port = port_of(arguments, load_board(arguments.board))
    prepared, flashed = build_and_flash(arguments.model, arguments.board, port)
    board, built = prepared.board, prepared.built
    manifest = read_manifest(prepared.folder)
    hello = flashed.hello
    if arguments.json:
        print_json(
            {
                "model": hello.model_name,
                "sha256": hello.model_sha256,
                "board": board.name,
                "port": flashed.port,
                "flash": built.size.flash,
                "ram": built.size.ram,
                "stack": built.size.stack,
                "tries": flashed.tries,
                "seconds": round(flashed.seconds, 3),
                "firmware": hello.firmware,
            }
        )
        return 0
    tries = f" in {flashed.tries} tries" if flashed.tries > 1 else ""
    how = "written and read back" if board.arduino and board.arduino.part else "uploaded"
    say(
        f"{board.name} on {flashed.port}: {built.size.flash:,} bytes {how} in "
        f"{flashed.seconds:.1f} s{tries}."
    )
    say(f"It answers: {hello.firmware}, model {hello.model_name!r}, SHA-256 {hello.model_sha256}.")
    edges = manifest.input, manifest.output
    step = next_step(prepared.folder.named, *edges, board.named, flashed.port)
    say_next(step)
    return 0


def build_and_flash(model: str, board_name: str, port: str) -> tuple[Prepared, Flashed]:
    """Compile ``model``, build its firmware for a board, and flash the board at ``port``.

    Raises what ``require_flashable``, ``compile_and_build`` and ``flash`` do.
    """
    require_flashable(load_board(board_name), port)
    prepared = compile_and_build(model, board_name)
    sha256 = read_manifest(prepared.folder).sha256
    with progress_bar("Flashing", STEPS) as progress:
        return prepared, flash(prepared.built.image, prepared.board, port, sha256, progress)


def build_missing(port: str, folder: ModelFolder) -> None:
    """Build the model of ``folder`` for the emulated board at ``port`` that holds none, and say so.

    An Arduino is flashed with it. Raises what building and flashing do.
    """
    board = lacks_firmware(port)
    if board is None:
        return
    if board.arduino is None:
        print_status(f"There is no firmware for {board.name} yet: that of {folder.name} is built.")
        compile_and_build(folder.named, board.named)
        return
    print_status(
        f"The emulated board {board.name} holds no sketch yet: {folder.name} is built and flashed."
    )
    build_and_flash(folder.named, board.named, emulated_url(board.named))
