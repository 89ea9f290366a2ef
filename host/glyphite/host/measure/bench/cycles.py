"""A model of a processor's cycles: the cost of each instruction, from Arm's own tables.

The tables are those of the instruction set in the Technical Reference Manuals of the Cortex-M4
(tables 3-1 and 7-1), Cortex-M3 and Cortex-M0 (table 3-1 in each), and what the first two say under
"Load/store timings": an access overlaps with the load before it, and an address that the
instruction before has computed costs a cycle. Memory has no wait states. Arm publishes no such
table for the Cortex-M7, which often completes two instructions in a cycle, nor for the M33: both
are modelled as the M4.

Where the manual gives a range, the model takes its upper end (a divide takes 12 cycles), except
for the refill of the pipeline after a branch that is taken: 2 of 1 to 3. An instruction that its
condition skips costs as much as if it ran.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glyphite.host.measure.bench.code import Instruction


@dataclass(frozen=True)
class Costs:
    """The cycles of a processor's instructions; those that are not named here take 1."""

    name: str
    taken: int = 2
    """What a branch that is taken costs beside its 1."""
    linked: int = 2
    """The same for BL, and for POP into the program counter."""
    load: int = 2
    store: int = 1
    store_indexed: int = 2
    """With a register as the offset."""
    pipelined: bool = True
    """A load or store right after a load takes 1 less, unless its address depends on that load."""
    address_stall: int = 1
    """What a load or store costs more if the instruction before it has computed its address."""
    table: int = 4
    """A branch by a table of offsets, without the refill."""
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
    """The cycles of the processor of an architecture, such as "armv7-m"; by default the M4's."""
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
    """The class of an instruction, a field of ``Costs``; "plain" takes 1 cycle."""
    for pattern, kind in _KINDS:
        if pattern.match(instruction.mnemonic):
            return kind
    return "plain"


def cost(costs: Costs, instruction: Instruction, before: Instruction | None) -> int:
    """The cycles of ``instruction`` right after ``before``, without a refill of the pipeline."""
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
    """Whether ``before`` writes a register of the address that ``instruction`` accesses."""
    if re.match(r"(cmp|cmn|tst|teq|b|cb|it|nop|str|v)", before.mnemonic):
        return before.mnemonic.startswith("bi") and _written_in_address(before, instruction)
    return _written_in_address(before, instruction)


def _written_in_address(before: Instruction, instruction: Instruction) -> bool:
    written = before.operands.split(",")[0].strip()
    address = instruction.operands.partition("[")[2]
    return bool(written) and bool(re.search(rf"\b{re.escape(written)}\b", address))


def refill(costs: Costs, instruction: Instruction) -> int:
    """What ``instruction`` costs more where it branches: the refill of the pipeline."""
    pops = instruction.mnemonic.startswith(("pop", "ldm")) and costs.linked > costs.taken
    return costs.linked if pops or re.match(r"bl$", instruction.mnemonic) else costs.taken


@dataclass(frozen=True)
class Timing:
    """The cycles of instructions that run one after the other."""

    straight: int
    leaving: int
    """The cycles to add where the last one branches."""


def timing(
    costs: Costs, code: Mapping[int, Instruction], start: int, end: int, count: int
) -> Timing:
    """The cycles of the ``count`` instructions from address ``start`` to before ``end``.

    Raises ValueError where ``code`` has another number of instructions there.
    """
    block = [code[address] for address in range(start, end, 2) if address in code]
    if len(block) != count:
        raise ValueError(f"{len(block)} instructions at {start:#x}, and {count} ran")
    befores = [None, *block[:-1]]
    straight = sum(
        cost(costs, instruction, before) for instruction, before in zip(block, befores, strict=True)
    )
    return Timing(straight, refill(costs, block[-1]))
