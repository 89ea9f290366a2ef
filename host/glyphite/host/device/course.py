"""How the inferences that a session is asked for go on, and when that was last noticed."""

from dataclasses import dataclass


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
    texts: int = 0
    """How often since then the board printed text, and its count of inferences did not go back."""

    def __post_init__(self) -> None:
        self.since = self.progress

    def answered(self, now: float) -> None:
        """An answer came."""
        self.progress = self.since = now
        self.overdue = self.restarts = self.texts = 0
