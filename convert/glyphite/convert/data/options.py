"""What a person may say of a data set beside its name; nothing here needs numpy.

A verb's options are made of this file before any data is read.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from glyphite.convert.errors import InputError

LARGEST = 3.4028234e38
"""Of a model's floats: beyond it a number is infinite to the model."""


class Kind(StrEnum):
    """What an input is."""

    PICTURE = "picture"
    """Brightness of 0..255: (height, width) or (height, width, channels)."""
    WINDOW = "window"
    """Readings in the order of time: (time, axes), or any other shape of more than one axis."""
    VECTOR = "vector"
    """Numbers without an order: (n,)."""


class OnBad(StrEnum):
    """What becomes of a sample that cannot be used: a picture that is none, a damaged row."""

    REFUSE = "refuse"
    """The whole data set is refused; the message names the samples."""
    LEAVE_OUT = "leave-out"
    """The others are taken; a note of the data set names those that are missing."""


@dataclass(frozen=True)
class Shares:
    """How large the three parts are to be, where a source has no test part of its own.

    Their sum need not be 1. A share of 0 makes an empty part: ``Shares(0, 0, 1)`` tests with all.
    """

    train: float = 0.7
    validation: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        """Raises InputError unless none is negative and some share is above 0."""
        shares = (self.train, self.validation, self.test)
        if not (min(shares) >= 0 and 0 < sum(shares) < math.inf):
            raise InputError(
                f"The shares {', '.join(f'{share:g}' for share in shares)} make no parts: numbers "
                "from 0 on are allowed, one of them above 0, for example 70, 10, 20."
            )


ON_BAD = "--on-bad"
WINDOW = "--window"
STEP = "--step"
LABEL = "--label"
NUMBERS = "--numbers"
"""Names of options, as the ways out in messages have them."""

LARGEST_SEED = 2**32 - 1
NO_LABEL = "none"
"""As the label's column: there is none, all columns are inputs."""


def _nobody(_: str) -> None:
    """Whoever is told of progress by default."""


@dataclass(frozen=True)
class Options:
    """What the sources need to know beside where the data lie."""

    kind: Kind | None = None
    """None: found by shape and values."""
    shape: tuple[int, ...] | None = None
    """Of one input, without the batch: pictures are scaled to it, and rows of numbers laid out."""
    label: tuple[str, ...] = ()
    """Columns of a CSV that are the target, or ``("none",)``; empty: the column `label`, `class` or
    `target`, else the last."""
    numbers: bool = False
    """Targets are numbers to be met (regression), also where they are whole."""
    window: int | None = None
    """Rows of a recording that make one input; None: what fills the shape, else the length that all
    recordings have."""
    step: int | None = None
    """Rows from the beginning of a window to that of the next; None: half a window."""
    on_bad: OnBad = OnBad.REFUSE
    shares: Shares = field(default_factory=Shares)
    seed: int = 1
    """Of the split that is made where the source has none."""
    report: Callable[[str], None] = _nobody
    """Called with a line of text where something takes long."""

    def __post_init__(self) -> None:
        """Raises InputError where the seed is none."""
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InputError(f"The seed {self.seed} is none: 0 to {LARGEST_SEED:,} is.")
