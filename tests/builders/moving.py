"""Models of operators that move, join, pad or average values, or only see them otherwise."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.builders.models import ModelBuilder, Shape

Quantum = tuple[float, int]
"""Scale and zero point."""


def mean(
    shape: Shape,
    axes: Sequence[int],
    *,
    keep: bool = False,
    source: Quantum = (0.02, -11),
    target: Quantum = (0.02, -11),
) -> bytes:
    """A model of one mean."""
    model = ModelBuilder()
    first = model.tensor(shape, *source)
    table = np.array(axes, np.int32)
    over = model.tensor(table.shape, data=table, dtype="INT32")
    gone = {axis % len(shape) for axis in axes}
    left = [1 if a in gone else size for a, size in enumerate(shape) if keep or a not in gone]
    last = model.tensor(tuple(left), *target)
    model.operator("MEAN", [first, over], [last], "ReducerOptions", version=2, keepDims=keep)
    return model.build([first], [last])


def pad(
    shape: Shape,
    paddings: Sequence[tuple[int, int]],
    *,
    value: int | None = None,
    other: Quantum = (0.1, 9),
) -> bytes:
    """A model of one PAD, or of one PADV2 where the value is given."""
    model = ModelBuilder()
    first = model.tensor(shape, 0.1, 9)
    values = np.array(paddings, np.int32)
    inputs = [first, model.tensor(values.shape, data=values, dtype="INT32")]
    if value is not None:
        inputs.append(model.tensor((1,), *other, data=np.array([value], np.int8)))
    grown = tuple(
        size + before + behind for size, (before, behind) in zip(shape, paddings, strict=True)
    )
    last = model.tensor(grown, 0.1, 9)
    if value is None:
        model.operator("PAD", inputs, [last], "PadOptions", version=2)
    else:
        model.operator("PADV2", inputs, [last], "PadV2Options", version=2)
    return model.build([first], [last])


def transpose(shape: Shape, axes: Sequence[int], told: Shape | None = None) -> bytes:
    """A model of one TRANSPOSE; ``told``: what the output says of its shape, if not the truth."""
    model = ModelBuilder()
    first = model.tensor(shape, 0.1, 9)
    order = np.array(axes, np.int32)
    inputs = [first, model.tensor(order.shape, data=order, dtype="INT32")]
    moved = told or tuple(shape[axis] for axis in axes)
    last = model.tensor(moved, 0.1, 9)
    model.operator("TRANSPOSE", inputs, [last], "TransposeOptions", version=2)
    return model.build([first], [last])


def concatenation(
    widths: Sequence[int],
    axis: int,
    *,
    target: Quantum = (0.1, 9),
    activation: int = 0,
    told_axis: int | None = None,
) -> bytes:
    """Parts of the input (1, 4, 6, 2) joined along an axis; each is as wide as told.

    A part of the input's own width is the input itself, any other is cut out of it by pooling or,
    along the channels, by padding.
    """
    model = ModelBuilder()
    shape = [1, 4, 6, 2]
    first = model.tensor(tuple(shape), 0.1, 9)
    parts = []
    for width in widths:
        if width == shape[axis]:
            parts.append(first)
            continue
        size = [*shape]
        size[axis] = width
        part = model.tensor(tuple(size), 0.1, 9)
        if width > shape[axis]:
            table = np.zeros((4, 2), np.int32)
            table[axis, 1] = width - shape[axis]
            paddings = model.tensor((4, 2), data=table, dtype="INT32")
            model.operator("PAD", [first, paddings], [part], "PadOptions", version=2)
        else:
            cut = [1 + shape[a] - size[a] for a in (1, 2)]
            model.operator(
                "MAX_POOL_2D", [first], [part], "Pool2DOptions", version=2, padding=1, strideH=1,
                strideW=1, filterHeight=cut[0], filterWidth=cut[1],
            )  # fmt: skip
        parts.append(part)
    shape[axis] = sum(widths)
    last = model.tensor(tuple(shape), *target)
    model.operator(
        "CONCATENATION", parts, [last], "ConcatenationOptions", version=2,
        axis=axis if told_axis is None else told_axis, fusedActivationFunction=activation,
    )  # fmt: skip
    return model.build([first], [last])


def viewed(kind: str, shape: Shape, axis: int | None = None) -> bytes:
    """A pooling of (1, 4, 6, 2), seen in another shape, then a softmax over its last axis."""
    model = ModelBuilder()
    first = model.tensor((1, 4, 6, 2), 0.1, 9)
    pooled = model.tensor((1, 1, 6, 2), 0.1, 9)
    model.operator(
        "MAX_POOL_2D", [first], [pooled], "Pool2DOptions", version=2, padding=1, strideH=1,
        strideW=1, filterHeight=4, filterWidth=1,
    )  # fmt: skip
    inputs = [pooled]
    if axis is not None:
        inputs.append(model.tensor((1,), data=np.array([axis], np.int32), dtype="INT32"))
    seen = model.tensor(shape, 0.1, 9)
    options = {"SQUEEZE": "SqueezeOptions", "EXPAND_DIMS": "ExpandDimsOptions"}[kind]
    fields: dict[str, Any] = {"squeezeDims": [1]} if kind == "SQUEEZE" else {}
    model.operator(kind, inputs, [seen], options, **fields)
    last = model.tensor(shape, 1 / 256, -128)
    model.operator("SOFTMAX", [seen], [last], "SoftmaxOptions", version=2, beta=1.0)
    return model.build([first], [last])
