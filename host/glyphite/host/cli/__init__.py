"""The console command ``glyphite``: the one place that may import every package.

Each verb is a module here with ``SUMMARY``, ``EXAMPLE``, ``add_arguments(parser)`` and
``run(arguments)``, which returns the exit code.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from glyphite.convert.errors import GlyphiteError
from glyphite.convert.version import __version__

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
    """What a verb's module offers."""

    SUMMARY: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's own arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
    """Run one verb; a GlyphiteError becomes its sentence on stderr and its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except GlyphiteError as error:
        print(f"glyphite {arguments.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"glyphite {arguments.verb}: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # `glyphite ... | head` closed our output: nobody is left to tell
        return 141
    return code
