"""Small .tflite files, written field by field: whatever Keras cannot express, it can."""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
ACTIVATIONS = (NONE, RELU, RELU_N1_TO_1, RELU6)

Shape = tuple[int, ...]


class ModelBuilder:
    """Collects tensors and operators; ``build`` gives the file's bytes."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]
        self.codes: list[Any] = []
        self.operators: list[Any] = []

    def tensor(
        self,
        shape: Shape,
        scale: float | Sequence[float] | None = None,
        zero_point: int = 0,
        *,
        data: NDArray[Any] | None = None,
        dtype: str = "INT8",
        axis: int = 0,
    ) -> int:
        """Add a tensor, constant where ``data`` is given; the result is its index."""
        made = schema.TensorT()
        made.name = f"tensor{len(self.tensors)}".encode()
        made.shape = list(shape)
        made.type = getattr(schema.TensorType, dtype)
        made.buffer = 0
        if data is not None:
            made.buffer = len(self.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self.buffers.append(buffer)
        if scale is not None:
            scales = [scale] if isinstance(scale, float) else list(scale)
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = scales
            made.quantization.zeroPoint = [zero_point] * len(scales)
            made.quantization.quantizedDimension = axis
        self.tensors.append(made)
        return len(self.tensors) - 1

    def weights(self, values: NDArray[np.int8], scale: float | Sequence[float]) -> int:
        """Add constant int8 weights."""
        return self.tensor(values.shape, scale, data=values)

    def bias(self, values: NDArray[np.int32]) -> int:
        """Add a constant int32 bias."""
        return self.tensor(values.shape, data=values, dtype="INT32")

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str | None = None,
        version: int = 1,
        **fields: object,
    ) -> None:
        """Add an operator; ``options`` is the schema's table's name, ``fields`` its fields."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        made = schema.OperatorT()
        made.opcodeIndex = len(self.codes)
        made.inputs, made.outputs = list(inputs), list(outputs)
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in fields.items():
                assert hasattr(made.builtinOptions, name)
                setattr(made.builtinOptions, name, value)
        self.codes.append(code)
        self.operators.append(made)

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The .tflite."""
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version = 3
        model.operatorCodes, model.subgraphs, model.buffers = self.codes, [subgraph], self.buffers
        return pack(model)


def pack(model: Any) -> bytes:  # noqa: ANN401 - the schema's classes have no types
    """The bytes of a model."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def random_int8(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    """Any int8 values."""
    return rng.integers(-128, 128, shape).astype(np.int8)


def hard_inputs(rng: np.random.Generator, shape: Shape, count: int = 4) -> NDArray[np.int8]:
    """Random inputs (n, *shape[1:]), and the extremes: all low, all high, both in turn, steps."""
    size = int(np.prod(shape[1:]))
    corner = np.array([-128, 127], np.int8)
    rows = [
        np.full(size, -128, np.int8),
        np.full(size, 127, np.int8),
        np.resize(corner, size),
        np.resize(corner[::-1], size),
        np.resize(np.arange(-128, 128).astype(np.int8), size),
        *random_int8(rng, count, size),
    ]
    return np.stack(rows).reshape(-1, *shape[1:])


def conv_and_pool(
    rng: np.random.Generator,
    *,
    padding: int = VALID,
    pool: tuple[int, int] = (2, 2),
    pool_stride: tuple[int, int] = (2, 2),
    pool_padding: int = VALID,
    channels: int = 6,
    activations: tuple[int, int] = (RELU, NONE),
) -> tuple[ModelBuilder, int]:
    """A convolution of 3x2 over (1, 9, 8, 2), then a pooling; and the pooling's output."""
    model = ModelBuilder()
    model.tensor((1, 9, 8, 2), 0.02, int(rng.integers(-128, 128)))
    model.weights(random_int8(rng, channels, 3, 2, 2), [0.01] * channels)
    model.bias(rng.integers(-500, 500, channels).astype(np.int32))
    size = (9, 8) if padding == SAME else (7, 7)
    zero_point = int(rng.integers(-60, 60))
    scale = float(np.float32(rng.uniform(0.02, 0.2)))
    middle = model.tensor((1, *size, channels), scale, zero_point)
    last = model.tensor((1, *_pooled(size, pool, pool_stride, pool_padding), channels), scale,
                        zero_point)  # fmt: skip
    model.operator(
        "CONV_2D", [0, 1, 2], [middle], "Conv2DOptions", version=3, padding=padding, strideH=1,
        strideW=1, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=activations[0],
    )  # fmt: skip
    model.operator(
        "MAX_POOL_2D", [middle], [last], "Pool2DOptions", version=2, padding=pool_padding,
        filterHeight=pool[0], filterWidth=pool[1], strideH=pool_stride[0], strideW=pool_stride[1],
        fusedActivationFunction=activations[1],
    )  # fmt: skip
    return model, last


def _pooled(
    size: tuple[int, ...], pool: tuple[int, ...], stride: tuple[int, ...], padding: int
) -> list[int]:
    if padding == SAME:
        return [-(-extent // step) for extent, step in zip(size, stride, strict=True)]
    sizes = zip(size, pool, stride, strict=True)
    return [(extent - width) // step + 1 for extent, width, step in sizes]
