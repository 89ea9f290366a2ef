"""DEQUANTIZE: int8 to float32, the model's output."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._operands import activation, check_counts, check_shape, scaled
from glyphite.convert.compiler.targets.portable import dequantize as portable

NAME = "DEQUANTIZE"
OPTIONS = ""
LAST_VERSION = 9


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: its options have no fields."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do. Raises ModelError."""
    check_counts(operator, 1, 1)
    source = activation(graph, operator)
    output = graph.output_of(operator)
    check_shape(operator, output, "output", source.shape)
    if output.dtype != "float32":
        operator.refuse(f"its output is {output.dtype}, and float32 is needed.")


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/dequantize.h, whose floats overtake the bytes it reads."""
    source = graph.tensors[operator.inputs[0]]
    before = scaled(operator, source, "input")
    return Step(
        kernel=portable.KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(3 * (source.count - 1),),
        constants=portable.DequantizeConstants(source.count, before.scale, before.zero_point),
    )
