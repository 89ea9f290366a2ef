"""A .tflite as a C array: ``model_data.h`` and ``model_data.cc``."""

import hashlib

from glyphite.convert.compiler.emit.text import byte_lines, environment, plain_name
from glyphite.convert.version import __version__

TEMPLATES = "glyphite.convert.export"
"""The package whose templates the exports use."""


def tie(tflite: bytes) -> str:
    """The number by which the files of one model know each other, in C: of its SHA-256."""
    return f"0x{hashlib.sha256(tflite).hexdigest()[:8]}"


def c_array(name: str, tflite: bytes) -> dict[str, str]:
    """The two files: name -> text. The same model gives the same text.

    ``model_data`` is aligned to 16 bytes, as TensorFlow Lite Micro reads the weights in place.
    """
    digest = hashlib.sha256(tflite)
    fields = {
        "name": plain_name(name),
        "version": __version__,
        "tflite": tflite,
        "tie": tie(tflite),
        "sha256": digest.hexdigest(),
        "sha256_lines": list(byte_lines(digest.digest())),
        "data_lines": list(byte_lines(tflite)),
    }
    templates = environment(TEMPLATES)
    return {
        file: templates.get_template(f"{file}.j2").render(fields)
        for file in ("model_data.h", "model_data.cc")
    }
