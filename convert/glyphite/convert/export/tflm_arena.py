"""How large an arena TensorFlow Lite Micro needs for a model: its own reckoning, and a margin."""

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from glyphite.convert.errors import ModelError, TimeLimitError, ToolError
from glyphite.convert.programs import Finished, attempt

SPARE = 1024
"""Bytes of margin beside the scratch buffers: versions of TFLM differ by some hundred bytes."""
GENEROUS = 8 << 20
"""An arena larger than any microcontroller's, to learn in how much of it a model runs."""
STEP = 64
TRIES = 64
"""Where the reckoned size does not suffice, so many steps of so many bytes are added to it."""
PROBE_SECONDS = 120.0
"""For one inference, which takes seconds, and to import the package, which may take more."""


@dataclass(frozen=True)
class Arena:
    """Sizes in bytes."""

    reckoned: int
    """The smallest arena that TFLM accounts for on this PC, and in which it has run the model."""
    scratch: int
    """What the convolutions of CMSIS-NN may ask for beyond that."""

    @property
    def margin(self) -> int:
        """What is added to the reckoning."""
        return SPARE + self.scratch

    @property
    def bytes(self) -> int:
        """The size to set aside: a multiple of 16."""
        return -(-(self.reckoned + self.margin) // 16) * 16


def reckon_arena(tflite: bytes) -> int:
    """The bytes that TFLM itself reckons for the model, proven by a run in exactly that many.

    The pinned ``tflite-micro`` package is asked. Its pointers have 8 bytes; on a 32-bit board the
    same structures are smaller. Raises ModelError when TFLM cannot run the model at all.
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
        f"TensorFlow Lite Micro reckons {total:,} bytes of arena for the model, and does not run "
        f"in {STEP * TRIES:,} more. Report this model as a bug."
    )


def _probe(tflite: bytes, arena: int) -> Finished:
    """Run the model once in an arena of so many bytes; TFLM's words are on stderr."""
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
    """TFLM's own words on what is wrong: the node that failed, and before it what failed there."""
    spoken = stderr.partition("Traceback (most recent call last)")[0].splitlines()
    said = [line.strip() for line in spoken if line.strip()]
    if not said:
        return "it crashed"
    return said[0].rstrip(".") if len(said) == 1 else f"{said[-1]} ({said[0].rstrip('.')})"
