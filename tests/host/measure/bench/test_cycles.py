"""Machine code is read as binutils print it, and costs what Arm's manuals say."""

import pytest

from glyphite.host.measure.bench.code import Instruction, parse
from glyphite.host.measure.bench.cycles import M0, M3, M4, Costs, cost, costs_of, refill, timing

LISTING = """
firmware.elf:     file format elf32-littlearm

00000044 <run_conv_2d_4>:
      44:\tstmdb\tsp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}
      48:\tldr\tr3, [pc, #640]\t@ (2cc <run_conv_2d_4+0x288>)
      4a:\tsub\tsp, #68\t@ 0x44
      4c:\tldrb.w\tr7, [r3, #1]!
      50:\tit\tlt
      52:\tmovlt\tr0, #0
      54:\tbne.n\t4c <run_conv_2d_4+0x8>
      56:\tbx\tlr
      58:\t.word\t0x20000000
"""


def instruction(text: str) -> Instruction:
    mnemonic, _, operands = text.partition(" ")
    return Instruction(0, mnemonic, operands)


def test_a_listing_gives_each_instruction_and_no_data() -> None:
    code = parse(LISTING)
    assert list(code) == [0x44, 0x48, 0x4A, 0x4C, 0x50, 0x52, 0x54, 0x56]
    assert code[0x48] == Instruction(0x48, "ldr", "r3, [pc, #640]")
    assert code[0x4C].mnemonic == "ldrb"
    assert code[0x56] == Instruction(0x56, "bx", "lr")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("push {r4, lr}", 2),
        ("stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}", 9),
        ("pop {r4-r7, pc}", 5),
        ("vpush {d8-d9}", 4),
        ("vldmia r1!, {s16-s17}", 2),
        ("add r1, r2, r3", 0),
    ],
)
def test_a_list_of_registers_is_counted_in_words(text: str, words: int) -> None:
    assert instruction(text).registers == words


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("push {r4, lr}", -8),
        ("stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}", -36),
        ("ldmia sp!, {r4, r5, pc}", 12),
        ("popne {r4, pc}", 8),
        ("vpush {d8}", -8),
        ("vpop {d8-d11}", 32),
        ("sub sp, #68", -68),
        ("subw sp, sp, #1028", -1028),
        ("add sp, sp, #1024", 1024),
        ("str lr, [sp, #-4]!", -4),
        ("strd r4, r5, [sp, #-16]!", -16),
        ("ldr pc, [sp], #4", 4),
        ("str r3, [sp, #20]", 0),
        ("ldr r3, [sp, #20]", 0),
        ("add r7, sp, #52", 0),
        ("mov r7, sp", 0),
        ("cmp sp, r3", 0),
        ("stmia r3!, {r4, r5}", 0),
    ],
)
def test_what_moves_the_stack_pointer_is_known_with_its_bytes(text: str, moved: int) -> None:
    assert instruction(text).stack_bytes == moved


@pytest.mark.parametrize("text", ["mov sp, r7", "sub sp, r3", "add sp, r3", "ldr sp, [r0]"])
def test_what_moves_it_by_a_register_is_not(text: str) -> None:
    assert instruction(text).stack_bytes is None


@pytest.mark.parametrize(
    ("before", "text", "m4", "m3", "m0"),
    [
        (None, "add r1, r2, r3", 1, 1, 1),
        (None, "smlad r1, r2, r3, r1", 1, 1, 1),
        (None, "mul r1, r2, r3", 1, 1, 1),
        (None, "mla r1, r2, r3, r1", 1, 2, 1),
        (None, "smull r1, r2, r3, r4", 1, 5, 1),
        (None, "smlal r1, r2, r3, r4", 1, 7, 1),
        (None, "sdiv r1, r2, r3", 12, 12, 12),
        (None, "it lt", 1, 1, 1),
        (None, "ldrsb r1, [r2, #1]!", 2, 2, 2),
        ("ldrsb r1, [r2, #1]!", "ldrsb r3, [r4, #1]!", 1, 1, 2),
        ("ldr r1, [r2]", "ldr r3, [r1]", 2, 2, 2),
        ("ldr r0, [r1, r2]", "str r0, [r3, #20]", 1, 1, 2),
        ("ldr r0, [r1, r2]", "str r1, [r3, r2]", 1, 1, 2),
        (None, "str r1, [r2, #4]", 1, 1, 2),
        (None, "strb r1, [r2, r3]", 2, 2, 2),
        ("str r0, [r3]", "ldr r1, [r2]", 2, 2, 2),
        ("add r2, r2, #4", "ldr r1, [r2]", 3, 3, 2),
        ("add r2, r2, #4", "str r1, [r2]", 2, 2, 2),
        ("cmp r2, #4", "ldr r1, [r2]", 2, 2, 2),
        ("bic r2, r2, #3", "ldr r1, [r2]", 3, 3, 2),
        (None, "ldrd r1, r2, [r3]", 3, 3, 3),
        (None, "ldmia r1!, {r2, r3, r4}", 4, 4, 4),
        (None, "push {r4, r5, lr}", 4, 4, 4),
        (None, "bne 4c <x>", 1, 1, 1),
        (None, "vmul.f32 s0, s1, s2", 1, 1, 1),
        (None, "vdiv.f32 s0, s1, s2", 14, 14, 14),
        (None, "mls r1, r2, r3, r4", 1, 2, 1),
        (None, "muls r1, r2", 1, 1, 1),
        (None, "mlas r1, r2, r3, r4", 1, 2, 1),
    ],
)
def test_an_instruction_takes_what_the_manual_says(
    before: str | None, text: str, m4: int, m3: int, m0: int
) -> None:
    prior = instruction(before) if before else None
    assert [cost(costs, instruction(text), prior) for costs in (M4, M3, M0)] == [m4, m3, m0]


@pytest.mark.parametrize(
    ("costs", "text", "more"),
    [
        (M4, "bne 4c <x>", 2),
        (M4, "bl 4c <x>", 2),
        (M4, "pop {r4, pc}", 2),
        (M0, "bne 4c <x>", 2),
        (M0, "bl 4c <x>", 3),
        (M0, "pop {r4, pc}", 3),
        (M0, "bx lr", 2),
    ],
)
def test_a_branch_that_is_taken_refills_the_pipeline(costs: Costs, text: str, more: int) -> None:
    assert refill(costs, instruction(text)) == more


def test_a_run_of_instructions_takes_their_sum() -> None:
    found = timing(M4, parse(LISTING), 0x4C, 0x56, 4)
    assert (found.straight, found.leaving) == (2 + 1 + 1 + 1, 2)


def test_a_run_that_the_listing_lacks_is_no_run_of_zero_cycles() -> None:
    with pytest.raises(ValueError, match="3 instructions at 0x50, and 5 ran"):
        timing(M4, parse(LISTING), 0x50, 0x56, 5)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("armv6-m", "cortex-m0"),
        ("armv7-m", "cortex-m3"),
        ("armv7e-m", "cortex-m4"),
        ("armv8-m.main", "cortex-m4"),
    ],
)
def test_an_architecture_has_the_table_of_its_processor_or_the_m4s(
    architecture: str, name: str
) -> None:
    assert costs_of(architecture).name == name
