"""The course of a search: who trains which network, and what the study is told of it."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from glyphite.convert.data.dataset import Labels
from glyphite.convert.errors import TimeLimitError, ToolError
from glyphite.convert.text import MOST_OF_A_LINE, printable
from glyphite.host.cli.search_trial import Figures, Work, attempt
from glyphite.host.measure.weigh import BeyondError, require_weights
from glyphite.train.search.study import Asked, Record, Study

AIMS = ("cycles", "ram", "flash")
"""What may be little, beside errors."""
LOOK_SECONDS = 0.5
"""The longest wait for figures in one go, so that Ctrl-C is heard on every system."""
MOST_FAILURES = 3
"""Trials in a row whose process has died: then it is not the network."""

Told = Callable[[int, str, Figures, int | None], None]
"""Called with a trial's number, the network's title, what came of it, and the number of the trial
that had the same network before."""


def directions(work: Work, aims: Sequence[str]) -> list[str]:
    """What is to be large, and what small: the score, and each aim."""
    has_classes = isinstance(work.lessons.data.train.targets, Labels)
    return ["maximize" if has_classes else "minimize", *("minimize" for _ in aims)]


def values_of(figures: Figures, aims: Sequence[str]) -> list[float]:
    """The score and each aim of a network. Raises ValueError of one that was not trained."""
    if figures.score is None or figures.weight is None:
        raise ValueError("of a network that was not trained")
    of = asdict(figures.weight)
    return [figures.score, *(float(of[aim]) for aim in aims)]


def figures_of(record: Record) -> Figures:
    """What came of a trial, as it was told to the study.

    Raises msgspec.ValidationError where somebody else has told it.
    """
    return msgspec.convert(record.figures["figures"], Figures)


@dataclass
class Search:
    """A search that is run."""

    study: Study
    work: Work
    aims: Sequence[str]
    told: Told
    notify: Callable[[str], None]
    """Called with a sentence on a trial of which nothing came."""

    def run(self, trials: int, executors: Sequence[Executor]) -> None:
        """Go on until so many trials have ended, one at a time by each of ``executors``.

        Raises what :func:`attempt` does, and ToolError where processes die again and again.
        """
        self._known = {record.drawn.layers: record for record in self.study.records}
        free, left = list(executors), trials - len(self.study.records)
        running: dict[Future[Figures], tuple[Asked, Executor]] = {}
        self._failures = 0
        try:
            while left > 0 or running:
                while free and left > 0:
                    left -= 1
                    asked = self.study.ask()
                    if not self._is_told_at_once(asked):
                        executor = free.pop()
                        running[self._given(executor, asked)] = asked, executor
                done, _ = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    asked, executor = running.pop(future)
                    free.append(executor)
                    left += not self._take(asked, future)
        finally:
            for future in running:
                future.cancel()

    def _is_told_at_once(self, asked: Asked) -> bool:
        """Whether nothing needs to be trained: it was before, or its weights alone are too much."""
        before = self._known.get(asked.drawn.layers)
        if before is not None:
            self._tell(asked, figures_of(before), same_as=before.number)
            return True
        try:
            require_weights(asked.drawn.weights, self.work.board, self.work.limits)
        except BeyondError as error:
            self._tell(asked, Figures(str(error), error.excess))
            return True
        return False

    def _given(self, executor: Executor, asked: Asked) -> "Future[Figures]":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # the samples
            return executor.submit(attempt, self.work, asked.number, asked.drawn)

    def _take(self, asked: Asked, future: "Future[Figures]") -> bool:
        """Whether figures came of it. Raises what is wrong with more than this network."""
        try:
            figures = future.result()
        except (Exception, CancelledError) as error:  # whatever an executor fails by
            self.study.fail(asked)
            if isinstance(error, ToolError) and not isinstance(error, TimeLimitError):
                raise
            self._failures += 1
            said = printable(f"{type(error).__name__}: {error}", MOST_OF_A_LINE)
            if self._failures >= MOST_FAILURES:
                raise ToolError(
                    f"{MOST_FAILURES} trials in a row ended without figures, the last by {said}. "
                    "Is there memory enough? Ask for fewer --jobs, or for fewer --samples."
                ) from error
            title = f"Trial {asked.number} ({asked.drawn.title})"
            self.notify(f"{title}: nothing came of it ({said}). Another one is drawn.")
            return False
        self._failures = 0
        self._tell(asked, figures)
        return True

    def _tell(self, asked: Asked, figures: Figures, same_as: int | None = None) -> None:
        kept: dict[str, Any] = {"figures": asdict(figures), "same_as": same_as}
        if figures.refused:
            record = self.study.refuse(asked, figures.excess, kept)
        else:
            record = self.study.finish(asked, values_of(figures, self.aims), kept)
        self._known.setdefault(asked.drawn.layers, record)
        self.told(asked.number, asked.drawn.title, figures, same_as)
