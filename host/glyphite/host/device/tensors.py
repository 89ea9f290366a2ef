"""Tensors that go to a board and come from it, held against what it says of its model."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError, LinkError
from glyphite.host.device.wire.messages import Hello, InferReply


def ensure_taken(url: str, board: Hello, inputs: Sequence[NDArray[Any]]) -> None:
    """Make sure that ``board`` takes ``inputs``: (n, *shape) for each of its model's inputs.

    Raises InputError where they are of other shapes or types, LinkError where it tells none.
    """
    both = (*board.inputs, *board.outputs)
    if not (board.inputs and board.outputs and all(tensor.shape for tensor in both)):
        raise LinkError(
            f"The board on {url} does not tell the shapes of its model's input and output. Build "
            "its firmware again, and flash it."
        )
    if not all(isinstance(array, np.ndarray) for array in inputs):
        raise InputError(
            "Samples are numpy arrays, and this is "
            f"{' and '.join(type(array).__name__ for array in inputs)}. Convert it by numpy."
        )
    given = [(array.dtype, math.prod(array.shape[1:])) for array in inputs if array.ndim]
    if given != [(taken.dtype, math.prod(taken.shape)) for taken in board.inputs]:
        wanted = " and ".join(f"{taken.dtype} of shape {taken.shape}" for taken in board.inputs)
        found = " and ".join(map(_described, inputs)) or "nothing"
        raise InputError(
            f"The board takes {wanted}, and this is {found}. Prepare the input by the manifest of "
            f"{board.model_name!r}."
        )
    counts = [len(array) for array in inputs]
    if len(set(counts)) > 1:
        raise InputError(
            f"The inputs are of {' and '.join(map(str, counts))} samples, and each sample has all "
            "of them. Give as many of each."
        )


def _described(array: NDArray[Any]) -> str:
    """An array for people: it is easily one sample where it should be some."""
    if not array.ndim:
        return f"one {array.dtype}, and no samples"
    count = f"{len(array):,} sample{'' if len(array) == 1 else 's'}"
    return f"{array.dtype} of shape {array.shape[1:]} for each of {count}"


def outputs_of(url: str, board: Hello, reply: InferReply) -> tuple[NDArray[Any], ...]:
    """The output tensors in a reply, flat. Raises LinkError where a number is not finite."""
    sizes = [output.bytes for output in board.outputs]
    ends = [0, *accumulate(sizes)]
    return tuple(
        _finite(url, np.frombuffer(reply.scores[start:end], output.dtype))
        for output, start, end in zip(board.outputs, ends, ends[1:], strict=False)
    )


def _finite(url: str, scores: NDArray[Any]) -> NDArray[Any]:
    if scores.dtype != np.int8 and not np.isfinite(scores).all():
        raise LinkError(
            f"The board on {url} answered with a score that is not a number "
            f"({scores[~np.isfinite(scores)][0]}). Build its firmware again, and flash it."
        )
    return scores
