"""The memory of a board that an image takes, and whether the board has it."""

from dataclasses import dataclass

from glyphite.convert.boards import Board
from glyphite.convert.errors import DoesNotFitError
from glyphite.host.device.elf import Elf, Section, Symbol

STACK_SECTION = ".stack"


@dataclass(frozen=True)
class Part:
    """A named variable, constant or function of the image."""

    name: str
    bytes: int
    memory: str
    """"flash", "RAM", or "flash and RAM" for a variable with an initial value."""


@dataclass(frozen=True)
class Size:
    """The memory of a board that an image takes, in bytes."""

    flash: int
    """Code, constants, and the initial values of variables."""
    ram: int
    """Variables: static RAM, without the stack."""
    stack: int
    """Reserved or measured; 0 where the operating system provides the stack."""
    sections: dict[str, int]
    parts: tuple[Part, ...]
    """Sorted by size, the largest first."""
    stack_measured: bool = False
    """Whether ``stack`` is the peak on the emulated board."""


def image_size(elf: Elf) -> Size:
    """The flash and RAM that an image takes, in all, by sections and by parts."""
    used = [section for section in elf.sections if section.size]
    stack = sum(section.size for section in used if section.name == STACK_SECTION)
    used = [section for section in used if section.name != STACK_SECTION]
    return Size(
        flash=sum(section.size for section in used if section.stored),
        ram=sum(section.size for section in used if section.writable),
        stack=stack,
        sections={section.name: section.size for section in used},
        parts=tuple(_part(symbol) for symbol in elf.symbols if symbol.section in used),
    )


def _part(symbol: Symbol) -> Part:
    return Part(symbol.name, symbol.size, _memory(symbol.section))


def _memory(section: Section) -> str:
    if section.writable:
        return "flash and RAM" if section.stored else "RAM"
    return "flash"


def ensure_fits(model: str, board: Board, size: Size, least: str = "") -> None:
    """Make sure that the board has room for ``size`` and the stack that its file reserves.

    ``least`` goes before the figure, where more is needed than was counted.

    Raises DoesNotFitError where it has not.
    """
    if board.memory is None:
        return
    for memory, needed, available in (
        ("flash", size.flash, board.memory.flash),
        ("RAM", size.ram, board.memory.ram - board.memory.stack),
    ):
        if needed > available:
            named = largest(size, memory)
            parts = f"Largest parts: {named}. " if named else ""
            kept = f" beside the stack's {board.memory.stack:,}" if memory == "RAM" else ""
            raise DoesNotFitError(
                f"The model {model!r} does not fit on {board.name!r}: it needs {least}{needed:,} "
                f"bytes of {memory}, and the board has {available:,}{kept}. {parts}"
                "Use a larger board or a smaller model."
            )


def largest(size: Size, memory: str) -> str:
    """The three largest parts of a ``memory``, with their bytes, as a sentence lists them."""
    parts = [part for part in size.parts if memory in part.memory][:3]
    return ", ".join(f"{part.name} {part.bytes:,}" for part in parts)
