"""Whose turn it is at the board: each browser has one place in the row, and its newest request.

A browser that asks without a pause replaces its own request where it stands, and is behind all
others once it was served: with n browsers, each gets every n-th inference.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from glyphite.host.device.wire.messages import Answer
from glyphite.host.runners.base import Tensors


@dataclass(eq=False)
class Job:
    """One sample for the board."""

    client: int
    tensor: Tensors
    """(1, *shape)."""
    answer: "Future[Answer | None]" = field(default_factory=Future)
    """None where the board does not answer now, or the browser has asked something newer."""

    def settle(self, answer: Answer | None) -> None:
        """Give the answer to who waits for it. Only the first one counts."""
        with suppress(Exception):  # it has one, or nobody waits any more
            self.answer.set_result(answer)


class Turns:
    """The row of browsers that wait for the board; for any threads."""

    def __init__(self) -> None:
        self._row: OrderedDict[int, Job] = OrderedDict()
        self._changed = threading.Condition()

    def offer(self, job: Job) -> None:
        """Let a browser's request wait in its place, or at the end where it has none."""
        with self._changed:
            former = self._row.get(job.client)
            self._row[job.client] = job
            self._changed.notify()
        if former is not None:
            former.settle(None)

    def next(self, seconds: float) -> Job | None:
        """The request whose turn it is; None where there is none within so many seconds."""
        with self._changed:
            if not self._row:
                self._changed.wait(seconds)
            return self._row.popitem(last=False)[1] if self._row else None

    def leave(self, client: int) -> None:
        """A browser has gone."""
        with self._changed:
            former = self._row.pop(client, None)
        if former is not None:
            former.settle(None)

    def dismiss(self) -> None:
        """Nobody is served now: all who wait are told so."""
        with self._changed:
            waiting = list(self._row.values())
            self._row.clear()
            self._changed.notify_all()
        for job in waiting:
            job.settle(None)
