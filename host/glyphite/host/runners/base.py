"""The interface of everything that runs a model: input tensors in, scores out."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.progress import Progress, ignore_progress

Tensors = NDArray[Any]
"""Input tensors (n, *input_shape), int8 or float32, as the model's input is."""
Scores = NDArray[Any]
"""(n, classes), int8 or float32, as the model's output is; float32 from the float runner."""

TITLES = {
    "float": "float (Keras)",
    "int8_litert": "int8 (LiteRT)",
    "int8_tflm": "int8 (TFLM)",
    "c": "int8 (generated C)",
    "board": "int8 (board)",
}
"""For people, by a runner's name."""

SHORT = {"float": "float", "int8_litert": "LiteRT", "int8_tflm": "TFLM", "c": "C", "board": "board"}
"""The same where there is little room."""


class Runner(Protocol):
    """Something that runs the model. Whoever uses a runner knows nothing else of it."""

    @property
    def name(self) -> str:
        """A key of ``TITLES``."""

    def run(self, tensors: Tensors, progress: Progress = ignore_progress) -> Scores:
        """The scores (n, classes) of ``tensors``. Raises a GlyphiteError where there are none.

        ``progress`` is called with the number of images finished since the last call.
        """


def package_version(package: str) -> str:
    """The version of an installed package, or "" where it is absent."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def chunks(tensors: Tensors, size: int) -> Iterator[Tensors]:
    """The images in order, ``size`` at a time; the last chunk may be shorter."""
    for start in range(0, len(tensors), size):
        yield tensors[start : start + size]


def require_shape(
    tensors: Tensors, shape: tuple[int, ...], dtype: "np.dtype[Any] | type[np.int8]" = np.int8
) -> None:
    """Make sure that ``tensors`` (n, *shape[1:]) are inputs of a model whose input has ``shape``.

    The first axis of ``shape`` is the batch. Raises ModelError where shape or ``dtype`` differs.
    """
    wanted = np.dtype(dtype)
    if tensors.shape[1:] != shape[1:] or tensors.dtype != wanted:
        raise ModelError(
            f"The inputs are {tensors.dtype} of shape {tensors.shape[1:]}, and the model takes "
            f"{shape[1:]}. Give one {wanted} array of that shape for each image."
        )
