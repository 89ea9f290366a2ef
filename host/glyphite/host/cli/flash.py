"""``glyphite flash``: a model's sketch onto an Arduino, and the board's hello."""

import argparse

from glyphite.convert.boards import load_board
from glyphite.host.cli.arguments import add_board, add_json, add_model, add_port
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, progress_bar, say, say_next
from glyphite.host.cli.digits import next_step
from glyphite.host.device.flash import STEPS, flash, require_flashable
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
    require_flashable(load_board(arguments.board), arguments.port)
    prepared = compile_and_build(arguments.model, arguments.board)
    board, built = prepared.board, prepared.built
    manifest = read_manifest(prepared.folder)
    with progress_bar("Flashing", STEPS) as progress:
        flashed = flash(built.image, board, arguments.port, manifest.sha256, progress)
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
