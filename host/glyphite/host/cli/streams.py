"""stdout and stderr as ``main`` prepares them, and the line that says why a command ends.

Without the packages that draw tables and bars, so that `glyphite --help` answers at once.
"""

import codecs
import io
import sys

from glyphite.convert.text import MOST_OF_A_LINE, printable

_PLAIN = {"█": "#", "·": ".", "…": "~"}
"""What stands for the signs of bars and shortened cells where an encoding lacks them."""
_REPLACED = "glyphite-replaced"
"""The name of the way in which a stream writes what its encoding lacks."""


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


def print_plain(text: str) -> None:
    """Print one line on stdout that is all there is to say."""
    print(printable(text, MOST_OF_A_LINE))


def print_error(text: str) -> None:
    """Print on stderr why the program ends: one line, whatever is in it."""
    print(printable(text, MOST_OF_A_LINE), file=sys.stderr)
