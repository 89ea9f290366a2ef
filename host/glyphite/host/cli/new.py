"""``glyphite new``: a small project of the user's own, with data, network and limits to begin with.

It is one of the examples that come with this package, in a folder of its own.
"""

import argparse
import os
from pathlib import Path

from glyphite.convert.errors import InputError
from glyphite.convert.files import write_folder
from glyphite.convert.hold import held
from glyphite.convert.shipped import EXAMPLES
from glyphite.convert.text import command, printable
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    say,
    say_next,
    say_written,
)

EXAMPLE = "glyphite new wand --like gesture"
LIKE = {
    "gesture": "windows of an accelerometer, on an Arduino Uno",
    "sine": "a number to a number, on an Arduino Uno",
    "colours": "small pictures in colour, on a Cortex-M4",
}
"""The examples, that which is taken by default first."""
README = "README.md"
GITIGNORE = "build/\n__pycache__/\n"
OTHER_FOLDER = "Free some room and allow writing there, or name a folder elsewhere."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    default = next(iter(LIKE))
    parser.add_argument("name", metavar="NAME", help="the folder to make")
    parser.add_argument(
        "--like",
        choices=LIKE,
        default=default,
        metavar="EXAMPLE",
        help=f"{'; '.join(f'{name}: {what}' for name, what in LIKE.items())} (default: {default})",
    )
    parser.add_argument(  # as the other verbs': the module that has theirs loads numpy
        "--json", action="store_true", help="print one JSON document instead, of an error, too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the project. Raises InputError where there is something of that name."""
    folder, like = Path(arguments.name), arguments.like
    files = _files(like)
    _require_free(folder)
    with held(folder.absolute().parent, print_status, way_out=OTHER_FOLDER):
        _require_free(folder)
        write_folder(
            folder, {name: text for name, (text, _) in files.items()}, way_out=OTHER_FOLDER
        )
    if arguments.json:
        print_json({"folder": str(folder), "like": like, "files": list(files)})
        return 0
    rows = [(name, what) for name, (_, what) in files.items()]
    print_table(("file", "what it is"), rows, f"{folder.name}: {LIKE[like]}")
    say_written(folder)
    say_next(command("cd", folder))
    say(f"{README} there has the commands, and says how your own data come in.")
    return 0


def _files(like: str) -> dict[str, tuple[str, str]]:
    """The files of a project: path below its folder -> text, and what it is."""
    shipped = {
        README: "the commands, what they print, and your own data",
        "data.py": "load(): the samples",
        f"{like}.py": "network(): the Keras model",
        ".github/workflows/check.yml": "limits for GitHub: accuracy, bytes and flash",
    }
    source = EXAMPLES / like
    files = {
        name: ((source / name).read_text(encoding="utf-8"), what) for name, what in shipped.items()
    }
    return files | {".gitignore": (GITIGNORE, "what git leaves out")}


def _require_free(folder: Path) -> None:
    """Make sure that nothing has that name but an empty folder, and not the one of this call, which
    a new one would replace. Raises InputError."""
    if folder.resolve() == Path.cwd():
        raise InputError(f"{folder} is the folder of this call. {_another(Path(next(iter(LIKE))))}")
    if not folder.name:  # the root of all
        raise InputError(
            f"{_shown(folder)} is no name for a project. Name a new folder: `{EXAMPLE}`."
        )
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InputError(f"{_shown(folder)} is no folder. {_another(folder)}")
    if any(folder.iterdir()):
        raise InputError(f"{_shown(folder)} is a folder that is not empty. {_another(folder)}")


def _shown(folder: Path) -> str:
    return printable(str(folder))


def _another(folder: Path) -> str:
    """The sentence on a name that is free."""
    names = (folder, *(folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000)))
    free = next((name for name in names if not os.path.lexists(name)), folder)
    return f"Name a new one: `{command('glyphite', 'new', free)}`."
