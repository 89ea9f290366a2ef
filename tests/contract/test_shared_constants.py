"""Constants that the Python and the C have in common, as their compilers and Python find them."""

import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from glyphite.convert.shipped import FIRMWARE

SOURCES = FIRMWARE / "library" / "Glyphite" / "src"
EXAMPLE = SOURCES / "uno" / "portable"
"""Where a model.h lies that the templates made."""

COMPILERS = {
    "cc": ("cc", "objcopy"),
    "avr": ("avr-gcc -mmcu=atmega328p", "avr-objcopy"),
}
PROGRAM = """
#include <stdint.h>
#include "{header}"
__attribute__((section(".found"), used)) const int32_t found = {expression};
"""


@dataclass(frozen=True)
class Shared:
    """A constant of a C header and of a Python module."""

    header: str
    expression: str
    python: str
    """By its dotted path below ``glyphite``, which only the test imports."""
    compiler: str = "cc"

    def __str__(self) -> str:
        return f"{self.expression} = {self.python}"


COMPILER = "convert.compiler"
SHARED = [
    Shared("kernels/portable/arithmetic.h", "GLYPHITE_ARITHMETIC_SHIFT",
           f"{COMPILER}.ops._arithmetic.SHIFT"),
    Shared("kernels/portable/arithmetic.h", "GLYPHITE_ARITHMETIC_SHIFT",
           f"{COMPILER}.targets.dsp.add.INPUT_SHIFT"),
    Shared("kernels/window.h", "GLYPHITE_WINDOW_ROWS", f"{COMPILER}.ops._window.MOST_WINDOW_ROWS"),
    Shared("kernels/avr/conv_2d.h", "GLYPHITE_PARTS",
           f"{COMPILER}.targets.avr.conv_2d.MOST_PARTS", "avr"),
    Shared("kernels/dsp/block.h", "GLYPHITE_BLOCK_SHIFT",
           f"{COMPILER}.targets.dsp.requantize.COMMON_SHIFT"),
    Shared("kernels/dsp/image.h", "GLYPHITE_IMAGE_BELOW",
           f"{COMPILER}.targets.dsp.depthwise_conv_2d_image.IMAGE_BELOW"),
    Shared("kernels/dsp/patch.h", "GLYPHITE_LOWERED", f"{COMPILER}.targets.dsp.patch.LOWERED"),
    Shared("kernels/dsp/conv_2d.h", "GLYPHITE_BLOCK_PIXELS",
           f"{COMPILER}.targets.dsp.block.MOST_PIXELS"),
    Shared("glyphite_wire.h", "GLYPHITE_TEXT_BYTES", "host.device.wire.protocol.TEXT_BYTES"),
    Shared("glyphite_wire.h", "GLYPHITE_TEXT_BYTES - 1", f"{COMPILER}.emit.text.MODEL_NAME_BYTES"),
    Shared("glyphite_wire.h", "GLYPHITE_RANK_MAX", "host.device.wire.protocol.RANK_MAX"),
    Shared("glyphite_wire.h", "GLYPHITE_RANK_MAX", "convert.export.tflm_graph.MOST_AXES"),
]  # fmt: skip


def in_c(folder: Path, shared: Shared) -> int:
    """The value that the compiler gives the expression."""
    compiler, objcopy = COMPILERS[shared.compiler]
    source = PROGRAM.format(header=shared.header, expression=shared.expression)
    (folder / "found.c").write_text(source)
    includes = [f"-I{path}" for path in (SOURCES, EXAMPLE)]
    for command in (
        [*compiler.split(), "-std=gnu99", *includes, "-c", "found.c"],
        [objcopy, "-O", "binary", "-j", ".found", "found.o", "found.bin"],
    ):
        subprocess.run(command, cwd=folder, check=True, timeout=60)
    (value,) = struct.unpack("<i", (folder / "found.bin").read_bytes())
    return int(value)


def in_python(shared: Shared) -> int:
    """The value that the Python module gives the name."""
    module, _, name = f"glyphite.{shared.python}".rpartition(".")
    return int(getattr(import_module(module), name))


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "objcopy", "avr-gcc", "avr-objcopy")


@pytest.mark.parametrize("shared", SHARED, ids=str)
def test_python_and_c_have_one_value(tmp_path: Path, shared: Shared) -> None:
    assert in_c(tmp_path, shared) == in_python(shared)


def test_a_generated_model_is_of_the_library_s_version(tmp_path: Path) -> None:
    versions = [
        in_c(tmp_path, Shared(header, name, ""))
        for header, name in (
            ("model.h", "MODEL_API"),
            ("glyphite_model.h", "GLYPHITE_MODEL_API"),
        )
    ]
    assert versions[0] == versions[1]
