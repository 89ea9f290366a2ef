"""A C program around one AVR kernel, run on a bare emulated chip that counts cycles."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import RowWindow
from glyphite.convert.compiler.ir.struct import Struct, flat, members
from glyphite.convert.compiler.targets.avr.conv_2d import AvrConv2DConstants
from glyphite.convert.compiler.targets.avr.conv_2d_pair import AvrConv2DPairConstants
from tests.firmware.kernel_program import SOURCES, WARNINGS

CHIPS = ("atmega328p", "atmega2560")
FLAGS = ("-Os", *WARNINGS, "-std=gnu99")

PROGRAM = """
#include <avr/io.h>
#include "kernels/{header}"

{arrays}
static const GLYPHITE_FAR struct glyphite_{kernel} layer = {struct};
static const __flash int8_t under[{turns} * {pointers}] = {{{under}}};
static int8_t input[{height} * {row_bytes}], output[{turns} * {output_bytes}];

static void run(void) {{
    for (uint8_t y = 0; y < {turns}; y++) {{
        const int8_t *rows[{pointers}];
        for (uint8_t i = 0; i < {pointers}; i++) {{
            const int8_t row = under[y * {pointers} + i];
            rows[i] = row < 0 ? NULL : input + row * {row_bytes};
        }}
        glyphite_{kernel}_row(&layer, rows, output + y * {output_bytes});
    }}
}}

int main(void) {{
    for (uint16_t i = 0; i < {inputs}; i++) {{
        for (uint16_t at = 0; at < sizeof input; at++) {{
            input[at] = (int8_t)GPIOR1;
        }}
        GPIOR0 = 1;
        run();
        GPIOR0 = 2;
        for (uint16_t at = 0; at < sizeof output; at++) {{
            GPIOR1 = (uint8_t)output[at];
        }}
    }}
    GPIOR0 = 3;
    return 0;
}}
"""


def chip(folder: Path) -> Path:
    """The emulator, compiled into ``folder``."""
    program = folder / "avr_chip"
    source = Path(__file__).with_name("avr_chip.c")
    flags = ("-D_GNU_SOURCE", "-I/usr/include/simavr", "-O2")
    command = ["cc", *flags, "-o", str(program), str(source), "-lsimavr"]
    subprocess.run(command, check=True)
    return program


class AvrProgram:
    """A step by an AVR's convolution over whole input tensors (n, height, row_bytes)."""

    def __init__(
        self, folder: Path, step: Step, tensors: NDArray[np.int8], output_bytes: int
    ) -> None:
        self.folder = folder
        self.tensors = tensors
        height = tensors.shape[1] if tensors.ndim == 4 and step.rows else 1
        window = step.rows.windows[0] if step.rows else RowWindow(1)
        assert window is not None
        conv = step.constants
        assert isinstance(conv, AvrConv2DConstants | AvrConv2DPairConstants)
        turns = output_bytes // (conv.output_width * conv.output_channels)
        under = [[-1 if row is None else row for row in window.under(y)] for y in range(turns)]
        self.source = folder / "program.c"
        self.source.write_text(
            PROGRAM.format(
                header=step.kernel.header,
                kernel=step.kernel.name,
                arrays="\n".join(_arrays(conv)),
                struct=_initializer(conv),
                turns=turns,
                pointers=window.count,
                under=", ".join(str(row) for rows in under for row in rows),
                height=height,
                row_bytes=tensors[0].size // height,
                output_bytes=output_bytes // turns,
                inputs=len(tensors),
            )
        )

    def run(
        self, emulator: Path, mcu: str, sources: Path = SOURCES
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """The outputs (n, bytes), and the cycles of each, by the kernels below ``sources``."""
        program = self.folder / f"{mcu}.elf"
        flags = [*FLAGS, f"-I{sources}", f"-mmcu={mcu}"]
        subprocess.run(["avr-gcc", *flags, str(self.source), "-o", str(program)], check=True)
        done = subprocess.run(
            [str(emulator), mcu, str(program)], input=self.tensors.tobytes(),
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        outputs = np.frombuffer(done.stdout, np.int8).reshape(len(self.tensors), -1)
        return outputs, np.array(done.stderr.split(), np.int64)


def _arrays(conv: Struct) -> list[str]:
    (weights,) = (field.value for field in flat(conv) if field.name == "weights")
    parts = weights if isinstance(weights, tuple) else (np.asarray(weights),)
    return [
        f"static const GLYPHITE_FAR uint8_t weights_{i}[{len(part)}] = "
        f"{{{', '.join(map(str, part.tolist()))}}};"
        for i, part in enumerate(parts)
    ]


def _initializer(conv: Struct) -> str:
    parts = []
    for name, value in members(conv):
        if isinstance(value, tuple):
            text = "{" + ", ".join(f"weights_{i}" for i in range(len(value))) + "}"
        elif isinstance(value, np.ndarray):
            text = "weights_0"
        else:
            text = _initializer(value) if isinstance(value, Struct) else str(value)
        parts.append(f".{name} = {text}")
    return "{" + ", ".join(parts) + "}"
