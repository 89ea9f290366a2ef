"""Compiles mutants in a process of its own, within bounds of memory and time."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.errors import ModelError

MOST_MEMORY = 2 << 30
"""Bytes of address space that the compiling process may take."""
MOST_SECONDS = 10
"""Of the processor, for one file."""
PATIENCE = 12 * MOST_SECONDS
"""Seconds of the clock after which a process that neither answers nor computes is ended."""

Compiler = Callable[[bytes, str], Compiled]


@dataclass(frozen=True)
class Edge:
    """The model's input or output."""

    shape: tuple[int, ...]
    dtype: str
    scale: float = 1.0
    """The smallest that floats are quantized to at the input: far more of it, and TFLM's answer is
    not defined."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    kind: str
    """``compiled``, ``refused``, or a defect: ``traceback``, ``memory``, ``hang``, ``crash``,
    ``sentence``."""
    text: str = ""
    """The sentence, or the traceback."""
    seconds: float = 0.0
    """Of the processor."""
    peak_bytes: int = 0
    """Of the process's memory, the interpreter's own included."""
    files: dict[str, str] = field(default_factory=dict)
    """The generated C."""
    edges: tuple[Edge, ...] = ()
    """The model's input and output."""
    work: int = 0
    """Multiplications, bytes moved: how long it will run."""


class CompileWorker:
    """The process; ended and started anew where a file hangs or kills it."""

    def __init__(self, compiler: Compiler = compile_model, seconds: int = MOST_SECONDS) -> None:
        self.compiler = compiler
        self.seconds = seconds
        self.start()

    def start(self) -> None:
        """Start it."""
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, self.compiler, self.seconds), daemon=True
        )
        self.process.start()
        theirs.close()

    def compile(self, content: bytes) -> Outcome:
        """What becomes of a file."""
        try:
            self.pipe.send_bytes(content)
            if self.pipe.poll(PATIENCE):
                outcome: Outcome = self.pipe.recv()
                return outcome
            found = Outcome("hang", f"no answer after {PATIENCE} s", PATIENCE)
        except (EOFError, ConnectionError):
            self.process.join()
            found = self._death(self.process.exitcode)
        self.stop()
        self.start()
        return found

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _death(self, code: int | None) -> Outcome:
        if code == -signal.SIGXCPU:
            return Outcome("hang", f"more than {self.seconds} s of the processor", self.seconds)
        return Outcome("crash", f"the process ended with {code}")


def _serve(pipe: Connection, compiler: Compiler, seconds: int) -> None:
    """Compile what comes, until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    while True:
        try:
            content = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send(_compiled(compiler, content, seconds))


def _compiled(compiler: Compiler, content: bytes, seconds: int) -> Outcome:
    limit_time(seconds)
    _forget_peak()
    began = time.process_time()
    try:
        found = compiler(content, "mutant")
    except ModelError as error:
        outcome = Outcome("refused" if is_sentence(str(error)) else "sentence", str(error))
    except MemoryError:
        outcome = Outcome("memory", traceback.format_exc())
    except Exception:
        outcome = Outcome("traceback", traceback.format_exc())
    else:
        outcome = _answer(found)
    return Outcome(
        outcome.kind,
        outcome.text,
        time.process_time() - began,
        peak(),
        outcome.files,
        outcome.edges,
        outcome.work,
    )


def is_sentence(text: str) -> bool:
    """Whether a refusal is one line that a terminal can show, and ends as a sentence does."""
    return text.isprintable() and text.endswith(".") and len(text) < 1000


def _answer(found: Compiled) -> Outcome:
    graph = found.program.graph
    tensors = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    beside = [graph.output_of(operator) for operator in graph.consumers(graph.inputs[0])]
    found_scales = (tensor.quantization.scale for tensor in beside if tensor.quantization)
    scale = min(found_scales, default=1.0)
    edges = tuple(Edge(tensor.shape, tensor.dtype, scale) for tensor in tensors)
    moved = sum(graph.tensors[step.output].bytes for step in found.program.steps)
    return Outcome("compiled", files=dict(found.files), edges=edges, work=found.macs + moved)


def limit_time(seconds: int) -> None:
    """Allow so much of the processor from now on; then the system ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
        file.write("5")


def peak() -> int:
    """The most bytes of memory that this process has had."""
    with open("/proc/self/status") as file:  # noqa: PTH123
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
