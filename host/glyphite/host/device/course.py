"""How the inferences that a session is asked for go on, and when that was last noticed."""

import math
from dataclasses import dataclass

from glyphite.convert.errors import InputError

MOST_SECONDS = 1e6
"""The longest wait that may be asked for."""


def seconds_of(name: str, given: float | None, usual: float) -> float:
    """The wait ``name`` of a call, or the usual one. Raises InputError where it cannot be."""
    try:
        seconds = float(usual if given is None else given)
    except (TypeError, ValueError):  # of a caller that checks no types
        seconds = math.nan
    if not 0 < seconds <= MOST_SECONDS:
        raise InputError(
            f"{name}={given!r} cannot be waited for. Give seconds, above 0 and at most "
            f"{MOST_SECONDS:,.0f}, or leave it out for {usual:g}."
        )
    return seconds


@dataclass
class Course:
    """How the inferences of one call go."""

    progress: float
    """When the last answer came, by the line's clock; at first the beginning."""
    since: float = 0.0
    """When the wait for the next answer began."""
    overdue: int = 0
    """How many times in a row no answer came in time."""
    restarts: int = 0
    """How many restarts were noticed since the last answer."""
    missed: int = 0
    """How often in a row it said hello, had not run its model, and no damage was heard."""
    overlong: int = 0
    """How often since then something came that is longer than any frame."""
    texts: int = 0
    """How often since then the board printed text, and its count of inferences did not go back."""

    def __post_init__(self) -> None:
        self.since = self.progress

    def answered(self, now: float) -> None:
        """An answer came."""
        self.progress = self.since = now
        self.overdue = self.restarts = self.texts = self.missed = self.overlong = 0
