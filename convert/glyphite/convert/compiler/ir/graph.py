"""A quantized network as typed, immutable data: what every pass takes and gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn, TypeVar

from numpy.typing import NDArray

from glyphite.convert.errors import ModelError

ABSENT = -1
"""In an operator's inputs: an optional one that is left out, such as a bias."""

ITEM_BYTES: Mapping[str, int] = {"int8": 1, "int32": 4, "float32": 4}
"""The tensor types that the compiler knows, and the bytes of one element."""

Options = TypeVar("Options")


@dataclass(frozen=True)
class Quantization:
    """``real = scale * (quantized - zero_point)``, for the tensor or by channel along ``axis``.

    Scales are float32 in the file; they are kept here as the same numbers in double precision.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether each channel has a scale of its own."""
        return len(self.scales) > 1

    @property
    def scale(self) -> float:
        """The scale of a tensor that has one."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor that has one."""
        return self.zero_points[0]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An activation, or a constant where ``data`` (of ``shape``) is given."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """``int8``, ``int32``, ``float32``, or another type's name as TensorFlow Lite has it."""
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None

    @property
    def count(self) -> int:
        """Elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes in memory; the type must be one of ITEM_BYTES."""
        return self.count * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Operator:
    """One operator; inputs and outputs are indices into the graph's tensors."""

    index: int
    """Its place in the .tflite, for messages; a fused operator keeps that of its first part."""
    kind: str
    """TensorFlow Lite's name, such as ``CONV_2D``."""
    options: object
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int = 1

    @property
    def label(self) -> str:
        """What messages call it: ``operator 3 (CONV_2D)``."""
        return f"operator {self.index} ({self.kind})"

    def refuse(self, reason: str) -> NoReturn:
        """Refuse to compile this operator, for a reason that ends the sentence.

        Raises ModelError.
        """
        label = self.label
        raise ModelError(f"{label[0].upper()}{label[1:]} cannot be compiled: {reason}")

    def options_as(self, kind: type[Options]) -> Options:
        """The options, which the operator's own file has made.

        Raises TypeError where another file has made them.
        """
        if not isinstance(self.options, kind):
            raise TypeError(f"{self.label} has {type(self.options).__name__}, not {kind.__name__}")
        return self.options


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: operators in an order in which they can run, any number of branches."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def consumers(self, tensor: int) -> list[Operator]:
        """The operators that read a tensor."""
        return [operator for operator in self.operators if tensor in operator.inputs]

    def input_of(self, operator: Operator, position: int) -> Tensor | None:
        """An operator's input, or None where it is left out."""
        if position >= len(operator.inputs) or operator.inputs[position] == ABSENT:
            return None
        return self.tensors[operator.inputs[position]]

    def output_of(self, operator: Operator) -> Tensor:
        """An operator's first output."""
        return self.tensors[operator.outputs[0]]

    def with_operators(self, operators: tuple[Operator, ...]) -> Graph:
        """The same graph with other operators: what a pass gives."""
        return dataclasses.replace(self, operators=operators)


def shape_text(shape: tuple[int, ...]) -> str:
    """``(1, 28, 28, 1)`` as ``1x28x28x1``."""
    return "x".join(map(str, shape)) or "scalar"
