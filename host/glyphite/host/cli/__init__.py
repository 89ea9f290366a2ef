"""The console command ``glyphite``: the one place that may import every package.

Each verb is a module here, imported when it is called, with ``EXAMPLE``, ``add_arguments(parser)``
and ``run(arguments)``, which returns the exit code. ``run`` raises a GlyphiteError where it fails;
its docstring names the errors that the verb itself raises, beside those of the functions it calls.
"""

import argparse
import difflib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from glyphite.convert.errors import CodeError, InputError
from glyphite.convert.text import MOST_OF_A_LINE, printable
from glyphite.host.cli.endings import (
    SIGNALLED,
    EndedError,
    describe,
    drop_output,
    ended_by_signals,
    exit_code,
    require_output,
    require_system,
    show_traceback,
)
from glyphite.host.cli.heartbeat import signs_of_life
from glyphite.host.cli.streams import (
    Documents,
    command_lines,
    print_error,
    print_plain,
    print_refusal,
    safe_streams,
)

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""Of numpy's OpenBLAS, of which nothing here needs more than one: where the memory for the others
lacks, it ends the program by SIGINT, and that would be taken for a Ctrl-C."""
HELP_WIDTH = 80
"""Of the line with an example, which a terminal breaks where it is narrower."""
PIPE = 13
"""The number of SIGPIPE, which not every system has."""

GROUPS: dict[str, dict[str, str]] = {
    "make a model": {
        "new": "begin a project of your own: data, network, limits for CI",
        "train": "train a network: one of digits, or your own on your own data",
        "search": "find networks within a board's budget of RAM, flash and time",
        "convert": "quantize a trained model to int8",
        "schemes": "compare ways to quantize a model, in one table",
        "compare": "compare float and int8, or two models, on test samples",
        "report": "write report.json and report.html from the results so far",
    },
    "take it to your firmware": {
        "inspect": "show layers, quantization, kernels with proofs, memory over time",
        "compile": "compile a model to standalone C: model.c and model.h",
        "export": "write it for Arduino, TFLM, CMake, Zephyr, ESP-IDF or PlatformIO",
    },
    "run it on a board, real or emulated": {
        "boards": "list the boards, and whether their tools are installed here",
        "build": "build a model's firmware for a board, and show its size",
        "size": "tell which boards can hold a model, by flash and RAM",
        "flash": "flash a model's firmware onto an Arduino",
        "emulate": "keep an emulated board running on a pseudo-terminal",
        "verify": "check a board's bytes on random, extreme and given inputs",
        "bench": "count an inference's instructions, and measure its memory",
        "doctor": "check tools, ports and a board, and tell what mends them",
        "monitor": "show what passes between this PC and a board, as it passes",
    },
    "ask it": {
        "stream": "stream test samples to a board, and compare its bytes with TFLM's",
        "mlperf": "measure a board by MLPerf Tiny's protocol, or set its runner up",
        "predict": "answer pictures, values or test samples, on this PC or on a board",
        "serve": "open a page on which one draws a digit, and the board reads it",
    },
    "see it all": {
        "demo": "all of the above, from training to an emulated Uno",
        "completion": "print a script that completes all of this in your shell",
    },
}
"""Headings of `glyphite --help`, and below each the verbs with a line on what they do."""

VERBS = {verb: summary for group in GROUPS.values() for verb, summary in group.items()}


class Verb(Protocol):
    """The interface of a verb's module."""

    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's own arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit code. Raises GlyphiteError where it fails."""


class _UsageError(SystemExit):
    """The arguments are wrong, and the usage has been shown."""

    def __init__(self, sentence: str) -> None:
        super().__init__(InputError.exit_code)
        self.sentence = sentence


class _Parser(argparse.ArgumentParser):
    """One whose complaints show what was typed as it can be shown.

    Its help is printed as all else is: argparse's own way does not tell of a full disk.
    """

    words: Sequence[str] = ()
    """What is parsed, to tell of a wrong option which one is meant."""

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        (file or sys.stdout).write(self.format_help())

    def error(self, message: str) -> NoReturn:
        message += self._meant()
        with suppress(OSError):  # a full stderr: the exit code still tells
            self.print_usage(sys.stderr)
            print_error(f"{self.prog}: error: {message}")
        raise _UsageError(printable(message, MOST_OF_A_LINE))

    def _meant(self) -> str:
        """A question where an option does not exist and another has nearly its name; else ""."""
        known = self._option_string_actions
        given = [word.partition("=")[0] for word in self.words if word.startswith("--")]
        for option in given:
            near = difflib.get_close_matches(option, known, 1)
            if near and not any(name.startswith(option) for name in known):
                return f". Did you mean {near[0]} in place of {option}?"
        return ""


class _Version(argparse.Action):
    """Looks up the version once it is asked for: that takes longer than all else here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from glyphite.convert.version import __version__

        print_plain(f"glyphite {__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    """The parser of the words before the verb, which imports none."""
    parser = _Parser(
        prog="glyphite",
        usage="glyphite [-h] [--version] VERB ...",
        description="Take a model to a microcontroller: train or bring one, quantize it, compile\n"
        f"it to C, and prove that a board answers as the PC does.\n\n{_listing()}",
        epilog="`glyphite VERB --help` tells more of one.\n"
        "example: glyphite train seed && glyphite convert seed && glyphite compare seed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.add_argument("verb", type=_verb, metavar="VERB", help=argparse.SUPPRESS)
    return parser


def _listing() -> str:
    groups = (
        f"{heading}:\n" + "".join(f"  {verb:11}{summary}\n" for verb, summary in verbs.items())
        for heading, verbs in GROUPS.items()
    )
    return "\n".join(groups)


def _verb(text: str) -> str:
    if text in VERBS:
        return text
    near = difflib.get_close_matches(text, VERBS, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise argparse.ArgumentTypeError(f"no verb {text!r}. {meant}There are: {', '.join(VERBS)}.")


def whole_parser() -> argparse.ArgumentParser:
    """One parser of all verbs, for what looks at them; it imports them all."""
    parser = argparse.ArgumentParser(prog="glyphite")
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    verbs = parser.add_subparsers()
    for name, summary in VERBS.items():
        _verb_of(name).add_arguments(verbs.add_parser(name, help=summary))
    return parser


def _verb_of(name: str) -> Verb:
    return cast(Verb, import_module(f"glyphite.host.cli.{name}"))


def _verb_parser(name: str) -> _Parser:
    verb = _verb_of(name)
    parser = _Parser(
        prog=f"glyphite {name}",
        description=VERBS[name],
        epilog="\n".join(command_lines(f"example: {verb.EXAMPLE}", HELP_WIDTH)),
        formatter_class=argparse.RawDescriptionHelpFormatter,  # which breaks no command
    )
    verb.add_arguments(parser)
    parser.set_defaults(run=verb.run)
    return parser


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Those before the verb, or the verb's own. Raises SystemExit where they are wrong."""
    parser = _parser()
    if not words:
        parser.error("a verb is missing. `glyphite --help` lists them.")
    verb = _verb_parser(parser.parse_args(words[:1]).verb)
    verb.words = words[1:]
    return verb.parse_args(verb.words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; whatever fails, one message goes to stderr, and with
    ``--json`` a JSON document on it to stdout where there is none yet.

    Raises SystemExit where the arguments are wrong, as argparse does.
    """
    safe_streams()
    os.environ.setdefault(BLAS_THREADS, "1")
    words = sys.argv[1:] if argv is None else argv
    verb = ""
    as_json = any(len(word) > len("--") and "--json".startswith(word) for word in words)
    Documents.printed = False
    try:
        require_output()
        require_system()
        verb = words[0] if words[:1] and words[0] in VERBS else ""
        with signs_of_life(_spoken(verb)), ended_by_signals():
            return _run(words)
    except BrokenPipeError:  # of `glyphite ... | head`: nobody reads a message
        drop_output()
        return SIGNALLED + PIPE
    except _UsageError as error:  # which has shown the usage, and itself
        _print_refusal(error, verb, error.sentence, as_json)
        raise
    except KeyboardInterrupt as error:
        return _refuse(error, verb, _interrupted(error), as_json)
    except Exception as error:
        return _refuse(error, verb, describe(error), as_json)


def _run(words: Sequence[str]) -> int:
    try:
        arguments = _parse(words)
        code: int = arguments.run(arguments)
    except SystemExit:
        sys.stdout.flush()  # of a help, while a full disk can still be told of
        raise
    sys.stdout.flush()
    return code


def _spoken(verb: str) -> str:
    return f"glyphite {verb}".strip()


def _refuse(error: BaseException, verb: str, sentence: str, as_json: bool) -> int:
    """Say why there is no result; returns the exit code."""
    show_traceback(error)
    with suppress(OSError):  # a full stderr: the exit code still tells
        text = f"{_spoken(verb)}: {sentence}"
        for line in text.split("\n") if isinstance(error, CodeError) else [text]:
            print_error(line)  # the user's own code has a traceback to show
    _print_refusal(error, verb, sentence, as_json)
    return exit_code(error)


def _print_refusal(error: BaseException, verb: str, sentence: str, as_json: bool) -> None:
    """The same for a script, unless it has its document: a check may fail behind it."""
    with suppress(OSError):
        if as_json and not Documents.printed:
            print_refusal(verb, type(error).__name__.lstrip("_"), sentence, exit_code(error))
    drop_output()


def _interrupted(error: KeyboardInterrupt) -> str:
    """What has ended the program."""
    number = error.number if isinstance(error, EndedError) else signal.SIGINT
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return f"{how}."
