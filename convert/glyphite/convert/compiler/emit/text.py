"""What all generated text has in common: its templates, the model's name, bytes as lines of C."""

import hashlib
import re
from collections.abc import Iterator, Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

BYTES_A_LINE = 12
"""Keeps a line within 80 columns."""

MODEL_NAME_BYTES = 31
"""Of a model's name in C and in a hello, whose texts have 32 bytes with the zero at their end."""


TIE = "@TIE@"
"""In a template: the number by which files know that they belong together."""


def environment(package: str) -> Environment:
    """The templates of ``package``; a name that a template lacks is an error."""
    loader = PackageLoader(package, "templates")
    return Environment(
        loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


def plain_name(name: str) -> str:
    """A model's name as it can stand in a C string, in a comment and in a hello.

    ASCII letters, digits, '_', '.' and '-' stay as they are; each other character becomes '_'.
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:MODEL_NAME_BYTES]


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
