"""Models as other converters leave them: dynamic batches, subgraphs that nobody calls."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.builders.models import ModelBuilder, pack

DYNAMIC = {"axis": 0, "valuesCount": 3}


def reshaped(*, shrink: int = 1, begin: int = 0, offset: bool = False, entries: int = 3) -> bytes:
    """RELU, and a RESHAPE as Keras leaves it behind: to the batch it finds, and 2x3."""
    model = ModelBuilder()
    first, middle = model.tensor((1, 6), 0.05, 3), model.tensor((1, 6), 0.04, -7)
    shape = model.tensor((2,), dtype="INT32")
    bounds = [
        model.tensor((1,), data=np.array([value], np.int32), dtype="INT32")
        for value in (begin, begin + 1, 1)
    ]
    batch = model.tensor(() if shrink else (1,), dtype="INT32")
    sides = [model.tensor((), data=np.array(n, np.int32), dtype="INT32") for n in (2, 3)]
    packed = model.tensor((entries,), dtype="INT32")
    last = model.tensor((1, 2, 3), 0.04, -7)
    model.operator("RELU", [first], [middle])
    model.operator("SHAPE", [middle], [shape], "ShapeOptions", outType=schema.TensorType.INT32)
    model.operator(
        "STRIDED_SLICE", [shape, *bounds], [batch], "StridedSliceOptions",
        shrinkAxisMask=shrink, offset=offset,
    )  # fmt: skip
    model.operator("PACK", [batch, *sides], [packed], "PackOptions", **DYNAMIC)
    model.operator("RESHAPE", [middle, packed], [last])
    return model.build([first], [last])


def repacked(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The file with what ``change`` does to its tables."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    change(model)
    return pack(model)


def with_second_subgraph(content: bytes) -> bytes:
    """The model with another subgraph behind its own, which nothing calls."""

    def add(model: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
        model.subgraphs.append(schema.SubGraphT())

    return repacked(content, add)
