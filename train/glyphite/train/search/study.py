"""The study of a search: what Optuna has drawn and was told, kept in one file.

One process reads and writes it; whoever trains gets networks and gives figures. A trial that was
cut short is drawn again by the next process.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glyphite.convert.errors import InputError, ToolError
from glyphite.convert.extras import remedy
from glyphite.convert.text import printable
from glyphite.train.search.mutate import mutated
from glyphite.train.search.space import Choice, Drawn, Draws, Fixed, draw, known

NAME = "search"
SETTINGS, FIGURES, ANEW = "settings", "figures", "drawn anew"
"""Of the study, and of its trials."""
LEAST_EXCESS = 1e-6
"""Of what is over a limit: what is not is 0 or less."""

NEAR = 0.5
"""The probability that a trial is near a good one; and then, that this is the best one."""
MOST_TRIES = 20
"""Until one is found that was not drawn before."""


@dataclass(frozen=True)
class Record:
    """A trial that has ended."""

    number: int
    drawn: Drawn
    figures: dict[str, Any]
    """As they were told."""
    values: tuple[float, ...] | None
    """Of the aims; None where it was refused before it was trained, or failed."""


class Study:
    """A search that goes on where it ended.

    ``settings`` say what its figures are of. Raises ToolError where Optuna is not installed,
    InputError where the file is none of a search, is of one with other settings, or cannot be
    written.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, object],
        directions: Sequence[str],
        space: tuple[tuple[int, ...], int, str | None],
        seed: int,
    ) -> None:
        self.space, self._directions, self._seed = space, tuple(directions), seed
        optuna = load_optuna()
        self._states = optuna.trial.TrialState
        is_new = not path.exists()
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path.absolute()}")
            self._study = optuna.create_study(
                storage=storage, study_name=NAME, directions=list(directions), load_if_exists=True
            )
            self._require_same(path, settings, is_new)
            self._study.sampler = optuna.samplers.TPESampler(
                # Else the first draws of a resumed search would be those that it began with.
                seed=(seed + len(self._study.trials)) % 2**32,
                multivariate=True,
                group=True,
            )
            self._draw_anew()
        except InputError:
            raise
        except Exception as error:  # of SQLite, SQLAlchemy, Alembic or Optuna
            said = printable(str(error).split("\n")[0].rstrip("."))
            raise InputError(
                f"{printable(str(path))} cannot be used to keep a search ({said}). Move it, or "
                "name another file with --storage."
            ) from error

    def _require_same(self, path: Path, settings: Mapping[str, object], is_new: bool) -> None:
        before = self._study.user_attrs.get(SETTINGS)
        if before is None:
            if not is_new and self._study.trials:
                raise InputError(
                    f"{printable(str(path))} is of another program's search. Name another file "
                    "with --storage."
                )
            self._study.set_user_attr(SETTINGS, dict(settings))
            for choices in known(self.space[0]):
                self._study.enqueue_trial(dict(choices))
            return
        differ = [name for name, value in settings.items() if before.get(name) != value]
        if differ:
            name = differ[0]
            raise InputError(
                f"{printable(str(path))} is of a search with {name} {_shown(before.get(name))}, "
                f"and this one has {_shown(settings[name])}. Say as it was, or keep this one "
                "elsewhere with --name or --storage."
            )

    def _draw_anew(self) -> None:
        """Those that were being trained as a process ended: they failed, and are drawn again."""
        for trial in self._study.get_trials(deepcopy=False, states=(self._states.RUNNING,)):
            self._study.tell(trial.number, state=self._states.FAIL)
            if trial.params:
                self._study.enqueue_trial(dict(trial.params))

    @property
    def records(self) -> list[Record]:
        """The trials that have ended with figures, in the order in which they were drawn."""
        trials = self._study.get_trials(deepcopy=False)
        return [
            Record(
                trial.number,
                self._made(Fixed(trial.params)),
                trial.user_attrs[FIGURES],
                tuple(trial.values) if trial.state == self._states.COMPLETE else None,
            )
            for trial in trials
            if trial.state.is_finished() and FIGURES in trial.user_attrs
        ]

    def _made(self, draws: Draws) -> Drawn:
        return draw(draws, *self.space)

    def ask(self) -> "Asked":
        """The next network: a known one, one that differs a little from a good one, or a draw."""
        if not self._study.get_trials(deepcopy=False, states=(self._states.WAITING,)):
            self._enqueue_near()
        trial = self._study.ask()
        return Asked(trial.number, self._made(trial), trial)

    def _enqueue_near(self) -> None:
        """Have one next that is near a good one, in every second trial that is not known."""
        trials = self._study.get_trials(deepcopy=False)
        random = np.random.default_rng((self._seed, len(trials)))
        done = {one.number: one for one in trials if one.state == self._states.COMPLETE}
        values = {number: trial.values for number, trial in done.items()}
        if not values or random.random() >= NEAR:
            return
        sign = 1 if self._directions[0] == "maximize" else -1
        best = max(values, key=lambda number: sign * values[number][0])
        others = front(values, self._directions)
        chosen = best if random.random() < NEAR else int(random.choice(others))
        drawn = {self._made(Fixed(one.params)).layers for one in trials if one.params}
        for _ in range(MOST_TRIES):
            choices = mutated(done[chosen].params, self.space[0], random)
            if self._made(Fixed(choices)).layers not in drawn:
                self._study.enqueue_trial(choices)
                return

    def refuse(self, asked: "Asked", excess: float, figures: Mapping[str, object]) -> Record:
        """It is over a limit, by this share of it: nothing was trained."""
        asked.trial.set_constraint("limits", max(excess, LEAST_EXCESS))
        asked.trial.set_user_attr(FIGURES, dict(figures))
        self._study.tell(asked.trial, state=self._states.PRUNED)
        return Record(asked.number, asked.drawn, dict(figures), None)

    def finish(
        self, asked: "Asked", values: Sequence[float], figures: Mapping[str, object]
    ) -> Record:
        """It was trained, and these are the figures that it is to be judged by."""
        asked.trial.set_constraint("limits", 0.0)
        asked.trial.set_user_attr(FIGURES, dict(figures))
        self._study.tell(asked.trial, list(values))
        return Record(asked.number, asked.drawn, dict(figures), tuple(values))

    def fail(self, asked: "Asked") -> None:
        """Nothing came of it: its process ended."""
        self._study.tell(asked.trial, state=self._states.FAIL)


@dataclass(frozen=True)
class Asked:
    """A network that was drawn, and is to be told of."""

    number: int
    drawn: Drawn
    trial: Any
    """Optuna's, with what was chosen as ``params``."""

    @property
    def choices(self) -> dict[str, Choice]:
        """What was chosen."""
        return dict(self.trial.params)


def _shown(value: object) -> str:
    return printable("none" if value is None else str(value), 120)


def load_optuna() -> Any:  # noqa: ANN401 - it need not be installed
    """Optuna. Raises ToolError where it is not installed."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ToolError(
            f"The package {str(error.name).partition('.')[0]} is not installed, and a search needs "
            f"it. {remedy('search')}"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def front(points: Mapping[int, Sequence[float]], directions: Sequence[str]) -> list[int]:
    """The numbers of those ``points`` that no other beats: none is as good in every value and
    better in one."""
    signs = [1 if direction == "maximize" else -1 for direction in directions]
    signed = {
        number: [sign * value for sign, value in zip(signs, values, strict=True)]
        for number, values in points.items()
    }

    def is_beaten(own: list[float]) -> bool:
        return any(
            other != own and all(a >= b for a, b in zip(other, own, strict=True))
            for other in signed.values()
        )

    return [number for number, values in signed.items() if not is_beaten(values)]
