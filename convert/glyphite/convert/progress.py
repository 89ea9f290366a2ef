"""How long work reports that it goes on: one type for every callback of progress."""

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[int], None]
"""Called with the number of steps (images, batches, bytes) finished since the last call."""


class NotedProgress(Protocol):
    """A ``Progress`` that also takes a note: a text beside the progress bar."""

    def __call__(self, steps: int = 1, note: str | None = None) -> None:
        """``steps`` more are finished; None leaves the note as it is."""


def ignore_progress(steps: int = 1, note: str | None = None) -> None:
    """A progress callback that does nothing."""
