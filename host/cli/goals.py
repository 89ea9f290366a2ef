"""``--optimize``: what the kernels are chosen for."""

import argparse

from convert.goal import Goal


def add_goal(parser: argparse.ArgumentParser, default: Goal | None = Goal.SPEED) -> None:
    """Declare the option."""
    parser.add_argument(
        "--optimize",
        type=Goal,
        choices=list(Goal),
        default=default,
        metavar="{" + ",".join(Goal) + "}",
        help="the fewest instructions, the least flash, or the least RAM"
        + (f" (default: {default})" if default else ""),
    )
