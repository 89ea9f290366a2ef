"""What all generated text has in common: its templates, and bytes as lines of C."""

from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

BYTES_A_LINE = 12
"""Keeps a line within 80 columns."""


def environment(package: str) -> Environment:
    """The templates of ``package``; a name that a template lacks is an error."""
    loader = PackageLoader(package, "templates")
    return Environment(
        loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


def byte_lines(content: bytes) -> Iterator[str]:
    """``content`` as lines of hexadecimal C constants, each followed by a comma."""
    for start in range(0, len(content), BYTES_A_LINE):
        yield " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_A_LINE])
