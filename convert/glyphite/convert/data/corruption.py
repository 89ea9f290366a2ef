"""One corruption of samples: what it is called, by how much, and how it is applied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Values = NDArray[np.float32]
Change = Callable[[Values, np.random.Generator], Values]
"""Values of some samples to those of the corrupted ones. It draws random numbers of one kind alone,
in the order of the samples, so that the first samples are the same however many follow."""

AT_A_TIME = 1000
"""Samples that are corrupted together."""


class Layout(Protocol):
    """How samples of a data set lie, and which values they can have."""

    def opened(self, raw: Array) -> Values:
        """Raw samples as the changes take them."""

    def closed(self, values: Values, raw: Array) -> Array:
        """The same back as raw samples: of the shape, type and range of ``raw``, what they were."""


@dataclass(frozen=True)
class Corruption:
    """One way in which samples come out worse, and by how much."""

    name: str
    """What is done: ``shifted``, ``noisy``."""
    how: str
    """The same before the amount: ``shifted by``, ``noise of``."""
    amount: float
    unit: str
    """``pixels``, ``degrees`` or ``%``."""
    change: Change
    layout: Layout
    place: int
    """Its number in the list of all, which its random numbers depend on."""

    @property
    def text(self) -> str:
        """In words, as a table has it: ``shifted by 2 pixels``."""
        return f"{self.how} {self.extent}"

    @property
    def extent(self) -> str:
        """The amount with its unit: ``2 pixels``."""
        unit = self.unit[:-1] if self.amount == 1 and self.unit != "%" else self.unit
        return f"{self.amount:g} {unit}"

    def apply(self, raw: Array, seed: int) -> Array:
        """Raw samples (n, *shape) as they come out; of the same shape and type."""
        random = np.random.default_rng((seed, self.place))
        corrupted = np.empty_like(raw)
        for start in range(0, len(raw), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            values = self.change(self.layout.opened(raw[part]), random)
            corrupted[part] = self.layout.closed(values, raw[part])
        return corrupted
