"""The runner of a board, over its serial line."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device.session import Session
from glyphite.host.device.wire.messages import Answer
from glyphite.host.runners.base import Outputs, Tensors


@dataclass(frozen=True)
class BoardRunner:
    """Runs the model that the board behind ``session`` holds."""

    session: Session
    name: str = "board"

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """What each output gives (n, values), flat and of its type.

        Raises InputError where the board takes other inputs; LinkError where it does not answer,
        refuses, or received other inputs than were sent.
        """
        results = []
        for answer in self.answers(*inputs):
            results.append(answer.outputs)
            progress(1)
        return tuple(map(np.array, zip(*results, strict=True)))

    def answers(self, *inputs: Tensors) -> Iterator[Answer]:
        """The answer to each sample as it arrives, with the time that the board took.

        Raises InputError and LinkError as :meth:`run` does.
        """
        for sample in zip(*inputs, strict=True):
            yield self.session.infer(*sample)
