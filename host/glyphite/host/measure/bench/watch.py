"""Observes ``model_invoke`` on an emulated board: instructions in QEMU, cycles on an Arduino.

In QEMU a plugin of this project, compiled at first use, reports what ran; the emulator of the
Arduinos is of this project. The firmware is that of ``glyphite build``, and gets its inputs over
its serial line.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.errors import LinkError, ToolError
from glyphite.convert.files import temporary_folder, write_text
from glyphite.convert.hold import write_shared
from glyphite.convert.programs import COMPILE_SECONDS
from glyphite.convert.progress import Progress
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import build_root
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.device.elf import Elf
from glyphite.host.device.said import run_kept
from glyphite.host.device.session import Session
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.protocol_sim import Serial
from glyphite.host.measure.bench.code import Instruction
from glyphite.host.runners.base import Tensors

SOURCES = FIRMWARE / "emulators" / "qemu"
FLAGS = ("-std=c99", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")
SILENCE = 60.0
"""The longest time of one inference, in seconds."""
WATCHED = "model_invoke"
LAYER = "run_"
"""The prefix of the names of the generated functions, one per layer."""
INTERRUPTS = ("tick_interrupt", "uart_receive_interrupt")
"""Interrupts that may come while the model runs; they are not counted."""


@dataclass(frozen=True)
class Block:
    """Instructions that run one after the other, and how often they ran in one inference."""

    part: int
    """0 is ``model_invoke`` itself, then the layers in the order of their functions' names."""
    start: int
    end: int
    instructions: int
    runs: int
    leaves: int
    """How often they did not go on at ``end``: a branch was taken."""


@dataclass(frozen=True)
class Watched:
    """What ran in one inference."""

    blocks: tuple[Block, ...]
    stack: int | None
    """The peak of the stack below its level at the call, in bytes; None where it is not known."""

    cycles: tuple[int, ...] = ()
    """The cycles of each part, from an emulator that counts them."""

    def count(self, part: int | None = None) -> int:
        """Cycles if they were counted, else instructions: in all, or of one part."""
        if self.cycles:
            return sum(self.cycles) if part is None else self.cycles[part]
        return sum(
            block.runs * block.instructions
            for block in self.blocks
            if part is None or block.part == part
        )


def plugin() -> Path:
    """The path of the plugin, compiled if its sources have changed since the last time.

    Raises ToolError where the C compiler is missing or fails, and on Windows.
    """
    if sys.platform == "win32":
        raise ToolError(
            "QEMU takes no plugin here that counts instructions. Use Linux, macOS or WSL for this."
        )
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    made = build_root() / ".tools" / f"qemu_watch-{digest[:16]}.so"
    if not made.is_file():
        with temporary_folder() as scratch:
            built = scratch / "watch.so"
            command = [*c_compiler(), *FLAGS, str(SOURCES / "watch.c"), "-o", str(built)]
            failure = "The plugin by which QEMU counts cannot be compiled"
            run_kept(command, COMPILE_SECONDS, failure=failure, remedy="Check the C compiler.")
            write_shared(made, built.read_bytes(), executable=True)
    return made.resolve()


def watch(
    board: Board,
    image: Path,
    plan: str,
    tensors: Tensors,
    progress: Progress,
) -> Iterator[Watched]:
    """Run each of the inputs (n, *shape) on the emulated ``board``; yields what ran, one by one.

    ``plan`` is that of :func:`make_plan`. Raises BoardError where the board has no emulator,
    ToolError where the emulator or its plugin is missing or fails, LinkError where the board does
    not answer, InputError where it takes other inputs.
    """
    with temporary_folder() as scratch:
        planned, report = scratch / "plan", scratch / "report"
        write_text(planned, plan)
        with (
            EmulatedBoard(board, image, _options(board, planned, report)) as emulated,
            Serial(baudrate=board.serial.baud, timeout=1.0) as port,
        ):
            port.open_on(emulated)
            session = Session(port, SILENCE)
            _greet(session, board, emulated)
            for number, tensor in enumerate(tensors, 1):
                session.ask(tensor)
                yield parse_report(report.read_text(encoding="utf-8"), number)
                progress(1)


def _options(board: Board, plan: Path, report: Path) -> tuple[str, ...]:
    """The arguments by which the emulator of a board follows ``plan`` and writes ``report``."""
    if counts_cycles(board):
        return ("--plan", str(plan), "--watched", str(report))
    return ("-plugin", f"{plugin()},plan={plan},report={report}")


def counts_cycles(board: Board) -> bool:
    """Whether the board's emulator counts cycles; QEMU counts instructions only."""
    return board.emulator is not None and board.emulator.kind == "simavr"


def is_countable(board: Board) -> bool:
    """Whether the board's emulator counts instructions or cycles."""
    return board.emulator is not None and board.emulator.kind in ("qemu", "simavr")


def _greet(session: Session, board: Board, emulated: EmulatedBoard) -> None:
    try:
        session.hello()
    except LinkError as error:
        if emulated.running:
            raise
        if counts_cycles(board):
            raise ToolError(
                f"The emulated {board.name} ended before it answered: {emulated.ending}. Build the "
                "firmware again."
            ) from error
        raise ToolError(
            "QEMU did not start with the plugin that counts instructions: "
            f"{emulated.ending}. Versions 4.2 to 8 take it, Debian 12's 7.2 does."
        ) from error


def make_plan(elf: Elf, code: Sequence[Instruction], layers: Sequence[str]) -> str:
    """What the emulator is to observe: the function, its layers, and what moves the stack pointer.

    Only QEMU needs the last; it is left out where ``code`` is empty. Raises ToolError where the
    firmware lacks a function.
    """
    begin = elf.function(WATCHED)
    if begin is None:
        raise ToolError(f"The firmware has no function {WATCHED}. Build it again.")
    parts = [elf.function(LAYER + name) for name in layers]
    if None in parts:
        missing = layers[parts.index(None)]
        raise ToolError(f"The firmware has no function {LAYER}{missing}. Build it again.")
    lines = [f"begin {begin.address:x} 0"]
    lines += [f"part {part.address:x} 0" for part in parts if part is not None]
    if not code:
        return "\n".join(lines) + "\n"
    handlers = [found for name in INTERRUPTS if (found := elf.function(name)) is not None]
    lines += [f"skip {handler.address:x} {handler.size}" for handler in handlers]
    lines += [
        f"move {instruction.address:x} {instruction.stack_bytes}"
        for instruction in code
        if instruction.stack_bytes
    ]
    return "\n".join(lines) + "\n"


def parse_report(text: str, calls: int) -> Watched:
    """What the emulator reports after call number ``calls``, counted from 1.

    Raises ToolError where the firmware has run the model another number of times.
    """
    words = [line.split() for line in text.splitlines()]
    numbers = {word[0]: int(word[1]) for word in words if len(word) == 2}
    if numbers["calls"] != calls:
        raise ToolError(f"The firmware ran the model {numbers['calls']} times, not {calls}.")
    blocks = (
        Block(int(part), int(start, 16), int(end, 16), int(count), int(runs), int(leaves))
        for _, part, start, end, count, runs, leaves in (w for w in words if w[0] == "block")
    )
    cycles = tuple(int(word[2]) for word in words if word[0] == "cycles")
    return Watched(tuple(blocks), None if numbers["balance"] else numbers["stack"], cycles)
