"""Models of one operator over one value, which the compiler turns into a table."""

import numpy as np

from tests.builders.models import ModelBuilder

Scaling = tuple[float, int]
"""Scale and zero point."""


EVERY_INPUT = np.arange(-128, 128).astype(np.int8).reshape(1, 2, 128)


def unary(kind: str, source: Scaling, output: Scaling, alpha: float | None = None) -> bytes:
    """A model of one operator, (1, 2, 128); ``alpha`` is that of a LEAKY_RELU."""
    model = ModelBuilder()
    first, last = (model.tensor((1, 2, 128), *scaling) for scaling in (source, output))
    if alpha is None:
        model.operator(kind, [first], [last])
    else:
        model.operator(kind, [first], [last], "LeakyReluOptions", alpha=alpha)
    return model.build([first], [last])
