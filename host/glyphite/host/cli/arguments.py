"""The arguments that several verbs take, each declared once."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import InputError
from glyphite.convert.files import FILE_IN_PLACE, OTHER_BUILD
from glyphite.convert.hold import held
from glyphite.convert.places import is_c_of_build
from glyphite.convert.text import printable
from glyphite.convert.workspace import DEFAULT, ModelFolder, writing_to
from glyphite.host.cli.console import print_status
from glyphite.host.device.found_ports import choose_port, is_to_be_found


def add_model(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Declare ``MODEL``, which is None where it may be left out and is."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?" if optional else None,
        help="a model's name, or the path of a .tflite"
        + (f" (default: the one converted last, else {DEFAULT})" if optional else ""),
    )


def add_board(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare ``--board``, which may be left out where ``default`` says what is then taken."""
    parser.add_argument(
        "--board",
        required=default is None,
        metavar="BOARD",
        help="a board's name (see `glyphite boards`), or the path of a board file (.toml)"
        + _or(default),
    )


def add_port(
    parser: argparse.ArgumentParser, default: str | None = None, *, several: bool = False
) -> None:
    """Declare ``--port``; ``default`` says what is taken where it is left out: as a rule the one
    board that is connected, which :func:`port_of` finds.

    With ``several`` it may be given more than once, and is a list, or None.
    """
    parser.add_argument(
        "--port",
        action="append" if several else "store",
        metavar="URL",
        help="the board's port: /dev/ttyACM0, COM3, serial:NUMBER, usb, sim://uno, ..."
        + (" (given more than once, the boards share the samples)" if several else "")
        + _or(default or "usb, the one known board that is connected"),
    )


def port_of(arguments: argparse.Namespace, board: Board | None = None) -> str:
    """The port that ``--port`` means; one that had to be found is told. ``board``: its kind, where
    it has to be that.

    Raises PortError where no port is meant by it, or several are.
    """
    return _found(arguments.port, board)


def ports_of(arguments: argparse.Namespace) -> list[str]:
    """The ports that several ``--port`` mean. Raises PortError as :func:`port_of` does."""
    return [_found(named, None) for named in arguments.port or [None]]


def _found(named: str | None, board: Board | None) -> str:
    if named is not None and not is_to_be_found(named):
        return named
    found = choose_port(named, board)
    print_status(f"Found: {found}.")
    return found.device


def add_baud(parser: argparse.ArgumentParser, default: int) -> None:
    """Declare ``--baud``."""
    parser.add_argument(
        "--baud", type=_baud, default=default, metavar="N", help=f"bits per second{_or(default)}"
    )


def _baud(text: str) -> int:
    """One that cannot be is refused at once, and not by the port, which comes after a build."""
    if not (text.isascii() and text.isdecimal() and len(text) < len(str(1 << 32)) and int(text)):
        raise argparse.ArgumentTypeError(
            f"a baud rate of {printable(text)} cannot be. Give that of the board's firmware, which "
            "is 115200 where its board file has no other."
        )
    return int(text)


def add_count(
    parser: argparse.ArgumentParser,
    kind: Callable[[str], int],
    default: int | None,
    usual: str = "all",
) -> None:
    """Declare ``--count``: how many images or inputs; ``usual`` says so where ``default`` is
    None."""
    parser.add_argument(
        "--count",
        type=kind,
        default=default,
        metavar="N",
        help="how many images or inputs" + _or(usual if default is None else default),
    )


def add_seed(parser: argparse.ArgumentParser, kind: Callable[[str], int]) -> None:
    """Declare ``--seed``."""
    parser.add_argument(
        "--seed", type=kind, default=1, metavar="N", help=f"seed of all random numbers{_or(1)}"
    )


def add_out(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--out``; ``what`` says which kind of path, and the default."""
    parser.add_argument(
        "--out", type=_path, metavar="PATH", help=f"where the result is written ({what})"
    )


def _path(text: str) -> Path:
    """An empty path, as a script's unset variable makes it, would be the folder of the call."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty. Name one, or leave the option out.")
    return Path(text)


def add_trace(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--trace``; ``what`` says what becomes of the file."""
    parser.add_argument(
        "--trace",
        type=_path,
        metavar="FILE",
        help=f"a file with every byte that passes the line ({what})",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead, of an error, too"
    )


def _or(default: object) -> str:
    return "" if default is None else f" (default: {default})"


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
    add_board(parser, "kernels for any processor")
    add_goal(parser)


def architecture(arguments: argparse.Namespace) -> str:
    """The architecture of ``--board``; "" for kernels of any processor.

    Raises BoardError where there is no such board.
    """
    return load_board(arguments.board).mcu.architecture if arguments.board else ""


@contextmanager
def hold_place(model: ModelFolder, out: Path | None) -> Iterator[None]:
    """Hold the folder in which a name will stand for something new: that of ``--out``, or else the
    model's own. Raises InputError as :func:`writing_to` does; where ``out`` cannot be written,
    another ``--out`` is the way out, as it is where it is the C of a build."""
    if out is None:
        with writing_to(model, print_status):
            yield
        return
    if is_c_of_build(out):
        raise InputError(
            f"{printable(str(out))} is where a build keeps the C of its firmware, which is beside "
            "it. Name another folder with --out."
        )
    above = out.absolute().parent
    writable = os.access(above, os.W_OK) and above.is_dir()
    try:
        with held(above if writable else model.root, print_status):
            yield
    except InputError as error:
        said, places = str(error), (printable(str(out)), printable(str(above)))
        if type(error) is not InputError or not said.startswith(places):
            raise
        said = said.replace(OTHER_BUILD, "Name another place with --out.")
        in_place = f"{FILE_IN_PLACE[:-1]}, or name another place with --out."
        raise InputError(said.replace(FILE_IN_PLACE, in_place)) from error
