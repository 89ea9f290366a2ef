"""What an ELF file says of its sections and symbols, against files that compilers make."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.errors import ToolError
from glyphite.host.device.elf import Elf, read_elf

SOURCE = """
    .section .text.f, "ax"
    .type answer.constprop.0, %function
    .size answer.constprop.0, 2
answer.constprop.0:
    .short 0x4770
    .section .rodata.table, "a"
    .type table, %object
    .size table, 3
table:
    .byte 1, 2, 3
    .data
    .type counter, %object
    .size counter, 4
counter:
    .long 7
    .bss
    .type buffer, %object
    .size buffer, 40
buffer:
    .space 40
"""


def assembled(folder: Path, compiler: str, source: str) -> Elf:
    """The object file that the compiler's assembler makes."""
    (folder / "made.s").write_text(source)
    command = [compiler, "-c", "made.s", "-o", "made.o"]
    subprocess.run(command, cwd=folder, check=True)
    return read_elf(folder / "made.o")


@pytest.fixture
def thumb(tmp_path: Path, require_tool: Callable[..., None]) -> Elf:
    """The source above as Thumb code, whose functions' addresses are odd in the file."""
    require_tool("arm-none-eabi-gcc")
    source = f"    .syntax unified\n    .cpu cortex-m4\n    .thumb\n{SOURCE}"
    source = source.replace("answer.constprop.0:", "    .thumb_func\nanswer.constprop.0:")
    return assembled(tmp_path, "arm-none-eabi-gcc", source)


@pytest.fixture
def wide(tmp_path: Path, require_tool: Callable[..., None]) -> Elf:
    """The same for this machine, whose ELF files have 64 bits."""
    require_tool("cc")
    return assembled(tmp_path, "cc", SOURCE.replace("%", "@"))


@pytest.mark.parametrize("form", ["thumb", "wide"])
def test_objects_and_functions_are_named_with_what_they_take(
    form: str, request: pytest.FixtureRequest
) -> None:
    elf: Elf = request.getfixturevalue(form)
    found = {symbol.name: symbol for symbol in elf.symbols}
    sizes = {name: symbol.size for name, symbol in found.items()}
    assert sizes == {"buffer": 40, "counter": 4, "table": 3, "answer.constprop.0": 2}
    assert list(sizes) == ["buffer", "counter", "table", "answer.constprop.0"], "largest first"
    stored = {name for name, symbol in found.items() if symbol.section.stored}
    writable = {name for name, symbol in found.items() if symbol.section.writable}
    assert stored == {"answer.constprop.0", "table", "counter"}
    assert writable == {"counter", "buffer"}


def test_the_digest_is_of_what_the_board_stores(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Names that a debugger is told, such as that of a temporary folder, do not change it."""
    require_tool("cc")
    source = SOURCE.replace("%", "@")
    digest = assembled(tmp_path, "cc", source).digest
    assert re.fullmatch(r"[0-9a-f]{64}", digest)
    assert assembled(tmp_path, "cc", f'.file "another.c"\n{source}').digest == digest
    assert (
        assembled(tmp_path, "cc", source.replace(".byte 1, 2, 3", ".byte 1, 2, 4")).digest != digest
    )
    assert assembled(tmp_path, "cc", source.replace(".space 40", ".space 44")).digest == digest


def test_a_function_that_gcc_specialised_is_found_by_its_name(thumb: Elf) -> None:
    found = thumb.function("answer")
    assert found is not None
    assert found.is_function
    assert thumb.function("table") is None
    assert thumb.function("constprop") is None


def test_a_thumb_functions_address_is_where_its_code_lies(thumb: Elf) -> None:
    found = thumb.function("answer")
    assert found is not None
    assert found.address == 0


@pytest.mark.parametrize("place", [0, 5])
def test_a_big_endian_file_and_one_that_is_no_elf_are_refused(
    wide: Elf, tmp_path: Path, place: int
) -> None:
    content = bytearray((tmp_path / "made.o").read_bytes())
    assert wide.sections
    content[place] = 2
    (tmp_path / "other.o").write_bytes(content)
    with pytest.raises(ToolError, match=r"no little-endian ELF header.*Build it again"):
        read_elf(tmp_path / "other.o")
