"""Watches ``model_invoke`` run on an emulated board: instructions in QEMU, cycles on an Arduino.

In QEMU a plugin of ours, compiled at first use, tells what ran; the Arduinos' emulator is ours.

The firmware is the one that ``glyphite build`` made, and its inputs come over its serial line.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.errors import LinkError, ToolError
from glyphite.convert.files import write_bytes, write_text
from glyphite.convert.programs import COMPILE_SECONDS, run
from glyphite.convert.progress import Progress
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import build_root
from glyphite.host.device.elf import Elf
from glyphite.host.device.session import Session
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.protocol_sim import Serial
from glyphite.host.measure.bench.code import Instruction
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.compiled import c_compiler

SOURCES = FIRMWARE / "emulators" / "qemu"
FLAGS = ("-std=c99", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")
SILENCE = 60.0
"""Seconds for one inference."""
WATCHED = "model_invoke"
LAYER = "run_"
"""What the names of the generated functions of layers start with."""
INTERRUPTS = ("tick_interrupt", "uart_receive_interrupt")
"""They may come while the model runs, and are not part of it."""


@dataclass(frozen=True)
class Block:
    """Instructions in a row that ran in one inference."""

    part: int
    """0 is ``model_invoke`` itself, then the layers in the order of their functions' names."""
    start: int
    end: int
    instructions: int
    runs: int
    leaves: int
    """How often another place than ``end`` followed: a branch was taken."""


@dataclass(frozen=True)
class Watched:
    """One inference."""

    blocks: tuple[Block, ...]
    stack: int | None
    """The deepest that the stack was below its place at the call; None where it cannot be told."""

    cycles: tuple[int, ...] = ()
    """Of each part, from an emulator that knows them."""

    def count(self, part: int | None = None) -> int:
        """Cycles, or else instructions that ran; or those of one part."""
        if self.cycles:
            return sum(self.cycles) if part is None else self.cycles[part]
        return sum(
            block.runs * block.instructions
            for block in self.blocks
            if part is None or block.part == part
        )


def plugin() -> Path:
    """The plugin; compiled if its sources have changed since the last time."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    made = build_root() / ".tools" / f"qemu_watch-{digest[:16]}.so"
    if not made.is_file():
        with tempfile.TemporaryDirectory(prefix="glyphite-") as scratch:
            built = Path(scratch) / "watch.so"
            command = [c_compiler(), *FLAGS, str(SOURCES / "watch.c"), "-o", str(built)]
            run(command, COMPILE_SECONDS)
            write_bytes(made, built.read_bytes())
        made.chmod(0o755)
    return made.resolve()


def watch(
    board: Board,
    image: Path,
    plan: str,
    tensors: Tensors,
    progress: Progress,
) -> Iterator[Watched]:
    """Run each of the inputs (n, *shape) on the emulated ``board``; give what ran, one by one."""
    with tempfile.TemporaryDirectory(prefix="glyphite-") as scratch:
        planned, report = Path(scratch) / "plan", Path(scratch) / "report"
        write_text(planned, plan)
        with (
            EmulatedBoard(board, image, _options(board, planned, report)) as emulated,
            Serial(baudrate=board.serial.baud, timeout=1.0) as port,
        ):
            port.open_on(emulated)
            session = Session(port, SILENCE)
            _greet(session, emulated)
            for number, tensor in enumerate(tensors, 1):
                session.infer(tensor)
                yield parse_report(report.read_text(), number)
                progress(1)


def _options(board: Board, plan: Path, report: Path) -> tuple[str, ...]:
    """The arguments with which a board's emulator watches."""
    if counts_cycles(board):
        return ("--plan", str(plan), "--watched", str(report))
    return ("-plugin", f"{plugin()},plan={plan},report={report}")


def counts_cycles(board: Board) -> bool:
    """Whether the board's emulator knows cycles; QEMU knows instructions only."""
    return board.emulator is not None and board.emulator.kind == "simavr"


def _greet(session: Session, emulated: EmulatedBoard) -> None:
    try:
        session.hello()
    except LinkError as error:
        if emulated.running:
            raise
        raise ToolError(
            "QEMU did not start with the plugin that counts instructions; its message is above. "
            "Versions 4.2 to 8 take it, Debian 12's 7.2 does."
        ) from error


def make_plan(elf: Elf, code: Sequence[Instruction], layers: Sequence[str]) -> str:
    """What the emulator is to watch: the function, its parts, and what moves the stack pointer.

    The last is for QEMU, and not there without ``code``.
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
    """The plugin's report behind the call of that number."""
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
