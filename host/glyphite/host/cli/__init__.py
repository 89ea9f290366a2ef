"""The console command ``glyphite``: the one place that may import every package.

Each verb is a module here with ``SUMMARY``, ``EXAMPLE``, ``add_arguments(parser)`` and
``run(arguments)``, which returns the exit code. ``run`` raises a GlyphiteError where it fails; its
docstring names the errors that the verb itself raises, beside those of the functions it calls.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn, Protocol, cast

from glyphite.convert.text import MOST_OF_A_LINE, printable
from glyphite.convert.version import __version__
from glyphite.host.cli.console import print_error, safe_streams
from glyphite.host.cli.endings import (
    SIGNALLED,
    EndedError,
    describe,
    drop_output,
    ended_by_signals,
    exit_code,
    require_output,
    show_traceback,
)

PIPE = 13
"""The number of SIGPIPE, which not every system has."""

VERBS: tuple[str, ...] = (
    "train",
    "convert",
    "compare",
    "export",
    "compile",
    "inspect",
    "verify",
    "build",
    "flash",
    "bench",
    "boards",
    "emulate",
    "stream",
    "predict",
    "report",
    "demo",
)


class Verb(Protocol):
    """The interface of a verb's module."""

    SUMMARY: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's own arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit code. Raises GlyphiteError where it fails."""


class _Parser(argparse.ArgumentParser):
    """One whose complaints show what was typed as it can be shown."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message, MOST_OF_A_LINE))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="glyphite",
        description="Train a digit CNN, quantize it, prove that a board answers as the PC does.",
        epilog="example: glyphite train seed && glyphite convert seed && glyphite compare seed",
    )
    parser.add_argument("--version", action="version", version=f"glyphite {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name in VERBS:
        verb = cast(Verb, import_module(f"glyphite.host.cli.{name}"))
        child = verbs.add_parser(
            name,
            help=verb.SUMMARY,
            description=verb.SUMMARY,
            epilog=f"example: {verb.EXAMPLE}",
        )
        verb.add_arguments(child)
        child.set_defaults(run=verb.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; whatever fails, one message goes to stderr.

    Raises SystemExit where the arguments are wrong, as argparse does.
    """
    safe_streams()
    spoken = "glyphite"
    try:
        require_output()
        with ended_by_signals():
            arguments = _parser().parse_args(argv)
            spoken = f"glyphite {arguments.verb}"
            code: int = arguments.run(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        show_traceback(error)
        return _interrupted(spoken, error)
    except BrokenPipeError:  # of `glyphite ... | head`: nobody reads a message
        drop_output()
        return SIGNALLED + PIPE
    except Exception as error:
        show_traceback(error)
        with suppress(OSError):  # a full stderr: the exit code still tells
            print_error(f"{spoken}: {describe(error)}")
        drop_output()
        return exit_code(error)
    return code


def _interrupted(spoken: str, error: KeyboardInterrupt) -> int:
    """Say what has ended the program; returns the exit code that tells it."""
    number = error.number if isinstance(error, EndedError) else signal.SIGINT
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    print_error(f"{spoken}: {how}.")
    return SIGNALLED + number
