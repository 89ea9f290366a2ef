"""QUANTIZE: float32 to int8 at the model's input, or int8 to int8 of another scale."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _table
from glyphite.convert.compiler.ops._operands import check_counts, check_shape, result, scaled
from glyphite.convert.compiler.targets.portable import quantize as portable

NAME = "QUANTIZE"
OPTIONS = ""
LAST_VERSION = 6


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: its options have no fields."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    check_counts(operator, 1, 1)
    source = graph.input_of(operator, 0)
    if source is None or source.data is not None or source.dtype not in ("float32", "int8"):
        found = "left out" if source is None else "constant" if source.data is not None else (
            source.dtype
        )  # fmt: skip
        operator.refuse(
            f"its input is {found}, and a computed float32 or int8 is needed. Convert the model "
            "with an input and output of int8 or float32."
        )
    check_shape(operator, result(graph, operator), "output", source.shape)
    if source.dtype == "int8":
        before, after = _table.check_unary(graph, operator)
        _table.check_factors(operator, before.scale / after.scale)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/quantize.h, or of kernels/portable/table.h for int8."""
    source, output = graph.tensors[operator.inputs[0]], graph.output_of(operator)
    after = scaled(operator, output, "output")
    if source.dtype == "int8":
        before, _ = _table.quantizations(graph, operator)
        other = _table.times(before.scale / after.scale)
        return _table.lower(graph, operator, lambda x: other(x) + after.zero_point)
    return Step(
        kernel=portable.KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(0,),
        rows=_table.elementwise(graph, operator, portable.KERNEL.name, 0),
        constants=portable.QuantizeConstants(output.count, after.scale, after.zero_point),
    )
