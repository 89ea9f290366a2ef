"""The arguments that several verbs take, each declared once."""

import argparse
import os
from contextlib import AbstractContextManager
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.hold import held
from glyphite.convert.workspace import DEFAULT, ModelFolder, writing_to
from glyphite.host.cli.console import print_status


def add_model(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Declare ``MODEL``, which is None where it may be left out and is."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?" if optional else None,
        help="a model's name, or the path of a .tflite"
        + (f" (default: the one converted last, else {DEFAULT})" if optional else ""),
    )


def add_board(parser: argparse.ArgumentParser) -> None:
    """Declare ``--board`` for verbs that build its firmware."""
    parser.add_argument(
        "--board",
        required=True,
        metavar="BOARD",
        help="a board's name (see `glyphite boards`), or the path of a board file (.toml)",
    )


def add_goal(parser: argparse.ArgumentParser, default: Goal | None = Goal.SPEED) -> None:
    """Declare ``--optimize``."""
    parser.add_argument(
        "--optimize",
        type=_goal,
        default=default,
        metavar="{" + ",".join(Goal) + "}",
        help="the fewest instructions, the least flash, or the least RAM"
        + (f" (default: {default})" if default else ""),
    )


def _goal(text: str) -> Goal:
    if text not in list(Goal):
        raise argparse.ArgumentTypeError(f"{text!r} is not a goal. There are: {', '.join(Goal)}.")
    return Goal(text)


def add_processor(parser: argparse.ArgumentParser) -> None:
    """Declare ``--optimize``, and ``--board`` for verbs that need no board."""
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help="use the kernels of this board's processor (default: kernels for any)",
    )
    add_goal(parser)


def architecture(arguments: argparse.Namespace) -> str:
    """The architecture of ``--board``; "" for kernels of any processor.

    Raises BoardError where there is no such board.
    """
    return load_board(arguments.board).mcu.architecture if arguments.board else ""


def hold_place(model: ModelFolder, out: Path | None) -> AbstractContextManager[None]:
    """Hold the folder in which a name will stand for something new: that of ``--out``, or else the
    model's own. Raises InputError as :func:`writing_to` does."""
    if out is None:
        return writing_to(model, print_status)
    above = out.absolute().parent
    writable = os.access(above, os.W_OK) and above.is_dir()
    return held(above if writable else model.root, print_status)
