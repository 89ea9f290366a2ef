"""Runs a .tflite once in a process of its own, before it is run in this one.

LiteRT and TensorFlow Lite Micro trust the file; a damaged one may crash the process that runs it.
"""

import sys
from pathlib import Path

from glyphite.convert.errors import ModelError, TimeLimitError, ToolError
from glyphite.convert.programs import attempt
from glyphite.convert.text import printable

PROGRAM = Path(__file__).with_name("trial_program.py")
SECONDS = 60
"""The time limit of one inference in each interpreter."""


def try_out(model: Path) -> None:
    """Run the .tflite once in each interpreter that is installed.

    Raises ModelError where an interpreter crashes or does not end, ToolError where the process
    itself cannot run. A file that an interpreter refuses passes: who runs it later reports why.
    """
    command = [sys.executable, "-P", str(PROGRAM), str(model)]
    try:
        finished = attempt(command, SECONDS)
    except TimeLimitError as error:
        raise _harmful(model, f"runs for more than {SECONDS} seconds on") from error
    if finished.crashed:
        raise _harmful(model, "crashes on")
    if finished.code > 0:
        raise ToolError(
            f"{model} cannot be tried out before it is run here: Python ended with exit code "
            f"{finished.code} ({printable(finished.errors.strip())}). Install Glyphite anew."
        )


def _harmful(model: Path, does: str) -> ModelError:
    return ModelError(
        f"TensorFlow Lite {does} {model}: the file is damaged. Copy it or convert it anew; "
        "`glyphite compile` may name what is wrong in it."
    )
