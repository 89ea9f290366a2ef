"""What all generated text has in common: its templates, the model's name, bytes as lines of C."""

import re
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

BYTES_A_LINE = 12
"""Keeps a line within 80 columns."""

MODEL_NAME_BYTES = 31
"""Of a model's name in C and in a hello, whose texts have 32 bytes with the zero at their end."""


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


def byte_lines(content: bytes) -> Iterator[str]:
    """``content`` as lines of hexadecimal C constants, each followed by a comma."""
    for start in range(0, len(content), BYTES_A_LINE):
        yield " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_A_LINE])
