"""RESHAPE: the same bytes in another shape, so it has no kernel."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import View
from glyphite.convert.compiler.ops._operands import activation, check_same_quantization, result

NAME = "RESHAPE"
OPTIONS = ""
LAST_VERSION = 1


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: the output tensor has its shape."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse an output of another size. Raises ModelError."""
    if len(operator.inputs) not in (1, 2) or len(operator.outputs) != 1:
        operator.refuse("it needs an input, perhaps a shape, and an output.")
    source = activation(graph, operator)
    output = result(graph, operator)
    check_same_quantization(operator, source, output)
    if source.count != output.count:
        operator.refuse(f"it makes {output.count} values of {source.count}.")


def lower(graph: Graph, operator: Operator) -> View:
    """No call."""
    return View(operator.inputs[0], operator.outputs[0])
