"""The operators that the compiler knows: one file each, found by its being here.

An operator's file reads its options out of the .tflite (``parse``), refuses what its kernel cannot
do (``check``), and turns it into a kernel call with constants (``lower``). Its kernel lies in a C
header of the same name below ``firmware/library/Glyphite/src/kernels/``.

Files whose names start with ``_`` are shared by the others.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from convert.graph import Graph, Operator
from convert.program import Step, View


class Definition(Protocol):
    """What an operator's file offers."""

    NAME: str
    """TensorFlow Lite's name, such as ``CONV_2D``."""
    OPTIONS: str
    """The name of the schema's options table; empty where the operator has none."""
    LAST_VERSION: int
    """The newest version of the operator that is known here; 0 for those that only passes make."""

    def parse(self, table: Any) -> object:  # noqa: ANN401 - the schema's classes have no types
        """The options, typed, from the schema's table."""

    def check(self, graph: Graph, operator: Operator) -> None:
        """Raise ModelError unless ``lower`` can lower it."""

    def lower(self, graph: Graph, operator: Operator) -> Step | View:
        """The kernel call."""


@cache
def definitions() -> Mapping[str, Definition]:
    """Every operator's file by the operator's name."""
    names = [module.name for module in iter_modules(__path__) if module.name[0] != "_"]
    files = [cast(Definition, import_module(f"{__name__}.{name}")) for name in sorted(names)]
    return {file.NAME: file for file in files}


def supported() -> list[str]:
    """The names of the operators that a .tflite may have."""
    return [name for name, file in definitions().items() if file.LAST_VERSION > 0]
