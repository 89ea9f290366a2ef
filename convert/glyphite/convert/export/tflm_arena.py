"""The arena that TensorFlow Lite Micro needs for a model: as measured on this PC, and a margin."""

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from glyphite.convert.errors import ModelError, TimeLimitError, ToolError
from glyphite.convert.programs import Finished, attempt
from glyphite.convert.text import printable

SPARE = 1024
"""Bytes of margin beside scratch buffers, as versions of TFLM differ by some hundred bytes."""
GENEROUS = 8 << 20
"""An arena larger than that of any microcontroller, to measure how much of it a model needs."""
STEP = 64
TRIES = 64
"""Where the size that TFLM reports is too small, so many bytes are added, so many times at most."""
PROBE_SECONDS = 120.0
"""The time limit of one inference, which takes seconds; importing the package may take longer."""


@dataclass(frozen=True)
class Arena:
    """Sizes in bytes."""

    measured: int
    """The smallest arena in which TFLM has run the model on this PC."""
    scratch: int
    """What CMSIS-NN's convolutions may need beyond that."""

    @property
    def margin(self) -> int:
        """What is added to the measured size."""
        return SPARE + self.scratch

    @property
    def bytes(self) -> int:
        """The size to reserve: a multiple of 16."""
        return -(-(self.measured + self.margin) // 16) * 16


def measure_arena(tflite: bytes) -> int:
    """The bytes of arena that TFLM reports for the .tflite, checked by a run in exactly that many.

    The pinned ``tflite-micro`` package runs it. Its pointers have 8 bytes; the same structures are
    smaller on a 32-bit board. Raises ModelError where TFLM cannot run the model, ToolError where
    tflite-micro is not installed.
    """
    generous = _probe(tflite, GENEROUS)
    account = re.search(r"Arena allocation total (\d+) bytes", generous.errors)
    if generous.code != 0 or account is None:
        raise ModelError(
            f"TensorFlow Lite Micro cannot run the model: {_complaint(generous.errors)}. "
            "Make it anew with `glyphite convert`."
        )
    total = int(account[1])
    for size in range(total, total + STEP * TRIES, STEP):
        if _probe(tflite, size).code == 0:
            return size
    raise ModelError(
        f"TensorFlow Lite Micro reports {total:,} bytes of arena for the model, and does not run "
        f"in {STEP * TRIES:,} more. Report this model as a bug."
    )


def _probe(tflite: bytes, arena: int) -> Finished:
    """Run the model once in an arena of so many bytes; TFLM writes its messages to stderr."""
    if find_spec("tflite_micro") is None:
        raise ToolError(
            "The package tflite-micro is not installed, and it tells how large an arena must be. "
            "Install it with `pip install tflite-micro`."
        )
    program = Path(__file__).with_name("tflm_probe.py")
    command = [sys.executable, "-P", str(program), str(arena)]
    try:
        return attempt(command, PROBE_SECONDS, stdin=tflite)
    except TimeLimitError as error:
        raise ModelError(
            f"TensorFlow Lite Micro did not run the model within {PROBE_SECONDS:g} seconds. "
            "Try again when this machine has less to do, or make the model anew with "
            "`glyphite convert`."
        ) from error


def _complaint(stderr: str) -> str:
    """TFLM's message: the node that failed, and in parentheses what failed there."""
    spoken = stderr.partition("Traceback (most recent call last)")[0].splitlines()
    said = [line.strip() for line in spoken if line.strip()]
    if not said:
        return "it crashed"
    first, last = printable(said[0].rstrip(".")), printable(said[-1])
    return first if len(said) == 1 else f"{last} ({first})"
