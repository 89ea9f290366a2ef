"""The library is made for an Arduino Uno: it compiles for its chip, and leaves RAM for a model."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.shipped import FIRMWARE
from glyphite.host.device.build import WARNINGS
from tests.builders.compilers import warnings_of

LIBRARY = FIRMWARE / "library" / "Glyphite"
SOURCES = sorted((LIBRARY / "src").glob("*.c"))
TINY = Path(__file__).parent / "tiny"
DOUBLES = Path(__file__).parents[1] / "doubles" / "arduino"
UNO = ("-mmcu=atmega328p", "-Os", f"-I{LIBRARY / 'src'}", f"-I{TINY}")

PROGRAM = """
#include "model.h"
#include "Glyphite.h"
GLYPHITE_COMPILED_MODEL(model);
static uint32_t ticks(void) { return 0; }
static const struct glyphite_board board GLYPHITE_CONST = {"uno", 16000000, 1000000, 64, ticks};
struct glyphite_application application;
int main(void) {
    glyphite_begin(&application, &model, &board);
    for (uint8_t byte = 0;; byte++) {
        glyphite_sink(&application, byte);
        glyphite_poll(&application, &byte);
    }
}
"""


def run(*command: object) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def avr(require_tool: Callable[..., None]) -> None:
    require_tool("avr-gcc", "avr-nm", "avr-size")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_source_compiles_for_an_uno_without_a_warning(
    avr: None, source: Path, tmp_path: Path
) -> None:
    command = ["avr-gcc", *UNO, *WARNINGS, "-c", str(source), "-o", "object.o"]
    assert warnings_of(command, tmp_path) == ""


def test_the_application_takes_less_than_100_bytes_of_an_unos_ram(
    avr: None, tmp_path: Path
) -> None:
    """State and cached scores; and no constant has slipped into RAM, so .data is empty."""
    program, image = tmp_path / "program.c", tmp_path / "program.elf"
    program.write_text(PROGRAM)
    run("avr-gcc", *UNO, *WARNINGS, program, *SOURCES, TINY / "model.c", "-o", image)
    symbols = run("avr-nm", "-S", image)
    sizes = {name: int(size, 16) for size, name in re.findall(r"\S+ (\w+) [bBdD] (\S+)", symbols)}
    assert sizes["application"] + sizes["model_scores"] < 100
    assert sizes["model_arena"] == 300
    table = run("avr-size", "-A", image)
    data = re.search(r"^\.data\s+(\d+)", table, re.MULTILINE)
    bss = re.search(r"^\.bss\s+(\d+)", table, re.MULTILINE)
    assert data is None or data[1] == "0"
    assert bss is not None
    assert int(bss[1]) < 300 + 100


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_core_knows_neither_arduino_nor_stdio(source: Path) -> None:
    included = re.findall(r"#include <(.*)>", source.read_text())
    assert set(included) <= {"stddef.h", "string.h"}


def test_the_sketch_is_c_plus_plus_that_the_unos_compiler_takes(
    avr: None, require_tool: Callable[..., None], tmp_path: Path
) -> None:
    require_tool("avr-g++")
    (tmp_path / "Arduino.h").write_text(
        "#include <stdint.h>\n"
        "struct Line { void begin(long); int available(); int read(); void write(uint8_t); };\n"
        "extern Line Serial;\n"
        "unsigned long micros();\n"
    )
    sketch = LIBRARY / "examples" / "classify" / "classify.ino"
    flags = ("-std=gnu++11", "-Wall", "-Wextra", "-Werror", "-DF_CPU=16000000L")
    include = (f"-I{tmp_path}", "-include", "Arduino.h", "-x", "c++", "-c")
    command = ["avr-g++", *UNO, *flags, *include, str(sketch), "-o", "sketch.o"]
    assert warnings_of(command, tmp_path) == ""
