"""A model of a processor's cycles: what each instruction costs, by Arm's own tables.

The tables are those of the instruction set in the Technical Reference Manuals of the Cortex-M4
(tables 3-1 and 7-1), Cortex-M3 and Cortex-M0 (table 3-1 in each), and what the first two say under
"Load/store timings": an access goes out while the load before it comes in, and an address that was
only just computed costs a cycle. Memory has no wait states. Arm publishes no such table for the
Cortex-M7, which often ends two instructions in a cycle, nor for the M33: theirs are modelled as
the M4.

Where the manual gives a range, the model takes the upper end (a divide takes 12 cycles), but for
the refill of the pipeline behind a branch that is taken: 2 of 1 to 3. An instruction that its
condition skips counts as if it ran.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glyphite.host.measure.bench.code import Instruction


@dataclass(frozen=True)
class Costs:
    """A processor's cycles; what is not named here takes 1."""

    name: str
    taken: int = 2
    """What a branch that is taken adds to its 1."""
    linked: int = 2
    """The same of BL, and of POP into the program counter."""
    load: int = 2
    store: int = 1
    store_indexed: int = 2
    """With a register as the offset."""
    pipelined: bool = True
    """A load or store behind a load takes 1 less, unless its address waits for that load."""
    address_stall: int = 1
    """What one takes more whose address was computed by the instruction before it."""
    table: int = 4
    """A branch by a table of offsets, before the refill."""
    multiply_accumulate: int = 1
    long_multiply: int = 1
    long_accumulate: int = 1
    divide: int = 12
    float_divide: int = 14
    float_accumulate: int = 3


M4 = Costs("cortex-m4")
M3 = Costs("cortex-m3", multiply_accumulate=2, long_multiply=5, long_accumulate=7)
M0 = Costs("cortex-m0", linked=3, store=2, pipelined=False, address_stall=0)

_TABLES = {"armv6-m": M0, "armv7-m": M3}


def costs_of(architecture: str) -> Costs:
    """The table for a board's architecture."""
    return _TABLES.get(architecture, M4)


_CLASSES: tuple[tuple[str, str], ...] = (
    (r"(ldm|stm|push|pop|vldm|vstm|vpush|vpop)", "multiple"),
    (r"(ldrd|strd)", "double"),
    (r"vldr", "load"),
    (r"vstr", "store_indexed"),
    (r"ldr", "load"),
    (r"str", "store"),
    (r"tb[bh]$", "table"),
    (r"(smlal|umlal|umaal)", "long_accumulate"),
    (r"(smull|umull)", "long_multiply"),
    (r"ml[as]", "multiply_accumulate"),
    (r"[su]div", "divide"),
    (r"v(div|sqrt)", "float_divide"),
    (r"v(fn?m|n?ml)[as]", "float_accumulate"),
)
_KINDS = tuple((re.compile(pattern), kind) for pattern, kind in _CLASSES)


def kind_of(instruction: Instruction) -> str:
    """The class of an instruction; "plain" takes 1 cycle."""
    for pattern, kind in _KINDS:
        if pattern.match(instruction.mnemonic):
            return kind
    return "plain"


def cost(costs: Costs, instruction: Instruction, before: Instruction | None) -> int:
    """The cycles of ``instruction`` when ``before`` came right before it; no branch is taken."""
    kind = kind_of(instruction)
    if kind in ("multiple", "double"):
        return 1 + (instruction.registers or 2)
    if kind == "store" and re.search(r"\[[^]]*, [a-z]", instruction.operands):
        kind = "store_indexed"
    cycles = int(getattr(costs, kind, 1))
    if kind not in _SINGLE or before is None or not _feeds_address(before, instruction):
        follows = kind in _SINGLE and before is not None and kind_of(before) == "load"
        return cycles - (follows and costs.pipelined and cycles > 1)
    return cycles + (costs.address_stall if kind_of(before) in _COMPUTED else 0)


_SINGLE = ("load", "store", "store_indexed")
_COMPUTED = ("plain", "multiply_accumulate")


def _feeds_address(before: Instruction, instruction: Instruction) -> bool:
    """Whether ``before`` writes a register that ``instruction`` makes its address of."""
    if re.match(r"(cmp|cmn|tst|teq|b|cb|it|nop|str|v)", before.mnemonic):
        return before.mnemonic.startswith("bi") and _written_in_address(before, instruction)
    return _written_in_address(before, instruction)


def _written_in_address(before: Instruction, instruction: Instruction) -> bool:
    written = before.operands.split(",")[0].strip()
    address = instruction.operands.partition("[")[2]
    return bool(written) and bool(re.search(rf"\b{re.escape(written)}\b", address))


def refill(costs: Costs, instruction: Instruction) -> int:
    """What ``instruction`` takes more where it goes on at another place than behind it."""
    pops = instruction.mnemonic.startswith(("pop", "ldm")) and costs.linked > costs.taken
    return costs.linked if pops or re.match(r"bl$", instruction.mnemonic) else costs.taken


@dataclass(frozen=True)
class Timing:
    """What a run of instructions in a row takes."""

    straight: int
    leaving: int
    """How much more where another place than the one behind it follows."""


def timing(
    costs: Costs, code: Mapping[int, Instruction], start: int, end: int, count: int
) -> Timing:
    """The cycles of the ``count`` instructions from address ``start`` to ``end``."""
    block = [code[address] for address in range(start, end, 2) if address in code]
    if len(block) != count:
        raise ValueError(f"{len(block)} instructions at {start:#x}, and {count} ran")
    befores = [None, *block[:-1]]
    straight = sum(
        cost(costs, instruction, before) for instruction, before in zip(block, befores, strict=True)
    )
    return Timing(straight, refill(costs, block[-1]))
