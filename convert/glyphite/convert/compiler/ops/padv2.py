"""PADV2: int8, a constant value around an image."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import pad
from glyphite.convert.compiler.ops._operands import (
    check_counts,
    check_same_quantization,
    constant,
    values,
)

NAME = "PADV2"
OPTIONS = ""
LAST_VERSION = 6


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: paddings and value are inputs."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    check_counts(operator, 3, 3)
    pad.check_paddings(graph, operator)
    value = constant(graph, operator, 2, "int8")
    check_same_quantization(operator, value, graph.output_of(operator))
    if value.count != 1:
        operator.refuse(f"it pads with {value.count} values; 1 is allowed.")


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/pad.h."""
    return pad.padding(graph, operator, int(values(graph.tensors[operator.inputs[2]]).flat[0]))
