"""What the server knows and asks on behalf of browsers: the model, this PC's engines, the board."""

import asyncio
import math
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.manifest import Manifest
from glyphite.host.device.wire.messages import Answer as BoardAnswer
from glyphite.host.measure.times import BOARD, PC, clock_at
from glyphite.host.serve.board import Board
from glyphite.host.serve.engines import Float, Reference
from glyphite.host.serve.inputs import Inputs, Seen
from glyphite.host.serve.messages import (
    Answer,
    BoardState,
    EngineAnswer,
    ModelInfo,
    Read,
    ReadValues,
    Sample,
)
from glyphite.host.serve.turns import Job, Turns

BOARD_SECONDS = 10.0
"""After so long without the board's answer, a browser gets that of this PC alone."""
WORDS = {BOARD: "by its own clock", PC: "on this PC", None: "by the emulated clock"}


class Desk:
    """One model and its board, for all browsers."""

    def __init__(
        self, inputs: Inputs, labels: tuple[str, ...], reference: Reference, floats: Float,
        *, shares: bool, has_samples: bool,
    ) -> None:  # fmt: skip
        self.turns = Turns()
        self.has_samples = has_samples
        self.model = ModelInfo(inputs.kind, labels, inputs.shape, shares)
        self._inputs, self._reference, self._floats = inputs, reference, floats
        self._board: Board | None = None
        self._listener: Callable[[BoardState], None] | None = None
        self._samples = count()

    def connect(self, url: str, baud: int, named: str) -> Board:
        """Connect to the board; the caller ends it. Raises what :meth:`Board.begin` does."""
        self._board = Board(url, baud, self._manifest, named, turns=self.turns, told=self._heard)
        self._url = url
        self._board.begin()
        return self._board

    @property
    def _manifest(self) -> Manifest:
        return self._inputs.manifest

    @property
    def state(self) -> BoardState:
        """How it stands with the board."""
        if self._board is None:
            return BoardState("connecting", "There is no board yet.")
        return self._board.state

    def on_state(self, listener: Callable[[BoardState], None]) -> None:
        """Let ``listener`` be called with each new state, in the board's thread."""
        self._listener = listener

    def _heard(self, state: BoardState) -> None:
        if self._listener is not None:
            self._listener(state)

    def leave(self, client: int) -> None:
        """A browser has gone."""
        self.turns.leave(client)

    def next_sample(self) -> Sample:
        """Another test sample. Raises what loading the data does."""
        return self._inputs.sample(next(self._samples))

    def see(self, asked: Read | ReadValues) -> Seen:
        """Raises ImageError or InputError where the model cannot take it."""
        if isinstance(asked, ReadValues):
            return self._inputs.of_values(asked)
        return self._inputs.of_picture(asked.picture)

    async def ask_board(self, client: int, seen: Seen) -> BoardAnswer | None:
        """The board's answer; None where it is away, or silent."""
        if self._board is None or not self._board.answers():
            return None
        job = Job(client, seen.tensor)
        self.turns.offer(job)
        if not self._board.answers():  # it went meanwhile, and has dismissed all before this one
            job.settle(None)
        waiting = asyncio.wrap_future(job.answer)
        done, _ = await asyncio.wait([waiting], timeout=BOARD_SECONDS)
        return waiting.result() if done else None

    def answer(self, seen: Seen, board: BoardAnswer | None) -> Answer:
        """What all engines say. Raises what those of this PC do."""
        right = self._reference.run(seen.tensor)
        engines = []
        if board is not None:
            scores = board.outputs[0]
            differs = scores.tobytes() != right.scores.tobytes()
            time = None if math.isnan(board.seconds) else 1000 * board.seconds
            words = WORDS[clock_at(self._url, self.state.board)]
            engines.append(self._engine("board", scores, time, words, differs=differs))
        engines.append(self._engine("int8 (PC)", right.scores, right.milliseconds))
        if (floats := self._floats.run(seen.tensor)) is not None:
            engines.append(self._engine("float", floats.scores, floats.milliseconds))
        picture = np.zeros((0, 0), np.uint8) if seen.picture is None else seen.picture
        height, width = picture.shape
        title = self._reference.title
        return Answer(picture.tobytes(), width, height, engines, title, seen.note)

    def _engine(
        self, name: str, scores: NDArray[Any], milliseconds: float | None,
        time_of: str = "", *, differs: bool | None = None,
    ) -> EngineAnswer:  # fmt: skip
        told = scores.tobytes() if scores.dtype == np.int8 else b""
        shown = [float(score) for score in self._shown(scores)]
        return EngineAnswer(name, shown, milliseconds, time_of, told, differs)

    def _shown(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Shares of 1, one a label; or real numbers, of a model without classes."""
        if not self.model.shares:
            return self._manifest.dequantize_output(scores)
        shares = self._manifest.shares(scores[np.newaxis])[0]
        return np.array([1 - shares[0], shares[0]]) if len(shares) == 1 else shares
