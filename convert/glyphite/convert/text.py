"""Text from outside, made fit to be shown: names of files and boards, messages of other programs.

A control character moves the cursor, hides a line or ends a comment; a byte that is not UTF-8
cannot be printed at all. Both are shown as escapes, so that a reader sees that they are there.
"""

import shlex
import subprocess
import sys

MOST_CHARACTERS = 300
"""Of one text from outside: a longer one would push the rest of the message off the screen."""


def printable(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""``text`` on one line, with what cannot be shown as an escape (``\n``, ``\x1b``, ``\u202e``).

    A byte that Python read from a file's name and that is not UTF-8 becomes its own escape:
    ``\xff``. Beyond ``most`` characters the text is cut, and says so with an ellipsis.
    """
    shown = "".join(letter if letter.isprintable() else _escape(letter) for letter in text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def command(*words: object) -> str:
    """A command as one types it into this system's shell, each word quoted where it must be."""
    texts = [str(word) for word in words]
    return subprocess.list2cmdline(texts) if sys.platform == "win32" else shlex.join(texts)


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # what os.fsdecode makes of a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
