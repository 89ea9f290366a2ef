"""A study goes on where it ended, and only with what it was begun with."""

from pathlib import Path

import pytest

from glyphite.convert.errors import InputError
from glyphite.train.search.study import Study, front
from tests.strict import require_module

require_module("optuna")

SETTINGS = {"the board": "uno", "--epochs": 2, "--max-ms": None}
AIMS = ("maximize", "minimize")
SPACE = ((28, 28, 1), 10, "softmax")


def study(path: Path, **changed: object) -> Study:
    return Study(path, {**SETTINGS, **changed}, AIMS, SPACE, 1)


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    begun = study(tmp_path / "s.db")
    first, second, cut_short = begun.ask(), begun.ask(), begun.ask()
    assert (first.drawn.title, second.drawn.title) == (
        "8c4s2, 16c3p, 40c3, 36c3",
        "8c5s2, 16c3s2, 32c3, 48c3",
    )
    begun.finish(first, (0.9, 100.0), {"figures": 1})
    begun.refuse(second, 0.5, {"figures": 2})
    again = study(tmp_path / "s.db")
    records = [(one.number, one.drawn, one.figures, one.values) for one in again.records]
    assert records == [
        (0, first.drawn, {"figures": 1}, (0.9, 100.0)),
        (1, second.drawn, {"figures": 2}, None),
    ]
    redrawn = again.ask()
    assert (redrawn.number, redrawn.drawn) == (3, cut_short.drawn)
    assert again.ask().drawn != cut_short.drawn


def test_a_study_resumed_draws_others_than_it_began_with(tmp_path: Path) -> None:
    begun = study(tmp_path / "s.db")
    drawn = []
    for _ in range(6):
        asked = begun.ask()
        begun.refuse(asked, 1.0, {})
        drawn.append(asked.drawn)
    assert study(tmp_path / "s.db").ask().drawn not in drawn


def test_what_was_begun_otherwise_is_refused(tmp_path: Path) -> None:
    study(tmp_path / "s.db")
    with pytest.raises(InputError) as caught:
        study(tmp_path / "s.db", **{"--epochs": 3})
    assert str(caught.value) == (
        f"{tmp_path / 's.db'} is of a search with --epochs 2, and this one has 3. Say as it was, "
        "or keep this one elsewhere with --name or --storage."
    )


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("not a database, but text that is long enough to be taken for one" * 20)
    with pytest.raises(InputError, match=r"s\.db cannot be used to keep a search \(.*Move it"):
        study(path)
    assert path.read_text().startswith("not a database")


def test_the_front_has_whom_nobody_beats() -> None:
    points = {1: (0.9, 10), 2: (0.9, 11), 3: (0.8, 9), 4: (0.7, 9), 5: (0.95, 20), 6: (0.9, 10)}
    assert front(points, AIMS) == [1, 3, 5, 6]
    assert front({}, AIMS) == []
