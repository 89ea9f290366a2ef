"""Runs a mutant's generated C, and holds each byte of its answers against TFLM's.

TensorFlow Lite Micro trusts a file and may end its process, or never end: each model has a process
of its own, forked from one that has it loaded.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.runners.tflm import ARENA_BYTES
from tests.fuzz.compiling import Edge, Outcome

MOST_WORK = 20_000_000
"""Multiplications and moved bytes of a model that is run."""
MOST_SOURCE = 4 << 20
"""Characters of C that are compiled."""
SECONDS = 30
"""For the C compiler, for the generated C, and for TFLM."""
PLAIN = ("-std=c99", "-O1")
SANITIZED = ("-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RANDOM_INPUTS = 3
LARGEST_FLOAT = 3e38
"""Beyond it float32 is infinite, and what TFLM makes of that is not defined."""
MOST_MEMORY = 4 << 30
"""Bytes of address space that TFLM may take."""

HARNESS = """\
#include <stdio.h>
#include "model.h"

int main(void) {
    while (fread(model_input(), 1, MODEL_INPUT_BYTES, stdin) == MODEL_INPUT_BYTES) {
        model_invoke();
        fwrite(model_output(), 1, MODEL_OUTPUT_BYTES, stdout);
    }
    return 0;
}
"""


@dataclass(frozen=True)
class Verdict:
    """What came of a model that compiled.

    ``equal``, ``no oracle``, ``too large``, or a defect: ``C compiler``, ``C run``, ``wrong``.
    """

    kind: str
    text: str = ""


class Oracle:
    """The process that has TFLM loaded."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it."""
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def judge(self, content: bytes, outcome: Outcome, seed: int, *, sanitized: bool) -> Verdict:
        """Whether the generated C answers as TFLM does."""
        try:
            self.pipe.send((content, outcome, seed, sanitized))
            verdict: Verdict = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.stop()
            self.start()
            return Verdict("no oracle", "its process ended")
        return verdict

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()


def _serve(pipe: Connection) -> None:
    from tflite_micro.python.tflite_micro import runtime  # noqa: F401 - loaded before any fork

    while True:
        try:
            content, outcome, seed, sanitized = pipe.recv()
        except EOFError:
            return
        pipe.send(_judged(content, outcome, np.random.default_rng(seed), sanitized))


def _judged(content: bytes, outcome: Outcome, rng: np.random.Generator, sanitized: bool) -> Verdict:
    source = sum(map(len, outcome.files.values()))
    if outcome.work > MOST_WORK or source > MOST_SOURCE:
        return Verdict("too large", f"{outcome.work} steps, {source} characters")
    inputs = _inputs(outcome.edges[0], rng)
    with tempfile.TemporaryDirectory(prefix="glyphite-fuzz-") as folder:
        try:
            answers = _run(Path(folder), outcome, inputs, SANITIZED if sanitized else PLAIN)
        except _DefectError as defect:
            return defect.verdict
    expected = _tflm(content, inputs)
    if isinstance(expected, str):
        return Verdict("no oracle", expected)
    if answers == expected:
        return Verdict("equal")
    pairs = np.frombuffer(answers, np.int8), np.frombuffer(expected, np.int8)
    if len(answers) != len(expected):
        return Verdict("wrong", f"{len(answers)} bytes, and TFLM gives {len(expected)}")
    count = int((pairs[0] != pairs[1]).sum())
    return Verdict("wrong", f"{count} of {len(answers)} bytes differ from TFLM's")


class _DefectError(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.verdict = Verdict(kind, text)


def _inputs(edge: Edge, rng: np.random.Generator) -> NDArray[np.generic]:
    """(n, *shape): both ends, both in turn, and random ones."""
    ends = np.array([-128, 127], np.int8)
    size = int(np.prod(edge.shape))
    rows = [np.full(size, -128), np.full(size, 127), np.resize(ends, size)]
    rows += [rng.integers(-128, 128, size) for _ in range(RANDOM_INPUTS)]
    tensors = np.stack(rows).reshape(-1, *edge.shape)
    if edge.dtype == "float32":
        between = rng.uniform(-1, 1, tensors.shape)
        finite = np.clip((tensors + between) * edge.scale, -LARGEST_FLOAT, LARGEST_FLOAT)
        return np.asarray(finite, np.float32)
    return tensors.astype(np.int8)


def _run(
    folder: Path, outcome: Outcome, inputs: NDArray[np.generic], flags: tuple[str, ...]
) -> bytes:
    """The bytes of all answers of the generated C."""
    for name, text in {**outcome.files, "main.c": HARNESS}.items():
        (folder / name).write_text(text)
    build = [*c_compiler(), *flags, "-o", "model", "main.c", "model.c"]
    try:
        subprocess.run(build, cwd=folder, capture_output=True, check=True, timeout=4 * SECONDS)
    except subprocess.CalledProcessError as error:
        raise _DefectError("C compiler", error.stderr.decode(errors="replace")[:2000]) from error
    except subprocess.TimeoutExpired as error:
        raise _DefectError("too large", "the C compiler takes too long") from error
    try:
        done = subprocess.run(
            [folder / "model"], input=inputs.tobytes(), capture_output=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _DefectError("too large", "the generated C runs too long") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")[:2000]
        raise _DefectError("C run", f"ended with {done.returncode}: {said}")
    return done.stdout


def _tflm(content: bytes, inputs: NDArray[np.generic]) -> bytes | str:
    """The bytes of all answers of TFLM, or why there are none."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _answer(content, inputs, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        answers = pipe.read()
    _, status = os.waitpid(child, 0)
    if status == 0:
        return answers
    if os.WIFSIGNALED(status):
        return f"TFLM ended by signal {os.WTERMSIG(status)}"
    return "TFLM refuses"


def _answer(content: bytes, inputs: NDArray[np.generic], pipe: int) -> None:
    """In the child: run TFLM, write its answers, and never return."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    code = 1
    try:
        from tflite_micro.python.tflite_micro import runtime

        interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
        with os.fdopen(pipe, "wb") as file:
            for tensor in inputs:
                interpreter.set_input(tensor, 0)
                interpreter.invoke()
                file.write(interpreter.get_output(0).tobytes())
        code = 0
    finally:
        os._exit(code)
