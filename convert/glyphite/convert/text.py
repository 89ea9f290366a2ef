"""Text from outside, made fit to be shown: names of files and boards, messages of other programs.

A control character moves the cursor, hides a line or ends a comment; a byte that is not UTF-8
cannot be printed at all. Both are shown as escapes, so that a reader sees that they are there.
"""

import shlex
import sys

MOST_CHARACTERS = 300
"""Of one text from outside: a longer one would push the rest of the message off the screen."""

MOST_OF_A_LINE = 10_000
"""Of a line that is printed: a command in it, with many long paths, stays whole."""


def printable(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""``text`` on one line, with what cannot be shown as an escape (``\n``, ``\x1b``, ``\u202e``).

    A byte that Python read from a file's name and that is not UTF-8 becomes its own escape:
    ``\xff``. Beyond ``most`` characters the text is cut, and says so with an ellipsis.
    """
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def printable_lines(text: str, most: int = MOST_OF_A_LINE) -> str:
    """``text`` with its lines kept, each as :func:`printable` shows it, and none left out.

    For the messages of other programs, which may have several lines.
    """
    return "\n".join(printable(line, most) for line in text.split("\n"))


def how_often(count: int) -> str:
    """How often something was."""
    return "once" if count == 1 else f"{count:,} times"


def counted(count: int, what: str, more: str = "") -> str:
    """How many of something; ``more`` is the plural, where it has more than an s."""
    return f"{count:,} {what if count == 1 else more or f'{what}s'}"


def command(*words: object) -> str:
    """A command as one types it into this system's shell, each word quoted where it must be."""
    quoted = _quoted_on_windows if sys.platform == "win32" else _quoted
    return " ".join(quoted(str(word)) for word in words)


def _quoted_on_windows(word: str) -> str:
    """A word for cmd.exe and PowerShell; no name of a file has a quotation mark there."""
    plain = word and all(letter.isalnum() or letter in "-_.:/\\" for letter in word)
    return word if plain else f'"{printable(word, MOST_OF_A_LINE)}"'


def _quoted(word: str) -> str:
    """A word for the shell; one with letters that cannot be shown in the form ``$'...'``.

    bash, zsh and ksh read that form, and make the very same bytes of it.
    """
    if word.isprintable():
        return shlex.quote(word)
    octal = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'\\" else f"\\{byte:03o}"
        for letter in word
        for byte in _bytes_of(letter)
    )
    return f"$'{octal}'"


def _bytes_of(letter: str) -> bytes:
    """UTF-8, and for what os.fsdecode made of another byte that byte."""
    code = ord(letter)
    return bytes([code - 0xDC00]) if _is_byte(code) else letter.encode("utf-8", "surrogatepass")


def _shown(letter: str) -> str:
    code = ord(letter)
    if letter.isprintable():
        return letter
    if _is_byte(code):
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def _is_byte(code: int) -> bool:
    """Whether it stands for a byte that is not UTF-8, as os.fsdecode makes it of a file's name."""
    return 0xDC80 <= code <= 0xDCFF
