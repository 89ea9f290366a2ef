"""What a model alone takes of a board's memory: linked with what it calls, and nothing else.

Weights are the constant arrays of the layers that multiply by them: weights and biases, and the
multipliers and shifts that their scales became. Code is all the rest that goes to flash: functions,
those of the compiler's libraries that they call among them, and other constants. Static RAM is the
arena, and whatever other variables there are. No start-up code, no port, no serial line.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.programs import COMPILE_SECONDS, run
from glyphite.host.device.build import SECTIONS
from glyphite.host.device.elf import Elf, read_elf

ROOTS = ("model_input", "model_invoke", "model_output")
UNWINDING = (".ARM.exidx", ".ARM.extab", ".eh_frame", ".note", ".comment")
"""Sections that no firmware keeps."""


@dataclass(frozen=True)
class Footprint:
    """Bytes."""

    weights: int
    code: int
    static_ram: int


def footprint(board: Board, folder: Path, layers: Sequence[str]) -> Footprint:
    """The footprint of ``folder/model.c``, in which ``layers`` have the weights.

    ``layers`` are names of layers as the generated C has them.
    """
    with tempfile.TemporaryDirectory(prefix="glyphite-") as scratch:
        image = Path(scratch) / "model.elf"
        _link(board, folder, image)
        return weigh(read_elf(image), layers)


def weigh(elf: Elf, layers: Sequence[str]) -> Footprint:
    """The footprint of a model that was linked alone."""
    sections = [section for section in elf.sections if not section.name.startswith(UNWINDING)]
    prefixes = tuple(f"{layer}_" for layer in layers)
    weights = sum(
        symbol.size
        for symbol in elf.symbols
        if not symbol.is_function and symbol.section.stored and symbol.name.startswith(prefixes)
    )
    stored = sum(section.size for section in sections if section.stored)
    return Footprint(
        weights=weights,
        code=stored - weights,
        static_ram=sum(section.size for section in sections if section.writable),
    )


def _link(board: Board, folder: Path, image: Path) -> None:
    toolchain = board.toolchain
    chip = (f"-mmcu={board.mcu.cpu}",) if board.arduino else ()  # else among the flags
    command = [
        *(toolchain.cc, toolchain.optimize, "-std=gnu99", *SECTIONS, *chip, *toolchain.flags),
        *(str(folder / "model.c"), "-nostartfiles", f"-Wl,--gc-sections,-e,{ROOTS[1]}"),
        *(f"-Wl,-u,{root}" for root in ROOTS),
        *("-o", str(image)),
    ]
    failure = f"{toolchain.cc} cannot link the model alone"
    run(command, COMPILE_SECONDS, failure=failure, remedy="Compile the model again.")
