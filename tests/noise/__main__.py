"""Puts random bytes on the line of every emulated board: slow, and no test. From the project's
folder::

    python -m tests.noise --seconds 60

The model `uno` is built for each, and flashed where the board is an Arduino. Then come random
bytes, requests, damaged, cut and doubled ones, for so many seconds of this machine's clock. The
board has to send frames and nothing else meanwhile, to say hello behind it, to have run its model
no more often than it was asked, and to give the scores of before.
"""

import argparse
import os
import sys
from tempfile import TemporaryDirectory

from glyphite.convert.boards import Board, all_boards
from glyphite.convert.errors import GlyphiteError
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.manifest import sha256_of
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import find_model
from glyphite.host.cli.console import print_table, say
from glyphite.host.device.build import build
from glyphite.host.device.flash import flash
from tests.noise.noise import Noise, noise_on

EMULATED = {board.name: board for board in all_boards() if board.emulator is not None}


def main() -> int:
    """Run, print, and fail where a board does not answer as before."""
    parser = argparse.ArgumentParser(prog="python -m tests.noise", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each board (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of all bytes (default: 1)")
    parser.add_argument("--board", choices=EMULATED, action="append", help="this one; repeatable")
    arguments = parser.parse_args()
    found: dict[str, Noise] = {}
    with TemporaryDirectory() as folder:
        os.environ["GLYPHITE_BUILD"] = folder
        for name in arguments.board or EMULATED:
            try:
                prepare(EMULATED[name])
                found[name] = noise_on(f"sim://{name}", arguments.seconds, arguments.seed)
            except GlyphiteError as error:
                found[name] = Noise(wrong=[str(error)])
    report(found)
    return 1 if any(each.wrong for each in found.values()) else 0


def prepare(board: Board) -> None:
    """Build the model for an emulated board, and put it there."""
    model = find_model("uno")
    compile_folder(model, board.mcu.architecture).write(model.generated)
    built = build(model, board)
    if board.arduino is not None:
        flash(built.image, board, f"sim://{board.name}", sha256_of(model.tflite), ignore_progress)


def report(found: dict[str, Noise]) -> None:
    """Print the counts of each board, and what must not be."""
    print_table(
        ("board", "bytes", "requests", "hellos", "answers", "hello after (s)", "wrong"),
        [
            (
                *(name, f"{each.sent:,}", f"{each.asked:,}"),
                *(f"{each.answers[kind]:,}" for kind in ("HELLO_ANSWER", "INFER_ANSWER")),
                *(f"{each.hello_seconds:.2f}", len(each.wrong)),
            )
            for name, each in found.items()
        ],
    )
    for name, each in found.items():
        for wrong in each.wrong:
            say(f"{name}: {wrong}")


if __name__ == "__main__":
    sys.exit(main())
