"""MLPerf Tiny: what a firmware that speaks its text protocol is told of the benchmark.

The official runner knows a test, and the folder of its data, by the id that the board gives.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.text import printable
from glyphite.host.device.wire.protocol import TEXT_BYTES

ITEM_BYTES = {"int8": 1, "float32": 4}
STREAMING = "sww"
"""What the id of a streaming test begins with, which the runner drives in another way."""


class Input(StrEnum):
    """What the bytes are that the runner sends, as ``glyphite_mlperf.h`` calls it."""

    TENSOR = "TENSOR"
    """The input tensor as it lies in the board's memory."""
    PIXELS = "PIXELS"
    """Unsigned bytes: 128 more than the int8 tensor."""
    FLOATS = "FLOATS"
    """float32 values, which the board quantizes; it answers the mean squared error of giving them
    back."""


BENCHMARKS: Mapping[str, Input] = {
    "ad01": Input.FLOATS,
    "ic01": Input.PIXELS,
    "kws01": Input.TENSOR,
    "vww01": Input.PIXELS,
}
"""The benchmarks of MLPerf Tiny by id: what its reference implementations take."""


class Edge(Protocol):
    """A model's input or output: of a manifest, or of a compiled program."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch first, which is 1."""

    @property
    def dtype(self) -> str:
        """The type of its numbers."""


@dataclass(frozen=True)
class Task:
    """What a model is measured as."""

    id: str
    input: Input
    data_bytes: int
    """Of one input, as the runner sends it."""

    @property
    def values(self) -> Mapping[str, str]:
        """The macros that the firmware needs to be defined: name -> text."""
        return {
            "GLYPHITE_MLPERF_ID": f'"{self.id}"',
            "GLYPHITE_MLPERF_INPUT": f"GLYPHITE_MLPERF_{self.input}",
            "GLYPHITE_MLPERF_DATA_BYTES": str(self.data_bytes),
        }

    @property
    def definitions(self) -> tuple[str, ...]:
        """The same as ``-D`` options of the compiler."""
        return tuple(f"-D{name}={value}" for name, value in self.values.items())


def task_of(name: str, source: Edge, sink: Edge, benchmark: str | None = None) -> Task:
    """The task of the model called ``name``, with that input and output.

    It is that of ``benchmark``, an id of BENCHMARKS; where that is None, of the benchmark that the
    model is named after, or else one of its own, whose data are input tensors.

    Raises InputError where there is no such benchmark, ModelError where the model is none for it.
    """
    if benchmark is not None and benchmark not in BENCHMARKS:
        raise InputError(
            f"--benchmark {printable(benchmark)} is not known. There are: {', '.join(BENCHMARKS)}. "
            "Leave it out for a model of your own."
        )
    known = benchmark or (name if name in BENCHMARKS else None)
    kind = BENCHMARKS[known] if known else Input.TENSOR
    if source.dtype not in ITEM_BYTES or sink.dtype not in ITEM_BYTES:
        raise ModelError(f"{name} takes {source.dtype}, and int8 or float32 is needed.")
    if known:
        _require_fit(name, known, source, sink)
    values = math.prod(source.shape)
    item = ITEM_BYTES["float32" if kind is Input.FLOATS else source.dtype]
    return Task(known or _own_id(name), kind, values * item)


def _require_fit(name: str, benchmark: str, source: Edge, sink: Edge) -> None:
    kind = BENCHMARKS[benchmark]
    if kind is Input.PIXELS and source.dtype != "int8":
        raise ModelError(
            f"{name} takes {source.dtype} inputs, and {benchmark} is of pixels less 128 as int8. "
            "Convert the model with int8 inputs, or leave --benchmark out."
        )
    same = math.prod(source.shape) == math.prod(sink.shape) and source.dtype == sink.dtype
    if kind is Input.FLOATS and not same:
        raise ModelError(
            f"{name} takes {source.dtype} inputs of shape {source.shape[1:]} and gives "
            f"{sink.dtype} outputs of shape {sink.shape[1:]}, and {benchmark} is of models that "
            "give their input back. Choose another --benchmark, or leave it out."
        )


def _own_id(name: str) -> str:
    """An id for a model of that name: ASCII, as the runner reads it byte by byte."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    plain = f"my-{plain}" if plain.startswith(STREAMING) else plain
    return plain[: TEXT_BYTES - 1]
