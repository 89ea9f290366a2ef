"""The memory of a model alone: linked with the functions that it calls, and nothing else.

Weights are the constant arrays of the layers with MACs: weights, biases, and the multipliers and
shifts of their scales. Code is the rest of what goes to flash: functions, with those of the
compiler's libraries that they call, and other constants. Static RAM is the arena and all other
variables. Start-up code, port and serial line are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.files import temporary_folder
from glyphite.convert.programs import COMPILE_SECONDS
from glyphite.host.device.build import SECTIONS
from glyphite.host.device.elf import Elf, read_elf
from glyphite.host.device.said import run_kept

ROOTS = ("model_input", "model_invoke", "model_output")
UNWINDING = (".ARM.exidx", ".ARM.extab", ".eh_frame", ".note", ".comment")
"""Sections that no firmware contains."""


@dataclass(frozen=True)
class Footprint:
    """The memory of a model, in bytes."""

    weights: int
    code: int
    static_ram: int


def footprint(board: Board, folder: Path, layers: Sequence[str]) -> Footprint:
    """The footprint of the ``model.c`` in ``folder``, compiled for ``board``.

    ``layers`` are the names, as in the generated C, of the layers with weights. Raises ToolError
    where the model cannot be compiled and linked, or the result cannot be read.
    """
    return footprint_of(linked_alone(board, folder), layers)


def linked_alone(board: Board, folder: Path) -> Elf:
    """The ``model.c`` in ``folder``, linked for ``board`` without anything around it.

    Raises ToolError where it cannot be compiled and linked, or the result cannot be read.
    """
    with temporary_folder() as scratch:
        image = scratch / "model.elf"
        _link(board, folder, image)
        elf = read_elf(image)
    kept = tuple(part for part in elf.sections if not part.name.startswith(UNWINDING))
    return Elf(kept, elf.symbols)


def footprint_of(elf: Elf, layers: Sequence[str]) -> Footprint:
    """The footprint of a model that was linked alone; ``layers`` are those with weights."""
    prefixes = tuple(f"{layer}_" for layer in layers)
    weights = sum(
        symbol.size
        for symbol in elf.symbols
        if not symbol.is_function and symbol.section.stored and symbol.name.startswith(prefixes)
    )
    stored = sum(section.size for section in elf.sections if section.stored)
    return Footprint(
        weights=weights,
        code=stored - weights,
        static_ram=sum(section.size for section in elf.sections if section.writable),
    )


def _link(board: Board, folder: Path, image: Path) -> None:
    toolchain = board.toolchain
    is_avr = board.mcu.architecture.startswith("avr")
    chip = (f"-mmcu={board.mcu.cpu}",) if is_avr else ()  # of others, it is among the flags
    command = [
        *(toolchain.cc, toolchain.optimize, "-std=gnu99", *SECTIONS, *chip, *toolchain.flags),
        *(str(folder / "model.c"), "-nostartfiles", f"-Wl,--gc-sections,-e,{ROOTS[1]}"),
        *(f"-Wl,-u,{root}" for root in ROOTS),
        *("-o", str(image)),
    ]
    failure = f"{toolchain.cc} cannot link the model alone"
    run_kept(
        command, COMPILE_SECONDS, failure=failure, remedy=f"Check 'toolchain' in {board.path}."
    )
