"""The mutants: each follows from the seed and its number alone."""

from dataclasses import dataclass

import numpy as np

from tests.fuzz import bases, bytewise, structured


@dataclass(frozen=True)
class Mutant:
    """A damaged .tflite."""

    number: int
    base: str
    content: bytes


def mutant(seed: int, number: int) -> Mutant:
    """Of bytes, of structure, or of both; one in fifty is left as it is, to see that it passes."""
    rng = np.random.default_rng([seed, number])
    base, content = bases.draw(rng)
    how = rng.random()
    if how < 0.6:
        content = structured.mutate(content, rng)
    if 0.55 < how < 0.98:
        content = bytewise.mutate(content, bases.draw(rng)[1], rng)
    return Mutant(number, base, content)
