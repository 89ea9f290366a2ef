"""A board over its serial line: a runner like any other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glyphite.host.device.session import Session
from glyphite.host.device.wire.messages import Answer
from glyphite.host.runners.base import Advance, Scores, Tensors, ignore_progress


@dataclass(frozen=True)
class BoardRunner:
    """Runs the model that the board behind ``session`` holds."""

    session: Session
    name: str = "board"

    def run(self, tensors: Tensors, advance: Advance = ignore_progress) -> Scores:
        """The scores (n, classes), of the type of the model's output."""
        results = []
        for answer in self.answers(tensors):
            results.append(answer.scores)
            advance(1)
        return np.array(results)

    def answers(self, tensors: Tensors) -> Iterator[Answer]:
        """Each image's answer as it comes: scores and the time that they took the board."""
        for tensor in tensors:
            yield self.session.infer(tensor)
