"""Verdicts on shortcuts that the generated C may take, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """Whether something is so for these very weights, scales and shapes; true where it is.

    What chooses a kernel asks for it, and ``glyphite inspect`` shows the same verdict.
    """

    name: str
    """What would be so, in a few words."""
    holds: bool
    detail: str
    """The numbers that decided, or why it does not hold."""

    def __bool__(self) -> bool:
        return self.holds
