"""The runner of a board, over its serial line."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device.session import Session
from glyphite.host.device.wire.messages import Answer
from glyphite.host.runners.base import Scores, Tensors


@dataclass(frozen=True)
class BoardRunner:
    """Runs the model that the board behind ``session`` holds."""

    session: Session
    name: str = "board"

    def run(self, tensors: Tensors, progress: Progress = ignore_progress) -> Scores:
        """The scores (n, classes), of the type of the model's output.

        Raises InputError where the board takes other inputs; LinkError where it does not answer,
        refuses, or received other inputs than were sent.
        """
        results = []
        for answer in self.answers(tensors):
            results.append(answer.scores)
            progress(1)
        return np.array(results)

    def answers(self, tensors: Tensors) -> Iterator[Answer]:
        """The answer to each input as it arrives, with the time that the board took.

        Raises InputError and LinkError as :meth:`run` does.
        """
        for tensor in tensors:
            yield self.session.infer(tensor)
