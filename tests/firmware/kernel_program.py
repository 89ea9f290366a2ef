"""A C program around one kernel, run on this machine or on an emulated Cortex-M4."""

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.struct import Struct, members
from glyphite.convert.shipped import FIRMWARE

SOURCES = FIRMWARE / "library" / "Glyphite" / "src"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
INSTRUCTIONS_A_TICK = 40
"""Of SysTick on QEMU's mps2-an386 with -icount shift=0."""
BEHIND = 64
"""Bytes behind the output that must stay MARK on the emulated processor."""
MARK = 90

HEADER = """
#include <stdio.h>
#include "kernels/{header}"

#ifdef __arm__
enum {{ BEHIND = {behind} }}; /* bytes that nobody may write; elsewhere AddressSanitizer watches */
#else
enum {{ BEHIND = 0 }};
#endif
"""

DATA = """
{arrays}
{storage}const struct glyphite_{kernel} layer = {struct};
{storage}const unsigned input_bytes = {input_bytes}, output_bytes = {output_bytes};
{storage}const unsigned inputs = {inputs};
{storage}int8_t input[{input_bytes}];
{storage}int8_t output[{output_bytes} + BEHIND];
uint32_t scratch[{scratch_words}];
"""

DECLARED = """
extern const struct glyphite_{kernel} layer;
extern const unsigned input_bytes, output_bytes, inputs;
extern const int8_t tensors[];
extern int8_t input[], output[];
extern uint32_t scratch[];
"""

MAIN = """
#ifdef __arm__
static volatile unsigned *const systick = (volatile unsigned *)0xE000E010u;
extern void _start(void);
extern unsigned stack_top;
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {{
    &stack_top, (const void *)_start}};
#endif

__attribute__((noinline)) static void run(void) {{
    glyphite_{kernel}(&layer, {arguments});
}}

static unsigned timed(void) {{
#ifdef __arm__
    systick[1] = 0xFFFFFF;
    systick[2] = 0;
    systick[0] = 5;
    run();
    return 0xFFFFFF - systick[2];
#else
    run();
    return 0;
#endif
}}

int main(void) {{
#ifdef __arm__
    *(volatile unsigned *)0xE000ED88u |= 0xFu << 20;
    setvbuf(stdout, NULL, _IOFBF, 4096);
#endif
    for (unsigned at = output_bytes; at < output_bytes + BEHIND; at++) {{
        output[at] = {mark};
    }}
    for (unsigned i = 0; i < inputs; i++) {{
        for (unsigned at = 0; at < input_bytes; at++) {{
            input[at] = tensors[i * input_bytes + at];
        }}
        printf("%u ", timed());
        for (unsigned at = 0; at < output_bytes; at++) {{
            printf("%02x", (unsigned char)output[at]);
        }}
        printf("\\n");
    }}
    for (unsigned at = output_bytes; at < output_bytes + BEHIND; at++) {{
        if (output[at] != {mark}) {{
            fputs("bytes behind the output are written", stderr);
            return 1;
        }}
    }}
    return 0;
}}
"""

LINK = """
ENTRY(_start)
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M RAM (rw) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
    .text : {
        KEEP(*(.vectors)) *(.text .text.* .rodata .rodata.*) KEEP(*(.init)) KEEP(*(.fini))
    } > FLASH
    .ARM.exidx : { __exidx_start = .; *(.ARM.exidx*) __exidx_end = .; } > FLASH
    .init_array : { KEEP(*(.init_array*)) } > FLASH
    .data : { *(.data .data.*) } > RAM
    .bss : { __bss_start__ = .; *(.bss .bss.* COMMON) __bss_end__ = .; } > RAM
    end = .;
    __end__ = .;
    __HeapLimit = ORIGIN(RAM) + LENGTH(RAM) - 64K;
    stack_top = ORIGIN(RAM) + LENGTH(RAM);
    __stack = stack_top;
}
"""


class KernelProgram:
    """A step's kernel over inputs (n, ...), each giving ``output_bytes``."""

    def __init__(
        self,
        folder: Path,
        step: Step,
        inputs: NDArray[np.int8],
        output_bytes: int,
        arguments: str = "input, output, scratch",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._arguments = arguments
        self._step = step
        flat = inputs.reshape(len(inputs), -1)
        self._data = {
            "struct": initializer("layer", step.constants),
            "input_bytes": flat.shape[1],
            "output_bytes": output_bytes,
            "scratch_words": max(1, step.scratch_bytes // 4),
            "inputs": len(inputs),
            "kernel": step.kernel.name,
        }
        self._arrays = [array("tensors", flat), *arrays("layer", step.constants)]

    def native(self) -> NDArray[np.int8]:
        """The outputs (n, bytes), under AddressSanitizer and UndefinedBehaviorSanitizer.

        The kernel is compiled once for all programs around it: that takes ten times as long as the
        data, and without optimization it is the same code for all of them.
        """
        program, data = self.folder / "native", self.folder / "data.c"
        data.write_text(self._header() + self._definitions(""))
        kernel = sanitized(self._step.kernel.header, self._step.kernel.name, self._arguments)
        compile_c("cc", *SANITIZERS, str(data), str(kernel), "-o", str(program))
        return self._outputs([str(program)])[0]

    def emulated(self, *flags: str) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """The outputs, and the instructions of each run, from QEMU's Cortex-M4."""
        (self.folder / "link.ld").write_text(LINK)
        program = self.folder / "program.elf"
        source = self.folder / "program.c"
        main = MAIN.format(kernel=self._step.kernel.name, arguments=self._arguments, mark=MARK)
        source.write_text(self._header() + self._definitions("static ") + main)
        compile_c(
            "arm-none-eabi-gcc", *CORTEX_M4, *(flags or ("-O2",)), "--specs=rdimon.specs",
            f"-T{self.folder / 'link.ld'}", str(source), "-o", str(program),
        )  # fmt: skip
        machine = ["-M", "mps2-an386", "-nographic", "-icount", "shift=0"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        command = ["qemu-system-arm", *machine, *semihosting, "-kernel", str(program)]
        outputs, ticks = self._outputs(command)
        return outputs, ticks * INSTRUCTIONS_A_TICK

    def _header(self) -> str:
        return HEADER.format(header=self._step.kernel.header, behind=BEHIND)

    def _definitions(self, storage: str) -> str:
        """The data; ``storage`` is empty where another file of C is to see it."""
        arrays = "\n".join(text.replace("static ", storage, 1) for text in self._arrays)
        return DATA.format(storage=storage, arrays=arrays, **self._data)

    def _outputs(self, command: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        outputs = [np.frombuffer(bytes.fromhex(text), np.int8) for _, text in lines]
        return np.stack(outputs), np.array([int(ticks) for ticks, _ in lines], np.int64)


@cache
def sanitized(header: str, kernel: str, arguments: str) -> Path:
    """The object file of a program without its data, for this PC and under the sanitizers."""
    folder = Path(tempfile.mkdtemp(prefix="glyphite-kernel-"))
    atexit.register(shutil.rmtree, folder)
    source = folder / "kernel.c"
    main = MAIN.format(kernel=kernel, arguments=arguments, mark=MARK)
    source.write_text(
        HEADER.format(header=header, behind=BEHIND) + DECLARED.format(kernel=kernel) + main
    )
    compile_c("cc", *SANITIZERS, "-c", str(source), "-o", str(source.with_suffix(".o")))
    return source.with_suffix(".o")


def compile_c(compiler: str, *arguments: str) -> None:
    """Compile with every warning an error."""
    subprocess.run([compiler, *WARNINGS, f"-I{SOURCES}", *arguments], check=True)


def array(name: str, values: NDArray[Any]) -> str:
    """A constant array's definition."""
    text = ", ".join(map(str, values.ravel().tolist()))
    return f"static const {values.dtype.name}_t {name}[{values.size}] = {{{text}}};"


def arrays(prefix: str, constants: Struct) -> Iterator[str]:
    """The definitions of all arrays in a struct."""
    for name, value in members(constants):
        if isinstance(value, Struct):
            yield from arrays(f"{prefix}_{name}", value)
        elif isinstance(value, np.ndarray):
            yield array(f"{prefix}_{name}", value)


def initializer(prefix: str, constants: Struct) -> str:
    """A struct's initializer."""
    parts = []
    for name, value in members(constants):
        if isinstance(value, Struct):
            text = initializer(f"{prefix}_{name}", value)
        else:
            text = f"{prefix}_{name}" if isinstance(value, np.ndarray) else str(value)
        parts.append(f".{name} = {text}")
    return "{" + ", ".join(parts) + "}"
