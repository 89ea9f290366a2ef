"""Models with float input or output: QUANTIZE and DEQUANTIZE at their edges."""

from tests.builders.models import ModelBuilder, Shape


def quantize(shape: Shape, scale: float, zero_point: int) -> bytes:
    """Float in, int8 out."""
    model = ModelBuilder()
    first, last = model.tensor(shape, dtype="FLOAT32"), model.tensor(shape, scale, zero_point)
    model.operator("QUANTIZE", [first], [last], "QuantizeOptions")
    return model.build([first], [last])


def dequantize(shape: Shape, scale: float, zero_point: int) -> bytes:
    """Int8 in, float out."""
    model = ModelBuilder()
    first, last = model.tensor(shape, scale, zero_point), model.tensor(shape, dtype="FLOAT32")
    model.operator("DEQUANTIZE", [first], [last], "DequantizeOptions", version=2)
    return model.build([first], [last])


def not_compiled() -> bytes:
    """Float to float: QUANTIZE, MAXIMUM, for which the compiler has no kernel, DEQUANTIZE."""
    model = ModelBuilder()
    first, last = (model.tensor((1, 3), dtype="FLOAT32") for _ in range(2))
    a, b = model.tensor((1, 3), 0.05, 7), model.tensor((1, 3), 0.05, 7)
    model.operator("QUANTIZE", [first], [a])
    model.operator("MAXIMUM", [a, a], [b], "MaximumMinimumOptions", version=2)
    model.operator("DEQUANTIZE", [b], [last])
    return model.build([first], [last])


def network() -> bytes:
    """Float to float: QUANTIZE, a pooling of five values to two, TANH, ADD, DEQUANTIZE."""
    model = ModelBuilder()
    first = model.tensor((1, 5, 1, 3), dtype="FLOAT32")
    a, b = model.tensor((1, 5, 1, 3), 0.05, 7), model.tensor((1, 2, 1, 3), 0.05, 7)
    c, d = model.tensor((1, 2, 1, 3), 1 / 128, 0), model.tensor((1, 2, 1, 3), 0.06, -9)
    last = model.tensor((1, 2, 1, 3), dtype="FLOAT32")
    model.operator("QUANTIZE", [first], [a])
    model.operator("MAX_POOL_2D", [a], [b], "Pool2DOptions", version=2, padding=1, filterHeight=2,
                   filterWidth=1, strideH=2, strideW=1)  # fmt: skip
    model.operator("TANH", [b], [c])
    model.operator("ADD", [c, b], [d], "AddOptions", version=2)
    model.operator("DEQUANTIZE", [d], [last])
    return model.build([first], [last])
