"""The operators that the compiler knows: one file each, found by its being here.

An operator's file reads its options out of the .tflite (``parse``), refuses what its kernel cannot
do (``check``), and turns it into a kernel call with constants (``lower``). Its kernel lies in a C
header of the same name below ``firmware/library/Glyphite/src/kernels/``; operators that share a
kernel name it in ``KERNEL``.

The file of an operator that only a pass makes has no more than ``lower``; that of one which a pass
computes beforehand has ``fold``, and is never lowered. Files whose names start
with ``_`` are shared by the others.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step, View
from glyphite.convert.errors import ModelError


class Lowering(Protocol):
    """What every file here offers."""

    NAME: str
    """TensorFlow Lite's name, such as ``CONV_2D``, or for a fused operator one of our own."""

    def lower(self, graph: Graph, operator: Operator) -> Step | View:
        """The kernel call."""


class Definition(Lowering, Protocol):
    """What the file of an operator that a .tflite may have offers besides."""

    OPTIONS: str
    """The name of the schema's options table; empty where the operator has none."""
    LAST_VERSION: int
    """The newest version of the operator that is known here."""

    def parse(self, table: Any) -> object:  # noqa: ANN401 - the schema's classes have no types
        """The options, typed, from the schema's table."""

    def check(self, graph: Graph, operator: Operator) -> None:
        """Raise ModelError unless ``lower`` can lower it."""


class Foldable(Definition, Protocol):
    """What the file of an operator offers that a pass computes beforehand."""

    def fold(self, graph: Graph, operator: Operator) -> NDArray[np.int32] | None:
        """The constant in the operator's place; None where it cannot be known."""


@cache
def lowerings() -> Mapping[str, Lowering]:
    """Every file by its operator's name."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name[0] != "_")
    files = (cast(Lowering, import_module(f"{__name__}.{name}")) for name in names)
    return {file.NAME: file for file in files}


@cache
def definitions() -> Mapping[str, Definition]:
    """The operators that a .tflite may have, by name."""
    return {
        name: cast(Definition, file)
        for name, file in lowerings().items()
        if hasattr(file, "LAST_VERSION")
    }


@cache
def foldable() -> Mapping[str, Foldable]:
    """The operators that a pass may compute beforehand, by name."""
    return {
        name: cast(Foldable, file) for name, file in definitions().items() if hasattr(file, "fold")
    }


def supported() -> list[str]:
    """The names of the operators that a .tflite may have."""
    return list(definitions())


def require_supported(operator: Operator, way_out: str) -> None:
    """The compiler must know the operator; ``way_out`` is a sentence. Raises ModelError."""
    if operator.kind not in definitions():
        raise ModelError(
            f"Operator {operator.index} is {operator.kind} (version {operator.version}), which "
            f"the compiler lacks. Supported are {', '.join(supported())}. {way_out}"
        )
