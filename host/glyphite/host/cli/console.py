"""Output of the verbs: progress bars on stderr, tables and JSON on stdout.

Every text for people passes here, and may come from outside: ``printable`` shows it, so that it
cannot act on the terminal, and none is read as markup.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import progress as rich_progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from glyphite.convert.documents import to_json
from glyphite.convert.progress import NotedProgress
from glyphite.convert.text import MOST_OF_A_LINE, printable, printable_lines


class _Console(Console):
    """Leaves it to ``main`` to say how the program ends where nobody reads its output."""

    def on_broken_pipe(self) -> None:
        """Called in the place of the error. Raises BrokenPipeError."""
        raise BrokenPipeError


STDOUT = _Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
STDERR = _Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[NotedProgress]:
    """A progress bar on stderr for ``total`` steps; nothing where stderr is not a terminal."""
    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[note]}", markup=False),
    )
    silent = not STDERR.is_terminal
    with rich_progress.Progress(*columns, console=STDERR, disable=silent) as bar:
        task = bar.add_task(printable(title), total=total, note="")

        def progress(steps: int = 1, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=steps)
            else:
                bar.update(task, advance=steps, note=printable(note), refresh=steps == 0)

        yield progress


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    *,
    text: bool = False,
) -> None:
    """Print a table. Columns are aligned to the right, except the first, and all with ``text``."""
    shown = None if title is None else Text(printable(title), style="table.title")
    table = Table(title=shown, title_justify="left")
    for index, column in enumerate(columns):
        heading = Text(printable(column))
        table.add_column(heading, justify="left" if text or index == 0 else "right")
    for row in rows:
        table.add_row(*(Text(printable(str(cell), MOST_OF_A_LINE)) for cell in row))
    STDOUT.print(table)


def print_json(result: Any) -> None:  # noqa: ANN401 - whatever json can write
    """Print one JSON document, for scripts.

    Raises TypeError where ``result`` is not JSON, ValueError where a number in it is not finite.
    """
    print(to_json(result), end="")


def say(text: str) -> None:
    """Print one line of text for people."""
    STDOUT.print(Text(printable(text, MOST_OF_A_LINE)))


def print_status(text: str, style: str = "") -> None:
    """Print on stderr what is going on, whole lines as they are; stdout is for the result."""
    STDERR.print(Text(printable_lines(text), style=style), soft_wrap=True)
