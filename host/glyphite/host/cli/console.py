"""Output of the verbs: progress bars on stderr, tables and JSON on stdout.

Every text for people passes here, and may come from outside: ``printable`` shows it, so that it
cannot act on the terminal, and none is read as markup.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

from rich import progress as rich_progress
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from glyphite.convert.documents import to_json
from glyphite.convert.progress import NotedProgress
from glyphite.convert.text import MOST_OF_A_LINE, printable, printable_lines
from glyphite.host.cli import heartbeat
from glyphite.host.cli.streams import command_lines, print_document, wrapped


class _Console(Console):
    """Leaves it to ``main`` to say how the program ends where nobody reads its output."""

    def on_broken_pipe(self) -> None:
        """Called in the place of the error. Raises BrokenPipeError."""
        del self._buffer[:]  # else it would be written again with what comes next
        raise BrokenPipeError


LEAST_WIDTH = 20
"""Columns; for fewer, as for none, the terminal itself is asked, or else 80 are taken."""


class _Environment(Mapping[str, str]):
    """The system's, but for a COLUMNS that is too small: of 0, rich would print nothing at all."""

    _whole = os.environ

    def __getitem__(self, name: str) -> str:
        value = self._whole[name]
        if name == "COLUMNS" and value.isdigit() and int(value) < LEAST_WIDTH:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)


_AS_IT_IS: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
STDOUT = _Console(soft_wrap=True, _environ=_Environment(), **_AS_IT_IS)
STDERR = _Console(stderr=True, _environ=_Environment(), **_AS_IT_IS)
BAR = 20
"""Columns of a progress bar: beside it, a terminal of 80 has room for a note."""
LEAST_COLUMN = 12
"""Columns of a table's cell that is folded, as even its longest word has no room."""
PADDING = 3
"""Columns between two cells; one more closes the table."""


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[NotedProgress]:
    """A progress bar on stderr for ``total`` steps; where stderr is no terminal, what a line of
    :mod:`heartbeat` says."""
    with _live_bar(title, total) if STDERR.is_terminal else _plain_progress(title, total) as bar:
        yield bar


@contextmanager
def _live_bar(title: str, total: int) -> Iterator[NotedProgress]:
    note_column = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(BAR),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[note]}", markup=False, table_column=note_column),
    )
    with (
        heartbeat.silence_is_meant(),
        rich_progress.Progress(*columns, console=STDERR, expand=True) as bar,
    ):
        task = bar.add_task(printable(title), total=total, note="")

        def progress(steps: int = 1, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=steps)
            else:
                bar.update(task, advance=steps, note=printable(note), refresh=steps == 0)

        yield progress


@contextmanager
def _plain_progress(title: str, total: int) -> Iterator[NotedProgress]:
    done, noted = 0, ""

    def progress(steps: int = 1, note: str | None = None) -> None:
        nonlocal done, noted
        done += steps
        noted = noted if note is None else note

    def doing() -> str:
        what = f"{title}, {done:,} of {total:,}" + (f", {noted}" if noted else "")
        return printable(what)

    with heartbeat.at(doing):
        yield progress


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    *,
    text: bool = False,
) -> None:
    """Print a table no wider than the terminal: cells are broken between words, and none is cut.

    Columns of numbers are aligned to the right, the first one and, with ``text``, all to the left.
    """
    heading = [printable(column) for column in columns]
    cells = [[printable(str(cell), MOST_OF_A_LINE) for cell in row] for row in rows]
    widths = _widths([heading, *cells], line_width() - PADDING * len(columns) - 1)
    shown = None if title is None else Text(printable(title), style="table.title")
    table = Table(title=shown, title_justify="left")
    for index, (name, width) in enumerate(zip(heading, widths, strict=True)):
        numbers = index > 0 and not text and any(row[index][:1].isdigit() for row in cells)
        side: Literal["right", "left"] = "right" if numbers else "left"
        table.add_column(Text(name), justify=side, width=width, overflow="fold")
    for row in cells:
        table.add_row(*(Text(_folded(cell, at)) for cell, at in zip(row, widths, strict=True)))
    heartbeat.said()
    STDOUT.print(table)


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """The width of each column so that all have ``room``: the widest give way first, down to their
    longest word, and further only where that does not do."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    least = [max(_longest_word(cell) for cell in column) for column in columns]
    for lower in (least, [min(one, LEAST_COLUMN) for one in least]):
        while sum(widths) > room:
            free = [index for index, width in enumerate(widths) if width > lower[index]]
            if not free:
                break
            widths[max(free, key=widths.__getitem__)] -= 1
    return widths


def _longest_word(cell: str) -> int:
    indent = len(cell) - len(cell.lstrip())
    words = re.split(r"\s+(?!%)", cell.strip())  # a share keeps its sign
    return max(map(cell_len, words)) + indent


def _folded(cell: str, width: int) -> str:
    """``cell`` with words beyond ``width`` broken, behind a sign between their parts where it can
    be."""
    if _longest_word(cell) <= width:
        return cell
    return re.sub(rf"(\S{{1,{width - 1}}}[_/.-]|\S{{{width}}})(?=\S)", r"\1\n", cell)


def print_json(result: Any) -> None:  # noqa: ANN401 - whatever json can write
    """Print one JSON document, for scripts.

    Raises TypeError where ``result`` is not JSON, ValueError where a number in it is not finite.
    """
    print_document(to_json(result))


def line_width() -> int:
    """The columns of a line on stdout: those of the terminal, or else 80."""
    return STDOUT.width


def say(text: str) -> None:
    """Print one line of text for people; on several where it is wider than the terminal."""
    _say_lines(wrapped(printable(text, MOST_OF_A_LINE), line_width()))


def say_written(*paths: Path) -> None:
    """Print where results were written."""
    shown = [printable(str(path), MOST_OF_A_LINE) for path in paths]
    line = f"Written: {', '.join(shown)}"
    fits = len(line) <= line_width()
    _say_lines([line] if fits else ["Written:", *(f"    {path}" for path in shown)])


def say_command(label: str, text: str) -> None:
    """Print a command to go on with."""
    line = f"{label}: {printable(text, MOST_OF_A_LINE)}"
    fits = len(line) <= line_width()
    _say_lines([line] if fits else [f"{label}:", *command_lines(text, line_width(), "    ")])


def say_next(text: str) -> None:
    """Print the command that comes next."""
    say_command("Next", text)


def _say_lines(lines: Iterable[str]) -> None:
    heartbeat.said()
    for line in lines:
        STDOUT.print(Text(line))


_said: ContextVar[set[str] | None] = ContextVar("_said", default=None)


@contextmanager
def each_once() -> Iterator[None]:
    """Within, :func:`print_status` prints no text twice: two models may have the same to tell."""
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


def print_status(text: str, style: str = "") -> None:
    """Print on stderr what is going on; stdout is for the result. Lines are kept as they are, and
    broken between words on a terminal alone: a log is searched line by line."""
    said = _said.get()
    if said is not None and text in said:
        return
    if said is not None:
        said.add(text)
    heartbeat.said()
    for line in printable_lines(text).split("\n"):
        parts = wrapped(line, STDERR.width) if STDERR.is_terminal else [line]
        for part in parts:
            STDERR.print(Text(part, style=style), soft_wrap=True)


def say_loading() -> None:
    """Say, before TensorFlow is loaded, what takes the next seconds."""
    if "tensorflow" not in sys.modules:
        print_status("Loading TensorFlow, which takes some seconds.")
