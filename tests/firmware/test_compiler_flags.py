"""The DSP kernels, compiled by other flags than the boards': some assembly takes all registers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.compiler.ir.goal import Goal
from tests.builders.every_kernel import CORTEX_M4 as ARCHITECTURE
from tests.builders.every_kernel import Sample, samples
from tests.firmware.kernel_program import CORTEX_M4, LINK, array

MAIN = """
#include <stdio.h>
#include <string.h>
extern void _start(void);
extern unsigned stack_top;
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {
    &stack_top, (const void *)_start};

int main(void) {
    *(volatile unsigned *)0xE000ED88u |= 0xFu << 20;
"""
RUN = """
    for (unsigned i = 0; i < {count}; i++) {{
        memcpy({name}_input(), {name}_given + i * {input_bytes}, {input_bytes});
        {name}_invoke();
        if (memcmp({name}_output(), {name}_expected + i * {output_bytes}, {output_bytes}) != 0) {{
            puts("{name}");
        }}
    }}
"""


def made() -> tuple[Sample, ...]:
    return samples(ARCHITECTURE, Goal.SPEED)


def main() -> str:
    """A program that names the models of which a byte is not TensorFlow Lite Micro's."""
    parts, runs = [], []
    for sample in made():
        name = sample.made.name
        given = sample.inputs.reshape(len(sample.inputs), -1)
        parts += [f'#include "{name}.h"', array(f"{name}_given", given),
                  array(f"{name}_expected", sample.expected)]  # fmt: skip
        runs.append(RUN.format(name=name, count=len(given), input_bytes=given.shape[1],
                               output_bytes=sample.expected.shape[1]))  # fmt: skip
    ends = ['puts("done");', "return 0;", "}"]
    return "\n".join(["#include <stdint.h>", *parts, MAIN, *runs, *ends])


@pytest.mark.parametrize("level", ["-O0", "-O1"])
def test_with_a_frame_pointer_they_give_tflms_bytes(
    level: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    for sample in made():
        sample.made.write(tmp_path)
    (tmp_path / "link.ld").write_text(LINK)
    (tmp_path / "main.c").write_text(main())
    names = sorted(path.name for path in tmp_path.glob("*.c"))
    command = ["arm-none-eabi-gcc", *CORTEX_M4, level, "-fno-omit-frame-pointer",
               "--specs=rdimon.specs", "-Tlink.ld", *names, "-o", "all.elf"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    machine = ["-M", "mps2-an386", "-nographic", "-semihosting-config", "enable=on,target=native"]
    qemu = ["qemu-system-arm", *machine, "-kernel", str(tmp_path / "all.elf")]
    found = subprocess.run(qemu, capture_output=True, text=True, timeout=300, check=False)
    assert found.stdout.split() == ["done"], found.stderr
