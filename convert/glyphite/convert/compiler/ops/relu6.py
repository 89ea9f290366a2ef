"""RELU6 on its own: int8.

TFLM clamps the input's bytes and never looks at the output's quantization, so this does not either.
"""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _table
from glyphite.convert.compiler.ops._requantize import Activation, activation_range

NAME = "RELU6"
OPTIONS = ""
LAST_VERSION = 3
KERNEL = _table.KERNEL

SMALLEST_SCALE = 2.0**-28


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: it has no options."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold, and a 6 beyond 32 bits, where TFLM's is not defined.

    Raises ModelError.
    """
    source, _ = _table.check_unary(graph, operator)
    if source.scale < SMALLEST_SCALE:
        operator.refuse(f"its input's scale is {source.scale:g}; 2**-28 or more is allowed.")


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    source, _ = _table.quantizations(graph, operator)
    low, high = activation_range(Activation.RELU6, source)
    return _table.lower(graph, operator, lambda x: min(max(x + source.zero_point, low), high))
