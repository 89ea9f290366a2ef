"""A C program around one kernel, run on this machine or on an emulated Cortex-M4."""

import subprocess
from collections.abc import Iterator, Sequence
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

PROGRAM = """
#include <stdio.h>
#include "kernels/{header}"

{arrays}
static const struct glyphite_{kernel} layer = {struct};
static int8_t input[{input_bytes}];
#ifdef __arm__
enum {{ BEHIND = {behind} }}; /* bytes that nobody may write; elsewhere AddressSanitizer watches */
#else
enum {{ BEHIND = 0 }};
#endif
static int8_t output[{output_bytes} + BEHIND];
uint32_t scratch[{scratch_words}];

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
    for (unsigned at = {output_bytes}; at < sizeof output; at++) {{
        output[at] = {mark};
    }}
    for (unsigned i = 0; i < {inputs}; i++) {{
        for (unsigned at = 0; at < sizeof input; at++) {{
            input[at] = tensors[i * sizeof input + at];
        }}
        printf("%u ", timed());
        for (unsigned at = 0; at < {output_bytes}; at++) {{
            printf("%02x", (unsigned char)output[at]);
        }}
        printf("\\n");
    }}
    for (unsigned at = {output_bytes}; at < sizeof output; at++) {{
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
        self.source = folder / "program.c"
        flat = inputs.reshape(len(inputs), -1)
        constants = [*arrays("layer", step.constants), array("tensors", flat)]
        self.source.write_text(
            PROGRAM.format(
                header=step.kernel.header,
                kernel=step.kernel.name,
                arrays="\n".join(constants),
                struct=initializer("layer", step.constants),
                input_bytes=flat.shape[1],
                output_bytes=output_bytes,
                behind=BEHIND,
                mark=MARK,
                scratch_words=max(1, step.scratch_bytes // 4),
                inputs=len(inputs),
                arguments=arguments,
            )
        )

    def native(self) -> NDArray[np.int8]:
        """The outputs (n, bytes), under AddressSanitizer and UndefinedBehaviorSanitizer."""
        program = self.folder / "native"
        self._compile("cc", *SANITIZERS, "-o", str(program))
        return self._outputs([str(program)])[0]

    def emulated(self, *flags: str) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """The outputs, and the instructions of each run, from QEMU's Cortex-M4."""
        (self.folder / "link.ld").write_text(LINK)
        program = self.folder / "program.elf"
        self._compile(
            "arm-none-eabi-gcc", *CORTEX_M4, *(flags or ("-O2",)), "--specs=rdimon.specs",
            f"-T{self.folder / 'link.ld'}", "-o", str(program),
        )  # fmt: skip
        machine = ["-M", "mps2-an386", "-nographic", "-icount", "shift=0"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        command = ["qemu-system-arm", *machine, *semihosting, "-kernel", str(program)]
        outputs, ticks = self._outputs(command)
        return outputs, ticks * INSTRUCTIONS_A_TICK

    def _compile(self, compiler: str, *flags: str) -> None:
        command = [compiler, *WARNINGS, f"-I{SOURCES}", str(self.source), *flags]
        subprocess.run(command, check=True, timeout=60)

    def _outputs(self, command: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        outputs = [np.frombuffer(bytes.fromhex(text), np.int8) for _, text in lines]
        return np.stack(outputs), np.array([int(ticks) for ticks, _ in lines], np.int64)


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
