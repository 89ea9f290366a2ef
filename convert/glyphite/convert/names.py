"""The name of a model, of a board, and of its folder, made of any text."""

import re
import unicodedata

LONGEST_NAME = 100
"""Bytes of a folder's name, so that what is added to it fits the 255 that file systems have."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\w|lpt\w)(\.|$)", re.IGNORECASE)
"""Names that mean a device on Windows, whatever follows the dot."""


def safe_name(text: str) -> str:
    """The name of a model, and of its folder, for any text: that of a file, of a board.

    Linux, Windows and macOS take it as one folder's name; it cannot lead out of ``build/``, hide,
    or be read as an option. Letters and digits of every script, '_', '-' and '.' stay as they are,
    each other character becomes '_'. What is such a name already stays so. The end of a file's
    name is none of a model's, as a verb would look for that file.
    """
    composed = unicodedata.normalize("NFC", text)  # macOS takes letters and their accents apart
    plain = re.sub(r"[^\w.-]", "_", composed).lstrip(".-")
    plain = re.sub(r"(\.(tflite|keras))+$", "", plain)
    short = plain.encode()[:LONGEST_NAME].decode(errors="ignore").rstrip(".")
    return f"_{short}" if _DEVICES.match(short) else short or "model"
