"""The console command ``glyphite``: the one place that may import every package.

Each verb is a module here with ``SUMMARY``, ``EXAMPLE``, ``add_arguments(parser)`` and
``run(arguments)``, which returns the exit code. ``run`` raises a GlyphiteError where it fails; its
docstring names the errors that the verb itself raises, beside those of the functions it calls.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.text import MOST_OF_A_LINE, printable
from glyphite.convert.version import __version__
from glyphite.host.cli.console import print_error, safe_streams

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
    """Run one verb and return its exit code; the message of a GlyphiteError goes to stderr.

    Raises SystemExit where the arguments are wrong, as argparse does.
    """
    safe_streams()
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except GlyphiteError as error:
        print_error(f"glyphite {arguments.verb}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        print_error(f"glyphite {arguments.verb}: interrupted.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # `glyphite ... | head` has closed the output, so nobody reads a message
        return 141
    return code
