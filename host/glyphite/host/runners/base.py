"""The interface of everything that runs a model: input tensors in, scores out."""

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.text import counted

Tensors = NDArray[Any]
"""What one input of a model gets: (n, *input_shape), int8 or float32, as that input is."""
Scores = NDArray[Any]
"""What one output gave: (n, classes), int8 or float32, as it is; float32 from the float runner."""
Outputs = tuple[Scores, ...]
"""For each output of a model, in their order."""

TITLES = {
    "float": "float (Keras)",
    "float_litert": "float (LiteRT)",
    "int8_litert": "int8 (LiteRT)",
    "int8_tflm": "int8 (TFLM)",
    "c": "int8 (generated C)",
    "board": "int8 (board)",
}
"""For people, by a runner's name."""


def title_of(name: str, activations: str = "int8") -> str:
    """The same of a model with other ``activations`` than int8."""
    return TITLES[name].replace("int8", activations)


SHORT = {
    **{"float": "float", "float_litert": "float"},
    **{"int8_litert": "LiteRT", "int8_tflm": "TFLM", "c": "C", "board": "board"},
}
"""The same where there is little room."""

FLOATS = ("float", "float_litert")
"""The float model's runners, of which a comparison has one at the most."""


class Runner(Protocol):
    """Something that runs the model. Whoever uses a runner knows nothing else of it."""

    @property
    def name(self) -> str:
        """A key of ``TITLES``."""

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """What each output gives for n samples, of which ``inputs`` has one array an input.

        ``progress`` is called with the number of samples finished since the last call. Raises a
        GlyphiteError where there are no outputs.
        """


def only(inputs: tuple[Tensors, ...]) -> Tensors:
    """The samples of a model's one input. Raises ModelError where there are several inputs."""
    if len(inputs) != 1:
        raise ModelError(
            f"{len(inputs)} inputs are given, and models with one input are supported. "
            "Give one array of samples."
        )
    return inputs[0]


def float_of(names: Iterable[str]) -> str | None:
    """The float model's runner among ``names``; None where there is none."""
    return next((name for name in names if name in FLOATS), None)


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


def require_finite(scores: Scores, model: Path) -> None:
    """Make sure that a float model's ``scores`` (n, classes) are: the largest NaN would be class 0.

    Raises ModelError where one is not.
    """
    if not (finite := np.isfinite(scores).all(axis=1)).all():
        raise ModelError(
            f"{model} answers {np.count_nonzero(~finite):,} of {counted(len(scores), 'input')} "
            "with values "
            "that are not finite. Train the model anew."
        )


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
