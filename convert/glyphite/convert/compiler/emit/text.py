"""What all generated text has in common: its templates, the model's name, bytes as lines of C."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

BYTES_A_LINE = 12
"""Keeps a line within 80 columns."""

PREFIX = "model"
"""Of the names of a model's files, functions and macros where no other is asked for."""
_TAKEN = """assert complex ctype errno fenv float glyphite inttypes limits locale math setjmp signal
stdarg stdatomic stdbool stddef stdint stdio stdlib string tgmath threads time wchar wctype"""
"""Prefixes that would hide a standard header, or belong to the kernels."""
MODEL_NAME_BYTES = 31
"""Of a model's name in C and in a hello, whose texts have 32 bytes with the zero at their end."""


TIE = "@TIE@"
"""In a template: the number by which files know that they belong together."""


@cache
def environment(package: str) -> Environment:
    """The templates of ``package``; a name that a template lacks is an error.

    A text from outside passes by one of the filters ``comment`` and ``literal``. Kept, as it holds
    the templates that were read: reading them takes longer than to write a small model with them.
    """
    loader = PackageLoader(package, "templates")
    made = Environment(
        loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    made.filters |= {"comment": c_comment, "literal": c_literal}
    return made


def plain_name(name: str) -> str:
    """A model's name as it can stand in a C string, in a comment and in a hello.

    ASCII letters, digits, '_', '.' and '-' stay as they are; each other character becomes '_'.
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:MODEL_NAME_BYTES]


def c_prefix(text: str) -> str:
    """``text`` as the beginning of the names of a model's files, functions and macros in C.

    Raises InputError where it cannot be one.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text) and text not in _TAKEN.split():
        return text
    raise InputError(
        f"{printable(repr(text))} is no prefix for names in C: a lower-case letter, then at most "
        "30 of a to z, 0 to 9 and '_' are, and no name of a standard header or of a kernel. "
        "Say --prefix net, for instance."
    )


def c_comment(text: str) -> str:
    """``text`` inside a comment of C, C++ or a shell, which it can neither end nor continue.

    It stays on one line. What C or a compiler's warnings would see in it gets a space or a '_': the
    begin or the end of a comment, a trigraph, a backslash that joins the next line.
    """
    shown = re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)", r"\g<0> ", printable(text))
    return f"{shown[:-1]}_" if shown.endswith("\\") else shown


def c_literal(text: str) -> str:
    """``text`` as a string of C, quotes included, whose bytes are the UTF-8 of it."""
    plain = {byte for byte in range(0x20, 0x7F) if chr(byte) not in '"\\?'}
    content = text.encode("utf-8", "backslashreplace")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in content) + '"'


def tied(texts: Mapping[str, str]) -> dict[str, str]:
    """Files of C with a number of their own in the place of ``TIE``: file name -> text.

    It comes from all that they say, so that files of which each was made with others differ in it,
    and the C compiler refuses them.
    """
    content = "".join(texts[name] for name in sorted(texts))
    number = f"0x{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    return {name: text.replace(TIE, number) for name, text in texts.items()}


def byte_lines(content: bytes) -> Iterator[str]:
    """``content`` as lines of hexadecimal C constants, each followed by a comma."""
    for start in range(0, len(content), BYTES_A_LINE):
        yield " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_A_LINE])
