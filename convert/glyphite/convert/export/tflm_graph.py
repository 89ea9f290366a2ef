"""What the sketch for TensorFlow Lite Micro needs to know of a .tflite, whoever can compile it."""

from dataclasses import dataclass
from math import prod

from glyphite.convert.compiler.emit.model import Edge
from glyphite.convert.compiler.frontend.check import check_indices
from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import ABSENT, Graph, Operator, Tensor
from glyphite.convert.errors import ModelError
from glyphite.convert.export.tflm_operators import ADD_CUSTOM_METHODS, ADD_METHODS

MOST_AXES = 4
"""Axes of input and output: HELLO_ANSWER has room for as many (GLYPHITE_RANK_MAX)."""
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
SCRATCH_PER_WEIGHT = 4
"""Bytes per weight of a filter: CMSIS-NN widens two patches, each as large as a filter, to int16
(``arm_convolve_s8_get_buffer_size``)."""
STATEFUL = {
    *("ASSIGN_VARIABLE", "CALL_ONCE", "CIRCULAR_BUFFER", "READ_VARIABLE", "SVDF"),
    *("SignalDelay", "SignalFramer", "SignalOverlapAdd", "SignalPCAN", "SignalStacker"),
    *("UNIDIRECTIONAL_SEQUENCE_LSTM", "VAR_HANDLE"),
}
"""Operators whose answer may depend on earlier runs."""


@dataclass(frozen=True)
class TflmOperator:
    """An operator: its name in the .tflite, and the method of TFLM's resolver that adds it."""

    name: str
    add_method: str


@dataclass(frozen=True)
class TflmModel:
    """A .tflite as TensorFlow Lite Micro sees it."""

    tflite: bytes
    graphs: tuple[Graph, ...]
    """Its subgraphs, without the options of their operators."""
    operators: tuple[TflmOperator, ...]
    source: Edge
    sink: Edge

    @property
    def keeps_state(self) -> bool:
        """Whether an answer may depend on earlier runs, so that nothing can be compared."""
        return any(operator.name in STATEFUL for operator in self.operators)

    @property
    def runs_on_pc(self) -> bool:
        """Whether the verbs that compare can take the model: by LiteRT, from a batch of 1."""
        custom = any(operator.name in ADD_CUSTOM_METHODS for operator in self.operators)
        edges = (self.source, self.sink)
        one = all(len(edge.shape) > 1 and edge.shape[0] == 1 for edge in edges)
        return one and not custom and not self.keeps_state


def read_model(tflite: bytes) -> TflmModel:
    """The .tflite, also where it has what the compiler lacks: loops, state, other types inside.

    Raises ModelError where it is damaged, TFLM lacks an operator, or the wire cannot carry its
    input or output; ToolError where the package that reads a .tflite is not installed.
    """
    graphs = read_loosely(tflite)
    for graph in graphs:
        check_indices(graph)
    operators = tflm_operators(graphs)
    source, sink = _only("input", graphs[0]), _only("output", graphs[0])
    return TflmModel(tflite, graphs, operators, source, sink)


def tflm_operators(graphs: tuple[Graph, ...]) -> tuple[TflmOperator, ...]:
    """The kinds of operator that the subgraphs use, each once, in the order of their first use.

    Raises ModelError where TensorFlow Lite Micro lacks one.
    """
    found: dict[str, TflmOperator] = {}
    for graph in graphs:
        for operator in graph.operators:
            if operator.kind not in found:
                found[operator.kind] = TflmOperator(operator.kind, _add_method(operator))
    return tuple(found.values())


def _add_method(operator: Operator) -> str:
    method = ADD_METHODS.get(operator.kind) or ADD_CUSTOM_METHODS.get(operator.kind)
    if method is None:
        raise ModelError(
            f"Operator {operator.index} is {operator.kind} (version {operator.version}), which "
            f"TensorFlow Lite Micro lacks: it has {len(ADD_METHODS)} of TensorFlow Lite's "
            f"operators, {', '.join(list(ADD_METHODS)[:3])}, ..., {list(ADD_METHODS)[-1]}. "
            "Build the model from layers that become these."
        )
    return method


def convolution_scratch(graphs: tuple[Graph, ...]) -> int:
    """Bytes that CMSIS-NN's convolutions may need in the arena; the kernels on a PC need none."""
    filters = [
        prod(graph.tensors[operator.inputs[1]].shape[1:])
        for graph in graphs
        for operator in graph.operators
        if operator.kind in CONVOLUTIONS and len(operator.inputs) > 1
        if operator.inputs[1] != ABSENT
    ]
    return SCRATCH_PER_WEIGHT * max(filters, default=0)


def _only(what: str, graph: Graph) -> Edge:
    """The one input or output of the first subgraph."""
    indices = graph.inputs if what == "input" else graph.outputs
    if len(indices) != 1:
        raise ModelError(
            f"The model has {len(indices)} {what}s, and the wire carries 1. Concatenate them in "
            "the model."
        )
    return _edge(what, graph.tensors[indices[0]])


def _edge(what: str, tensor: Tensor) -> Edge:
    if len(tensor.shape) > MOST_AXES:
        raise ModelError(
            f"The model's {what} has {len(tensor.shape)} axes, and {MOST_AXES} at most "
            "can be sent over the wire. Add a Reshape layer to the model."
        )
    quantization = None if tensor.dtype == "float32" else tensor.quantization
    if tensor.dtype not in ("int8", "float32") or (tensor.dtype == "int8" and not quantization):
        found = "int8 without a scale" if tensor.dtype == "int8" else tensor.dtype
        raise ModelError(
            f"The model's {what} is {found}, and the wire carries int8 with a scale, or float32. "
            f"Convert the model with converter.inference_{what}_type = tf.int8."
        )
    if any(extent < 1 for extent in tensor.shape):
        raise ModelError(
            f"The model's {what} has the shape {list(tensor.shape)}, and every axis has to be at "
            "least 1. Convert the model with a fixed batch of 1."
        )
    scale, zero = (quantization.scale, quantization.zero_point) if quantization else (0.0, 0)
    return Edge(what.upper(), tensor.shape, tensor.bytes, scale, zero, tensor.dtype)
