"""SUB: int8, broadcasting; either operand may be constant."""

import numpy as np

from convert.graph import Graph, Operator
from convert.ops import _arithmetic
from convert.ops._arithmetic import SHIFT, Factors, parse
from convert.program import Step

NAME = "SUB"
OPTIONS = "SubOptions"
LAST_VERSION = 5
KERNEL = _arithmetic.KERNEL

__all__ = ["KERNEL", "LAST_VERSION", "NAME", "OPTIONS", "check", "lower", "parse"]


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    _arithmetic.check_operands(graph, operator)
    _arithmetic.check_factor(operator, _factors(graph, operator)[2], 1.0)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/arithmetic.h."""
    return _arithmetic.lower(graph, operator, "GLYPHITE_SUB", _factors(graph, operator))


def _factors(graph: Graph, operator: Operator) -> Factors:
    """Of left, right and output, in single precision, as TFLM's CalculateOpDataSub has them."""
    scales = (np.float32(q.scale) for q in _arithmetic.quantizations(graph, operator))
    left, right, output = scales
    with np.errstate(all="ignore"):
        twice = np.float32(2) * max(left, right)
        factor = twice / (np.float32(2**SHIFT) * output)
        return float(left / twice), float(right / twice), float(factor)
