"""stdout and stderr as ``main`` prepares them, and the line that says why a command ends.

Without the packages that draw tables and bars, so that `glyphite --help` answers at once.
"""

import codecs
import io
import re
import shutil
import sys

from glyphite.convert.text import MOST_OF_A_LINE, printable
from glyphite.host.cli.heartbeat import said

_PLAIN = {"█": "#", "·": ".", "…": "~"}
"""What stands for the signs of bars and shortened texts where an encoding lacks them."""
_REPLACED = "glyphite-replaced"
"""The name of the way in which a stream writes what its encoding lacks."""
_WORD = re.compile(r"(?:`[^`]*`|\S)+")
"""A word, or a command in backticks: it is typed as a whole, so it is not broken."""
_COMMAND_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")


class Documents:
    """Whether the one JSON document of a ``--json`` has been printed."""

    printed = False


def safe_streams() -> None:
    """Let stdout and stderr write every text, with signs or escapes for what they cannot encode."""
    codecs.register_error(_REPLACED, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACED)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, ascii(letter)[1:-1]) for letter in letters), error.end


def wrapped(text: str, width: int) -> list[str]:
    """One line as several of at most ``width`` characters, broken at spaces and indented alike.

    What is longer than a line and may be typed stays whole: a path, a command in backticks.
    """
    if len(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    lines: list[str] = []
    for word in _WORD.findall(text):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(indent + word)
    return lines


def command_lines(text: str, width: int, indent: str = "") -> list[str]:
    """A command as lines that a shell takes for one, broken between its words.

    On Windows, whose two shells do not break lines in the same way, it is one line.
    """
    whole = indent + text
    if len(whole) <= width or sys.platform == "win32":
        return [whole]
    first, *words = _COMMAND_WORD.findall(text)
    lines = [indent + first]
    for word in words:
        if len(lines[-1]) + len(f" {word} \\") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{indent}    {word}")
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def print_plain(text: str) -> None:
    """Print one line on stdout that is all there is to say."""
    print(printable(text, MOST_OF_A_LINE))


def print_script(text: str) -> None:
    """Print on stdout what another program reads, as it is."""
    said()
    print(text)


def print_document(text: str) -> None:
    """Print the JSON document of a ``--json``."""
    Documents.printed = True
    said()
    print(text, end="")


def print_refusal(verb: str, kind: str, sentence: str, code: int) -> None:
    """Print on stdout why there is no result, for a script that waits for a JSON document."""
    import json

    refusal = {"error": sentence, "kind": kind, "verb": verb, "exit_code": code}
    print_document(json.dumps(refusal, indent=2) + "\n")


def print_error(text: str) -> None:
    """Print on stderr why the program ends: one line, whatever is in it, and on a terminal as many
    as it needs to break between words."""
    said()
    line = printable(text, MOST_OF_A_LINE)
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else len(line)
    print(*wrapped(line, width), sep="\n", file=sys.stderr)
