"""A .tflite as a C array: ``model_data.h`` and ``model_data.cc``."""

import hashlib
import re
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from convert import __version__

BYTES_A_LINE = 12
"""Keeps a line within 80 columns."""
MOST_NAME = 31
"""Characters of a model's name: a hello has room for 32 with the zero (GLYPHITE_TEXT_BYTES)."""


def environment() -> Environment:
    """The templates of this package; a name that a template lacks is an error."""
    loader = PackageLoader("convert.emit", "templates")
    return Environment(
        loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


def c_array(name: str, tflite: bytes) -> dict[str, str]:
    """File name -> text of the two files. The same model gives the same text.

    ``model_data`` is aligned to 16 bytes: TensorFlow Lite Micro reads the weights where they lie.
    """
    digest = hashlib.sha256(tflite)
    fields = {
        "name": model_name(name),
        "version": __version__,
        "tflite": tflite,
        "sha256": digest.hexdigest(),
        "sha256_lines": list(byte_lines(digest.digest())),
        "data_lines": list(byte_lines(tflite)),
    }
    templates = environment()
    return {
        file: templates.get_template(f"{file}.j2").render(fields)
        for file in ("model_data.h", "model_data.cc")
    }


def model_name(name: str) -> str:
    """``name`` as it can stand in C text and in a hello: plain, and 31 characters at most."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:MOST_NAME]


def byte_lines(content: bytes) -> Iterator[str]:
    """``content`` as lines of hexadecimal C constants, each followed by a comma."""
    for start in range(0, len(content), BYTES_A_LINE):
        yield " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_A_LINE])
