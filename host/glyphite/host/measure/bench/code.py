"""The machine code of an image by objdump: each instruction, and how it moves the stack pointer."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.errors import ToolError
from glyphite.convert.programs import READ_SECONDS, run
from glyphite.host.device.packages import install

_LINE = re.compile(r"^ *([0-9a-f]+):\t([^\t;@]+)(?:\t([^;@]*))?")
_REGISTERS = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True)
class Instruction:
    """One Arm instruction, in the unified assembler syntax."""

    address: int
    mnemonic: str
    """Without a suffix for the width: "ldrne", not "ldrne.w"."""
    operands: str

    @property
    def registers(self) -> int:
        """The registers in its list in braces, counted in words of 4 bytes."""
        found = _REGISTERS.search(self.operands)
        return sum(_words(part) for part in found[1].split(",")) if found else 0

    @property
    def stack_bytes(self) -> int | None:
        """The bytes that it adds to the stack pointer; None where only a run could show them."""
        if not re.search(r"\bsp\b", self.operands) and self.mnemonic[:3] not in _STACK:
            return 0
        for pattern, sign in _MOVES:
            found = re.fullmatch(pattern, f"{self.mnemonic} {self.operands}")
            if found:
                return sign * (int(found["bytes"]) if "bytes" in found.groupdict() else
                               4 * self.registers)  # fmt: skip
        written = self.operands.split(",")[0].strip()
        return None if written == "sp" and not self.mnemonic.startswith(("cmp", "str")) else 0


_STACK = ("pus", "pop", "vpu", "vpo")
_CONDITION = "(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
_MOVES = (
    (rf"v?push{_CONDITION} \{{.*", -1),
    (rf"v?pop{_CONDITION} \{{.*", 1),
    (rf"v?stmdb{_CONDITION} sp!, .*", -1),
    (rf"v?ldm(ia)?{_CONDITION} sp!, .*", 1),
    (rf"subw?{_CONDITION} sp, (sp, )?#(?P<bytes>\d+)", -1),
    (rf"addw?{_CONDITION} sp, (sp, )?#(?P<bytes>\d+)", 1),
    (rf"strd?{_CONDITION} .*\[sp, #-(?P<bytes>\d+)\]!", -1),
    (rf"ldrd?{_CONDITION} .*\[sp\], #(?P<bytes>\d+)", 1),
)
"""The instructions that move the stack pointer, and the sign of the move. The bytes are a number in
the instruction, or those of its list of registers."""


def _words(part: str) -> int:
    """Words in "r4", "r4-r7", "s16", "d8-d9"."""
    first, _, last = part.strip().partition("-")
    count = int(last[1:]) - int(first[1:]) + 1 if last else 1
    return 2 * count if first.startswith("d") else count


def disassemble(board: Board, image: Path) -> Mapping[int, Instruction]:
    """Every instruction of ``image`` by its address, in rising order.

    Raises ToolError where objdump is not installed or cannot read the image.
    """
    program = board.toolchain.cc.replace("gcc", "objdump")
    if shutil.which(program) is None:
        raise ToolError(
            f"{program}, which reads machine code, is not installed. "
            + install(str(board.toolchain.package))
        )
    command = [program, "-d", "--no-show-raw-insn", str(image)]
    failure = f"{program} cannot read {image}"
    return parse(run(command, READ_SECONDS, failure=failure, remedy="Build it again.").output)


def parse(listing: str) -> Mapping[int, Instruction]:
    """The instructions in objdump's listing, by their address; data between them is left out."""
    found = {}
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match and not match[2].startswith("."):
            mnemonic = re.sub(r"\.[nw]$", "", match[2].strip())
            found[int(match[1], 16)] = Instruction(
                int(match[1], 16), mnemonic, (match[3] or "").strip()
            )
    return found
