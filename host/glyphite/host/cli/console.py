"""What the verbs share: progress bars on stderr, tables and JSON on stdout."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Advance = Callable[..., None]
"""``advance(steps, note="...")``: so many steps more are done; ``note`` stands beside the bar."""

STDOUT = Console(highlight=False, soft_wrap=True)
STDERR = Console(stderr=True, highlight=False)


@contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr for ``total`` steps; plain silence where stderr is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=STDERR, disable=not STDERR.is_terminal) as bar:
        task = bar.add_task(title, total=total, note="")

        def advance(steps: int = 1, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=steps)
            else:
                bar.update(task, advance=steps, note=note, refresh=steps == 0)

        yield advance


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    *,
    text: bool = False,
) -> None:
    """Print a table; every column but the first is aligned to the right, unless all are text."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if text or index == 0 else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    STDOUT.print(table)


def print_json(result: Any) -> None:  # noqa: ANN401 - whatever json can write
    """Print one JSON document, for scripts."""
    print(json.dumps(result, indent=2))


def say(text: str) -> None:
    """Print one line of text for people."""
    STDOUT.print(text, markup=False)


def tell(text: str) -> None:
    """Say on stderr what is going on, where stdout is for the result."""
    STDERR.print(text, markup=False, soft_wrap=True)
