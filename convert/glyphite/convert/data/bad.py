"""Samples that cannot be used: all of them are found before one sentence tells of them."""

from glyphite.convert.data.options import ON_BAD, OnBad
from glyphite.convert.errors import DataError

MOST_NAMED = 3
"""Samples that a message names; of more, it gives the number."""


def listed(names: list[str], count: int) -> str:
    """The first of ``count`` names, and how many more there are."""
    more = count - len(names[:MOST_NAMED])
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


class Bad:
    """Those of one source. ``noun`` is what they are, ``whole`` where they lie, for messages."""

    def __init__(self, noun: str, whole: str, on_bad: OnBad) -> None:
        self._noun, self._whole, self._on_bad = noun, whole, on_bad
        self._named: list[str] = []
        self._count = 0

    def add(self, name: str) -> None:
        """One more; its ``name`` says where it is and what is wrong with it."""
        self._count += 1
        if self._count <= MOST_NAMED:
            self._named.append(name)

    def end(self, good: int, notes: list[str]) -> None:
        """Add a sentence to ``notes`` where there are any, beside so many that are ``good``.

        Raises DataError where they may not be left out, or none is good.
        """
        if not self._count:
            return
        found = (
            f"{self._count:,} of {good + self._count:,} {self._noun} of {self._whole} cannot be "
            f"read: {listed(self._named, self._count)}"
        )
        if self._on_bad is OnBad.REFUSE or not good:
            way_out = f", or say {ON_BAD} {OnBad.LEAVE_OUT}" if good else ""
            raise DataError(f"{found}. Mend or remove them{way_out}.")
        notes.append(f"{found}: left out.")
