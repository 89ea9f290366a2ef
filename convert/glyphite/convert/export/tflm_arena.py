"""The arena that TensorFlow Lite Micro needs for a model: as measured on this PC, and a margin.

Where tflite-micro is not to be had, the size is reckoned from the graph, and told to be.
"""

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from glyphite.convert.compiler.ir.graph import ITEM_BYTES, Graph
from glyphite.convert.errors import ModelError, TimeLimitError
from glyphite.convert.programs import Finished, attempt
from glyphite.convert.text import printable

SPARE = 1024
"""Bytes of margin beside scratch buffers, as versions of TFLM differ by some hundred bytes."""
GENEROUS = 8 << 20
"""An arena larger than that of any microcontroller, to measure how much of it a model needs."""
STEP = 64
"""Bytes within which the smallest arena is found where the size that TFLM reports is too small."""
OPERATOR_BYTES = 600
CHANNEL_BYTES = 10
PLANNING_BYTES = 4096
"""Above what TFLM's structures take, with pointers of 8 bytes."""
NO_SEEDS = range(0)
WIDEST = 8
"""Bytes of an element of a type that the compiler does not know."""
PROBE_SECONDS = 120.0
"""The time limit of one inference, which takes seconds; importing the package may take longer."""


@dataclass(frozen=True)
class Arena:
    """Sizes in bytes."""

    measured: int
    """The smallest arena in which TFLM has run the model on this PC, or a bound on it."""
    scratch: int
    """What CMSIS-NN's convolutions may need beyond that."""
    tried: bool = True
    """Whether TFLM has run in it; else :func:`reckon_arena` has reckoned it."""

    @property
    def margin(self) -> int:
        """What is added to the measured size."""
        return SPARE + self.scratch

    @property
    def bytes(self) -> int:
        """The size to reserve: a multiple of 16."""
        return -(-(self.measured + self.margin) // 16) * 16


def arena_for(
    tflite: bytes, graphs: tuple[Graph, ...], scratch: int, seeds: range = NO_SEEDS
) -> Arena:
    """The arena for the .tflite, whose content is ``graphs``; ``scratch`` is what is added to it.

    ``seeds`` are those that :func:`answers` will be asked for: one run does both. Raises
    ModelError as :func:`measure_arena` does.
    """
    if find_spec("tflite_micro") is None:
        return Arena(sum(map(reckon_arena, graphs)), scratch, tried=False)
    return Arena(measure_arena(tflite, seeds), scratch)


def reckon_arena(graph: Graph) -> int:
    """A size that is larger than the arena of :func:`measure_arena`, without running TFLM.

    Tensors that are alive at the same time, and a third more as TFLM's planner leaves gaps; what
    its structures take for each operator and for each channel of a constant; and what it needs for
    a while to plan. The result lies above that of the models of this project's tests by a third.
    """
    constants = (tensor for tensor in graph.tensors if tensor.data is not None)
    channels = sum(len(one.quantization.scales) for one in constants if one.quantization)
    structures = OPERATOR_BYTES * len(graph.operators) + CHANNEL_BYTES * channels
    return most_alive(graph) * 4 // 3 + structures + PLANNING_BYTES


def most_alive(graph: Graph) -> int:
    """The most bytes of tensors, each a multiple of 16, that an operator needs at a time."""

    def room(index: int) -> int:
        tensor = graph.tensors[index]
        return -(-tensor.count * ITEM_BYTES.get(tensor.dtype, WIDEST) // 16) * 16

    ends = {index: number for number, one in enumerate(graph.operators) for index in one.inputs}
    ends |= dict.fromkeys(graph.outputs, len(graph.operators))
    alive, most = set(graph.inputs), 0
    for number, operator in enumerate(graph.operators):
        alive |= set(operator.outputs)
        most = max(most, sum(map(room, alive)))
        alive = {index for index in alive if ends.get(index, number) > number}
    return most


def measure_arena(tflite: bytes, seeds: range = NO_SEEDS) -> int:
    """The bytes of arena in which TFLM runs the .tflite: tried, by a run in exactly that many.

    TFLM reports what is in use once it is ready. To plan the memory it can need more than that for
    a while, and then the smallest size that serves is searched for. The pinned ``tflite-micro``
    package runs it. Its pointers have 8 bytes; the same structures are smaller on a 32-bit board.
    Raises ModelError where TFLM cannot run the model.
    """
    generous = tried(tflite, GENEROUS, *seeds)
    account = re.search(r"Arena allocation total (\d+) bytes", generous.errors)
    if generous.code != 0 or account is None:
        raise ModelError(
            f"TensorFlow Lite Micro cannot run the model: {_complaint(generous.errors)}. "
            "Make it anew with `glyphite convert`."
        )
    return _smallest(tflite, int(account[1]))


def _smallest(tflite: bytes, reported: int) -> int:
    """The smallest size, to ``STEP`` bytes and from ``reported`` on, in which TFLM runs."""
    if tried(tflite, reported).code == 0:
        return reported
    small, large = reported, reported + STEP
    while large < GENEROUS and tried(tflite, large).code != 0:
        small, large = large, 2 * large - reported
    while large - small > STEP:
        middle = (small + large) // 2
        if tried(tflite, middle).code == 0:
            large = middle
        else:
            small = middle
    return large


def answers(tflite: bytes, seeds: range) -> list[str]:
    """TFLM's answers to the int8 inputs that ``seeds`` stand for, in hexadecimal digits.

    Raises ModelError where TFLM cannot run the model.
    """
    run = tried(tflite, GENEROUS, *seeds)
    if run.code != 0:
        raise ModelError(
            f"TensorFlow Lite Micro cannot run the model: {_complaint(run.errors)}. "
            "Make it anew with `glyphite convert`."
        )
    return run.output.split()


@lru_cache(maxsize=8)
def tried(tflite: bytes, arena: int, *seeds: int) -> Finished:
    """A run of the model in an arena of so many bytes, in a process of its own: TFLM may crash.

    Its messages are the stderr of the result, and the answers to the inputs of ``seeds`` its
    stdout. The last few runs are kept. Raises ModelError where it does not end.
    """
    program = Path(__file__).with_name("tflm_probe.py")
    command = [sys.executable, "-P", str(program), str(arena), *map(str, seeds)]
    try:
        return attempt(command, PROBE_SECONDS, stdin=tflite)
    except TimeLimitError as error:
        raise ModelError(
            f"TensorFlow Lite Micro did not run the model within {PROBE_SECONDS:g} seconds. "
            "Try again when this machine has less to do, or make the model anew with "
            "`glyphite convert`."
        ) from error


def _complaint(stderr: str) -> str:
    """TFLM's message: the node that failed, and in parentheses what failed there."""
    spoken = stderr.partition("Traceback (most recent call last)")[0].splitlines()
    said = [line.strip() for line in spoken if line.strip()]
    if not said:
        return "it crashed"
    first, last = printable(said[0].rstrip(".")), printable(said[-1])
    return first if len(said) == 1 else f"{last} ({first})"
