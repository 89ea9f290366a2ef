"""``--optimize`` and ``--board``: what the kernels are chosen for."""

import argparse

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal


def add_goal(parser: argparse.ArgumentParser, default: Goal | None = Goal.SPEED) -> None:
    """Declare the option."""
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
        raise argparse.ArgumentTypeError(f"{text!r} is no goal. There are: {', '.join(Goal)}.")
    return Goal(text)


def add_processor(parser: argparse.ArgumentParser) -> None:
    """Declare ``--board`` for verbs that need no board, and the goal."""
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help="use the kernels of this board's processor (default: kernels for any)",
    )
    add_goal(parser)


def architecture(arguments: argparse.Namespace) -> str:
    """The processor whose kernels are asked for; empty for those of any."""
    return load_board(arguments.board).mcu.architecture if arguments.board else ""
