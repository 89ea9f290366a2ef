"""Runs a foreign .tflite once in a process of its own, before this one relies on it.

LiteRT and TensorFlow Lite Micro trust a file, and a damaged one may end the process that runs it.
"""

import sys
from pathlib import Path

from glyphite.convert.errors import ModelError, TimeLimitError
from glyphite.convert.programs import attempt

PROGRAM = Path(__file__).with_name("trial_program.py")
SECONDS = 60
"""In which one inference is over."""


def try_out(model: Path) -> None:
    """Raise ModelError where an interpreter crashes on a file, or does not come to an end.

    What an interpreter only refuses is left to who uses it, and has a sentence for it.
    """
    command = [sys.executable, "-P", str(PROGRAM), str(model)]
    try:
        finished = attempt(command, SECONDS)
    except TimeLimitError as error:
        raise _harmful(model, f"runs for more than {SECONDS} seconds on") from error
    if finished.code < 0:
        raise _harmful(model, "crashes on")


def _harmful(model: Path, does: str) -> ModelError:
    return ModelError(
        f"TensorFlow Lite {does} {model}: the file is damaged. Copy it or convert it anew; "
        "`glyphite compile` may name what is wrong in it."
    )
