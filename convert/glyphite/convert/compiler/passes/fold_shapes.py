"""Computes beforehand what only shapes go into: they are fixed, whatever the batch was meant to be.

A Keras layer that reshapes leaves SHAPE, STRIDED_SLICE and PACK behind where the model was
converted with a batch of any size. TensorFlow Lite Micro, too, has one shape for each tensor.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ops import foldable


def run(graph: Graph) -> Graph:
    """The graph without operators whose output is known; all its tensors' indices must be whole."""
    kept = []
    for operator in graph.operators:
        value = _value(graph, operator)
        if value is None:
            kept.append(operator)
            continue
        (index,) = operator.outputs
        tensors = list(graph.tensors)
        tensors[index] = dataclasses.replace(tensors[index], data=value)
        graph = dataclasses.replace(graph, tensors=tuple(tensors))
    return graph.with_operators(tuple(kept))


def _value(graph: Graph, operator: Operator) -> NDArray[np.int32] | None:
    """An operator's output, where it is known and is what the output tensor says."""
    definition = foldable().get(operator.kind)
    if definition is None or len(operator.outputs) != 1:
        return None
    output, value = graph.output_of(operator), definition.fold(graph, operator)
    if value is None or output.data is not None:
        return None
    return value if (output.dtype, output.shape) == ("int32", value.shape) else None
