"""What a kind of input is to the campaign: how it is made, and the product's one way in for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from tests.fuzz import bytewise

Rng = np.random.Generator
Value = TypeVar("Value")


class WrongError(Exception):
    """An input was accepted, and what was read of it is not what is in it, or cannot be."""


class Way(Protocol):
    """One kind of input."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is its own, and empty."""

    def make(self, rng: Rng) -> bytes:
        """A damaged input, or now and then a sound one."""

    def read(self, content: bytes) -> bool:
        """Read it as the product does: whether it was accepted, or else left out.

        Raises GlyphiteError where it is refused, WrongError where it should have been.
        """


def require(found: object, what: str) -> None:
    """WrongError unless ``found`` is true."""
    if not found:
        raise WrongError(what)


def bytes_damaged(content: bytes, rng: Rng) -> bytes:
    """Mutations of bytes anywhere: those of a .tflite leave its first eight as they are."""
    spared = bytes(8)
    return bytewise.mutate(spared + content, spared + content, rng)[8:]


def one_of(rng: Rng, values: Sequence[Value]) -> Value:
    """One of ``values``, whatever they are."""
    return values[int(rng.integers(len(values)))]
