"""How well answers do, as the tables of ``compare`` and ``stream`` have it."""

import os
from pathlib import PurePath

from glyphite.host.cli.budgets import Checks
from glyphite.host.measure.truth import DataOf, ErrorFigures, Judgement, Task

COLUMNS = {
    Task.CLASSES: ("right", "accuracy", "95 % interval", "drop"),
    Task.NUMBERS: ("mean absolute error", "mean squared error", "largest error"),
    Task.INPUTS: ("mean squared error", "largest of a sample", "area under the curve"),
    Task.BYTES: (),
}


def columns_of(task: str) -> tuple[str, ...]:
    """The headings of the figures of a task."""
    return COLUMNS[Task(task)]


def judgement_row(task: str, found: Judgement, drop: float | None) -> tuple[str, ...]:
    """A cell for each of :func:`columns_of`."""
    error = found["error"]
    if error is not None and task == Task.INPUTS:
        area = "" if error["auc"] is None else f"{error['auc']:.4f}"
        return f"{error['mean_squared']:.4g}", f"{error['worst']:.4g}", area
    if error is not None:
        return tuple(f"{error[key]:.4g}" for key in ("mean_absolute", "mean_squared", "worst"))
    correct, accuracy, interval = found["correct"], found["accuracy"], found["interval"]
    if correct is None or accuracy is None or interval is None:
        return ()
    low, high = interval
    return (
        f"{correct:,}",
        f"{100 * accuracy:.2f} %",
        f"{100 * low:.2f} to {100 * high:.2f} %",
        "" if drop is None else f"{drop:.2f} points",
    )


def hold_error(checks: Checks, task: str, error: ErrorFigures | None, of: str) -> None:
    """Hold the mean absolute error of a regression to its limit; no other task has one."""
    if error is not None and task == Task.NUMBERS:
        checks.hold("max_error", error["mean_absolute"], of)


def of_data(data: DataOf, count: int) -> str:
    """The samples that figures are of, for a title."""
    title = data["title"] or "unknown data"
    shown = PurePath(title).name if "/" in title or os.sep in title else title
    return f"{count:,} test samples of {shown}"
