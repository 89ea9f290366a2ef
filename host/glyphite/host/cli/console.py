"""Output of the verbs: progress bars on stderr, tables and JSON on stdout."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import progress as rich_progress
from rich.console import Console
from rich.table import Table

from glyphite.convert.progress import NotedProgress


class _Console(Console):
    """Leaves it to ``main`` to say how the program ends where nobody reads its output."""

    def on_broken_pipe(self) -> None:
        """Called in the place of the error. Raises BrokenPipeError."""
        raise BrokenPipeError


STDOUT = _Console(highlight=False, soft_wrap=True)
STDERR = _Console(stderr=True, highlight=False)


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[NotedProgress]:
    """A progress bar on stderr for ``total`` steps; nothing where stderr is not a terminal."""
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[note]}"),
    )
    silent = not STDERR.is_terminal
    with rich_progress.Progress(*columns, console=STDERR, disable=silent) as bar:
        task = bar.add_task(title, total=total, note="")

        def progress(steps: int = 1, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=steps)
            else:
                bar.update(task, advance=steps, note=note, refresh=steps == 0)

        yield progress


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    *,
    text: bool = False,
) -> None:
    """Print a table. Columns are aligned to the right, except the first, and all with ``text``."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if text or index == 0 else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    STDOUT.print(table)


def print_json(result: Any) -> None:  # noqa: ANN401 - whatever json can write
    """Print one JSON document, for scripts. Raises TypeError where ``result`` is not JSON."""
    print(json.dumps(result, indent=2))


def say(text: str) -> None:
    """Print one line of text for people."""
    STDOUT.print(text, markup=False)


def print_status(text: str) -> None:
    """Print one line on what is going on to stderr; stdout is for the result."""
    STDERR.print(text, markup=False, soft_wrap=True)
