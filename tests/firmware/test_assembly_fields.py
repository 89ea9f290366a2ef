"""Assembly finds the fields of its structs by the compiler's offsets, or does not compile."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.targets.avr import conv_2d as avr_conv_2d
from glyphite.convert.compiler.targets.avr import conv_2d_pair
from glyphite.host.runners.tflm import infer
from tests.builders.kernels import Match, only_step, taken
from tests.builders.models import RELU, hard_inputs
from tests.builders.windows import conv_2d
from tests.firmware.avr_program import AvrProgram, chip
from tests.firmware.kernel_program import CORTEX_M4, SOURCES
from tests.strict import absent

AVR = ("avr-gcc", "-mmcu=atmega328p", "-Os", "-std=gnu99")
ARM = ("arm-none-eabi-gcc", *CORTEX_M4, "-O2", "-std=c99")
USERS = {
    "avr/sums.h": ("avr/conv_2d.h", AVR),
    "dsp/block.h": ("dsp/conv_2d.h", ARM),
    "dsp/image_row.h": ("dsp/depthwise_conv_2d_image.h", ARM),
}
"""A header with checks -> the kernel that includes it, and its compiler."""


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "avr-gcc", "arm-none-eabi-gcc")
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent("libsimavr-dev is not installed.")


def changed(folder: Path, header: str, change: Callable[[str], str]) -> Path:
    """A copy of the kernels' sources, one header of it changed."""
    copy = Path(shutil.copytree(SOURCES, folder / "src"))
    before = (copy / "kernels" / header).read_text()
    after = change(before)
    assert after != before
    (copy / "kernels" / header).write_text(after)
    return copy


def fields_turned(struct: str) -> Callable[[str], str]:
    """Turns the order of a struct's fields around."""

    def turn(text: str) -> str:
        found = re.search(rf"struct {struct} {{\n(.*?)\n}};", text, re.DOTALL)
        assert found is not None
        body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
        fields = [line for line in body.splitlines() if line.strip()]
        return text[: found.start(1)] + "\n".join(reversed(fields)) + text[found.end(1) :]

    return turn


@pytest.mark.parametrize(
    ("match", "header", "struct"),
    [
        (avr_conv_2d.match, "avr/conv_2d.h", "glyphite_pixel"),
        (conv_2d_pair.match, "avr/conv_2d_pair.h", "glyphite_pairs"),
        (avr_conv_2d.match, "avr/outputs.h", "glyphite_limits"),
    ],
)
def test_a_kernel_gives_tflms_bytes_in_whatever_order_its_structs_have_their_fields(
    tmp_path: Path, match: Match, header: str, struct: str
) -> None:
    rng = np.random.default_rng(3)
    content, shape = conv_2d(rng, (6, 7, 3), 9, (3, 3), activation=RELU)
    step = taken(match, only_step(content))
    inputs = hard_inputs(rng, shape, 1)
    expected = infer(content, inputs).reshape(len(inputs), -1)
    program = AvrProgram(tmp_path, step, inputs, expected.shape[1])
    sources = changed(tmp_path, header, fields_turned(struct))
    outputs, _ = program.run(chip(tmp_path), "atmega328p", sources)
    np.testing.assert_array_equal(outputs, expected)


def refusal(sources: Path, header: str, compiler: tuple[str, ...]) -> str:
    """What a compiler has to say against the functions of a header."""
    program = f'#include "kernels/{header}"\n'
    if compiler == AVR:  # a function that nobody calls is not looked at
        name = header.removesuffix(".h").replace("/", "_")
        program += f"void *const volatile use = (void *)glyphite_{name}_row;\n"
    command = [*compiler, f"-I{sources}", "-x", "c", "-", "-c", "-o", "/dev/null"]
    done = subprocess.run(
        command, input=program, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("header", "field", "wider"),
    [
        ("avr/conv_2d.h", "uint8_t kept;", "uint16_t kept;"),
        ("avr/conv_2d.h", "uint16_t step; ", "uint32_t step; "),
        ("avr/conv_2d_pair.h", "uint8_t left;", "uint16_t left;"),
        ("avr/conv_2d_pair.h", "uint16_t apart;", "uint8_t apart;"),
    ],
)
def test_a_field_of_another_size_than_the_assembly_reads_is_refused(
    tmp_path: Path, header: str, field: str, wider: str
) -> None:
    assert not refusal(SOURCES, header, AVR)
    sources = changed(tmp_path, header, lambda text: text.replace(field, wider))
    assert "is negative" in refusal(sources, header, AVR)


def moved(struct: str, field: str) -> Callable[[str], str]:
    """Puts a byte before a field of a struct, or behind all."""

    def move(text: str) -> str:
        start = text.index(f"struct {struct} {{")
        end = text.index("};", start)
        pattern = rf"^(?=[^/\n]*\b{field};)" if field else r"\Z"
        body = re.sub(pattern, "    uint8_t moved;\n", text[start:end], flags=re.MULTILINE)
        return text[:start] + body + text[end:]

    return move


@pytest.mark.parametrize(
    ("header", "struct", "field", "check"),
    [
        ("avr/sums.h", "glyphite_run", "skip", "run_skip"),
        ("avr/sums.h", "glyphite_run", "input", "run_input"),
        ("avr/sums.h", "glyphite_run", "count", "run_count"),
        ("avr/sums.h", "glyphite_run", "pages", "run_pages"),
        ("avr/sums.h", "glyphite_run", "", "run_bytes"),
        ("dsp/block.h", "glyphite_block", "output", "block_addend_and_output"),
        ("dsp/image_row.h", "glyphite_image_row", "multiplier", "image_output_and_multiplier"),
        ("dsp/image_row.h", "glyphite_image_row", "addend", "image_multiplier_and_addend"),
    ],
)
def test_a_moved_field_that_assembly_reads_in_passing_is_refused(
    tmp_path: Path, header: str, struct: str, field: str, check: str
) -> None:
    """Where it walks a struct from byte to byte, or loads two fields at once."""
    user, compiler = USERS[header]
    assert not refusal(SOURCES, user, compiler)
    sources = changed(tmp_path, header, moved(struct, field))
    assert f"glyphite_check_{check}" in refusal(sources, user, compiler)


def test_every_check_of_the_headers_is_seen_to_fail_here() -> None:
    checks = {
        name
        for path in (SOURCES / "kernels").rglob("*.h")
        for name in re.findall(r"GLYPHITE_CHECK\((\w+),", path.read_text())
    } - {"name"}
    assert all(f'"{check}"' in Path(__file__).read_text() for check in checks)
    assert len(checks) == 8
