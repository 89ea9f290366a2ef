"""LEAKY_RELU: int8, input and output of any scales, alpha 0 or more."""

from dataclasses import dataclass
from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _table

NAME = "LEAKY_RELU"
OPTIONS = "LeakyReluOptions"
LAST_VERSION = 2
KERNEL = _table.KERNEL


@dataclass(frozen=True)
class LeakyRelu:
    """The options."""

    alpha: float


def parse(table: Any) -> LeakyRelu:  # noqa: ANN401 - the schema's classes have no types
    """The options from the schema's table."""
    return LeakyRelu(alpha=table.Alpha())


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the table cannot hold."""
    _table.check_unary(graph, operator)
    _table.check_factors(operator, *_factors(graph, operator))


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/table.h."""
    _, output = _table.quantizations(graph, operator)
    above, below = (_table.times(factor) for factor in _factors(graph, operator))
    return _table.lower(
        graph, operator, lambda x: output.zero_point + (above(x) if x >= 0 else below(x))
    )


def _factors(graph: Graph, operator: Operator) -> tuple[float, float]:
    """For values from 0 up, and below: in double precision, as TFLM computes them."""
    source, output = (q.scale for q in _table.quantizations(graph, operator))
    return source / output, source * operator.options_as(LeakyRelu).alpha / output
