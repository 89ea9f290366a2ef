"""Models with one known defect each: a .tflite changed in one place."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.builders.models import pack

Floats = NDArray[np.float32]


class Changed:
    """A .tflite whose tables are changed, and packed again."""

    def __init__(self, content: bytes) -> None:
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        self.graph: Any = self.model.subgraphs[0]

    @property
    def content(self) -> bytes:
        """The .tflite as it is by now."""
        return pack(self.model)

    def tensor(self, operator: int, place: int) -> Any:  # noqa: ANN401 - the schema has no types
        """The tensor that an operator reads at a place among its inputs."""
        return self.graph.tensors[self.graph.operators[operator].inputs[place]]

    def output(self, operator: int) -> Any:  # noqa: ANN401
        """The tensor that an operator writes."""
        return self.graph.tensors[self.graph.operators[operator].outputs[0]]

    def data(self, tensor: Any, dtype: str) -> NDArray[Any]:  # noqa: ANN401
        """A constant's values, in its shape."""
        found = np.array(self.model.buffers[tensor.buffer].data, np.uint8)
        return found.view(dtype).reshape(tensor.shape).copy()

    def set_data(self, tensor: Any, values: NDArray[Any]) -> None:  # noqa: ANN401
        """Give a constant other values."""
        self.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)


def signed(content: bytes) -> bytes:
    """The same .tflite with a signature, which ai-edge-quantizer needs."""
    changed = Changed(content)
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    edges = {"inputs": changed.graph.inputs, "outputs": changed.graph.outputs}
    for name, indices in edges.items():
        one = schema.TensorMapT()
        one.name, one.tensorIndex = name.encode(), int(indices[0])
        setattr(signature, name, [one])
    changed.model.signatureDefs = [signature]
    return changed.content


def with_weights(
    content: bytes,
    operator: int,
    change: Callable[[Floats], Floats],
    bias: Callable[[Floats], Floats] = lambda values: values,
) -> bytes:
    """A float .tflite with other weights, and another bias, of one operator."""
    model = Changed(content)
    for place, how in ((1, change), (2, bias)):
        tensor = model.tensor(operator, place)
        model.set_data(tensor, how(model.data(tensor, "<f4")).astype("<f4"))
    return model.content


def rescaled(content: bytes, operators: Sequence[int], factor: float) -> bytes:
    """An int8 .tflite in which what ``operators`` write has ``factor`` times its range.

    The bias of each layer behind is kept at the number that it stood for.
    """
    model = Changed(content)
    written = {int(model.graph.operators[each].outputs[0]) for each in operators}
    for index in written:
        numbers = model.graph.tensors[index].quantization
        numbers.scale = [float(np.float32(numbers.scale[0] * factor))]
    for each in model.graph.operators:
        if len(each.inputs) == 3 and int(each.inputs[0]) in written:
            tensor = model.graph.tensors[each.inputs[2]]
            values = model.data(tensor, "<i4") / factor
            model.set_data(tensor, np.round(values).astype("<i4"))
            scales = np.array(tensor.quantization.scale) * factor
            tensor.quantization.scale = [float(scale) for scale in scales.astype(np.float32)]
    return model.content


def per_tensor(content: bytes, operator: int, weights: Floats, bias: Floats) -> bytes:
    """An int8 .tflite whose ``operator`` has one scale for all of its ``weights``."""
    model = Changed(content)
    kept = model.tensor(operator, 1)
    scale = float(np.float32(np.abs(weights).max() / 127))
    model.set_data(kept, np.round(weights / scale).astype(np.int8))
    kept.quantization.scale, kept.quantization.zeroPoint = [scale], [0]
    source = model.tensor(operator, 0).quantization.scale[0]
    sums = model.tensor(operator, 2)
    model.set_data(sums, np.round(bias / (source * scale)).astype("<i4"))
    sums.quantization.scale, sums.quantization.zeroPoint = [float(source * scale)], [0]
    return model.content


def with_bias(content: bytes, operator: int, channel: int, value: int) -> bytes:
    """An int8 .tflite in which one channel of ``operator`` has another bias."""
    model = Changed(content)
    tensor = model.tensor(operator, 2)
    values = model.data(tensor, "<i4")
    values[channel] = value
    model.set_data(tensor, values)
    return model.content
