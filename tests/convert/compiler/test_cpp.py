"""The C for any processor and the DSP kernels' are C++ as well, and answer the same there."""

import ctypes
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.rows import geometry
from tests.builders.every_kernel import CORTEX_M4, Sample, samples
from tests.builders.kernel_records import records

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
FORMS = (
    ("", Goal.SPEED, False),
    ("", Goal.SIZE, True),
    (CORTEX_M4, Goal.SPEED, False),
    (CORTEX_M4, Goal.SIZE, True),
)
"""Processor, goal, and whether the input comes row by row: together all that the emitter writes."""


def made(architecture: str, goal: Goal, streams: bool) -> tuple[Sample, ...]:
    return samples(architecture, goal, stream=streams)


def sources(folder: Path, form: tuple[str, Goal, bool]) -> list[str]:
    """The names of the files of C, written into ``folder``."""
    for sample in made(*form):
        sample.made.write(folder)
    return sorted(path.name for path in folder.glob("*.c"))


def complaints(folder: Path, *command: str) -> tuple[int, str]:
    """A compiler's exit code, and what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def answers(library: ctypes.CDLL, sample: Sample) -> Iterator[bytes]:
    """The output for each input, by the model of the sample's prefix."""
    name, expected = sample.made.name, sample.expected[0]
    output = getattr(library, f"{name}_output")
    take = getattr(library, f"{name}_row" if sample.made.plan.streamed_input else f"{name}_input")
    output.restype = take.restype = ctypes.c_void_p
    for tensor in sample.inputs:
        if sample.made.plan.streamed_input:
            getattr(library, f"{name}_begin")()
            for row in tensor.reshape(geometry(sample.made.edges[0])[0], -1):
                ctypes.memmove(take(), row.tobytes(), row.nbytes)
                getattr(library, f"{name}_take_row")()
        else:
            ctypes.memmove(take(), tensor.tobytes(), tensor.nbytes)
            getattr(library, f"{name}_invoke")()
        yield ctypes.string_at(output(), expected.nbytes)


def test_the_samples_use_every_kernel_but_the_avrs() -> None:
    used = {step.kernel for form in FORMS for s in made(*form) for step in s.made.program.steps}
    assert used == {kernel for kernel in records().values() if kernel.folder != "avr"}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_c_compiled_as_cpp_gives_tflms_bytes(
    form: tuple[str, Goal, bool], tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("g++")
    names = sources(tmp_path, form)
    command = ("g++", "-x", "c++", "-std=c++11", "-O0", "-shared", "-fPIC", *WARNINGS)
    assert complaints(tmp_path, *command, *names, "-o", "all.so") == (0, "")
    library = ctypes.CDLL(str(tmp_path / "all.so"))
    for sample in made(*form):
        expected = [np.asarray(row).tobytes() for row in sample.expected]
        assert list(answers(library, sample)) == expected, sample.made.layers


def test_it_is_cpp_of_2020_for_arm_too(tmp_path: Path, require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-g++")
    command = ("arm-none-eabi-g++", "-x", "c++", "-std=c++20", "-mcpu=cortex-m4", "-mthumb")
    names = sources(tmp_path, FORMS[2])
    assert complaints(tmp_path, *command, *WARNINGS, "-fsyntax-only", *names) == (0, "")
