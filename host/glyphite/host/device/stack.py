"""Measures the peak of a sketch's stack on the emulated board, to the byte."""

import math
from pathlib import Path
from typing import TypedDict

import numpy as np

from glyphite.convert.boards import Board
from glyphite.convert.documents import read_json
from glyphite.convert.errors import DoesNotFitError, LinkError, ToolError
from glyphite.convert.files import temporary_folder
from glyphite.host.device.session import Session
from glyphite.host.device.transport.avr import STACK_OVERFLOW, avr_command, flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.protocol_sim import Serial

SILENCE = 30.0
"""Seconds to wait for hello and for an inference, which may take 3 by a Mega's own clock: a busy PC
emulates it several times slower."""


class _Report(TypedDict):
    """What the emulated Arduino writes at its end: ``report`` of its main.c."""

    stopped_by: str
    cycles: int
    boot_cycles: int
    sketch_cycles: int
    received: int
    sent: int
    overruns: int
    resets: int
    in_sketch: bool
    static_end: int
    stack_bytes: int


def measure_stack(board: Board, firmware: Path) -> int | None:
    """The peak of the stack, in bytes, during hello and inferences of random and extreme inputs.

    None where the emulator or its tools are not installed. Raises DoesNotFitError where the stack
    grows into the static data, LinkError where the sketch does not answer, InputError where
    ``firmware`` cannot be read.
    """
    with temporary_folder() as scratch:
        flash, report = scratch / "all.flash", scratch / "report.json"
        try:
            flash.write_bytes(flash_with(board, firmware))
            avr_command(board, flash)
        except ToolError:
            return None
        with EmulatedBoard(board, flash, ("--report", str(report))) as emulated:
            try:
                _exercise(board, emulated)
            except LinkError as error:
                if emulated.process.poll() == STACK_OVERFLOW:
                    raise DoesNotFitError(emulated.ending) from error
                raise
        return read_json(report, _Report, "Build the sketch again.")["stack_bytes"]


def _exercise(board: Board, emulated: EmulatedBoard) -> None:
    with Serial(baudrate=board.serial.baud, timeout=1.0) as port:
        port.open_on(emulated)
        session = Session(port, SILENCE)
        (taken,) = session.hello().inputs
        noise = np.random.default_rng(0).integers(-128, 128, math.prod(taken.shape), np.int8)
        for tensor in (noise, np.full_like(noise, -128), np.full_like(noise, 127)):
            session.ask(tensor.reshape(taken.shape))
