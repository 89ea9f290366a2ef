"""Sketches of an exported Arduino library, built as a user's tools build them."""

import subprocess
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.host.device.arduino import sketch_command


def built(library: Path, sketch: str, board: str, made: Path, patch: pytest.MonkeyPatch) -> Path:
    """The image of an example for an AVR, opened where the library is installed."""
    patch.setattr("glyphite.host.device.arduino.LIBRARIES", library.parent)
    made.mkdir()
    command = sketch_command(load_board(board), library / "examples" / sketch, made)
    subprocess.run(command, check=True, capture_output=True)
    return made / f"{sketch}.ino.elf"
