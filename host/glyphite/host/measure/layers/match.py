"""Which layer of a float model is which of the int8 model that was made from it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.manifest import LIMITS
from glyphite.host.measure.layers.rewrite import EDGES

WRAPPED = "fixed_1"
"""The scope of the model that ``convert.quantize`` wraps a Keras model in."""
LEAST_SCOPES = 4
"""That of the wrapping model, of the model, of a layer, and an operator."""
INPUT = "input"
"""What the model's input is called among its layers."""


@dataclass(frozen=True)
class Pair:
    """A quantized tensor, and the float one that it stands for."""

    name: str
    kind: str
    """The operator's, as in ``CONV_2D``; INPUT of the model's input."""
    number: int | None
    """The operator's place in the .tflite; None of the input."""
    quantized: int
    """The tensor in the int8 model."""
    real: int
    """The tensor in the float model."""
    float_number: int | None = None
    """The place of the float model's operator that makes it; None where none does by itself."""


def keras_layer(tensor: str) -> str | None:
    """The Keras layer that writes a tensor, by its name; None where this project's converter did
    not make it of a Keras model.

    A name is a path such as ``fixed_1/seed_1/conv2d_1_2/Relu;...``: the last scope is the layer's,
    with a number behind it that tracing adds.
    """
    scopes = tensor.partition(";")[0].split("/")
    if len(scopes) < LEAST_SCOPES or scopes[0] != WRAPPED:
        return None
    return re.sub(r"_\d+$", "", scopes[-2])


def pairs_of(graph: Graph, floats: Graph) -> list[Pair]:
    """The layers of an int8 ``graph`` that have one of the same kind and size in ``floats``.

    They are told by the names of their tensors, which converters keep, or else by their order.
    """
    partners = dict(_partners(graph, floats))
    found = [Pair(INPUT, INPUT, None, graph.inputs[0], floats.inputs[0])]
    real = {graph.inputs[0]: floats.inputs[0]}
    for number, operator in enumerate(graph.operators):
        partner = partners.get(number)
        if operator.kind in EDGES and operator.inputs[0] in real:
            same = real[operator.inputs[0]]
            real[operator.outputs[0]] = same
            if graph.tensors[operator.inputs[0]].dtype == "float32":  # the input, as int8 has it
                found[0] = Pair(INPUT, INPUT, None, operator.outputs[0], same)
            elif operator.kind == "QUANTIZE":
                found.append(_pair(operator, number, 0, same))
        elif partner is not None:
            made = zip(operator.outputs, floats.operators[partner].outputs, strict=False)
            for place, (output, same) in enumerate(made):
                real[output] = same
                if graph.tensors[output].dtype in LIMITS:
                    found.append(_pair(operator, number, place, same, partner))
    return found


def _pair(
    operator: Operator, number: int, place: int, real: int, partner: int | None = None
) -> Pair:
    part = f".{place}" if len(operator.outputs) > 1 else ""
    name = f"{operator.kind.lower()}_{operator.index}{part}"
    return Pair(name, operator.kind, number, operator.outputs[place], real, partner)


def _partners(graph: Graph, floats: Graph) -> Iterator[tuple[int, int]]:
    """The operators that are each other's, by their places."""
    ours, theirs = (
        [
            (number, each.kind, one.output_of(each).count, one.output_of(each).name)
            for number, each in enumerate(one.operators)
            if each.kind not in EDGES
        ]
        for one in (graph, floats)
    )
    seen = Counter(each[3] for each in (*ours, *theirs))
    by_name = {each[1:]: each[0] for each in theirs}
    named = {
        each[0]: by_name[each[1:]] for each in ours if each[1:] in by_name and seen[each[3]] == 2
    }
    yield from named.items()
    left = [[each for each in ours if each[0] not in named], []]
    left[1] = [each for each in theirs if each[0] not in named.values()]
    kinds = [[each[1:3] for each in side] for side in left]
    matcher = SequenceMatcher(None, kinds[0], kinds[1], autojunk=False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            yield left[0][block.a + step][0], left[1][block.b + step][0]
