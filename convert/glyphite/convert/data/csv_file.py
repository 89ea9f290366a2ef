"""A CSV file as rows of cells with their lines, whoever wrote it: commas, semicolons, tabs, blanks.

The names of columns are its first row, where that is not all numbers.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.options import LARGEST
from glyphite.convert.errors import DataError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

DELIMITERS = (";", "\t", ",")
ENDINGS = (".csv", ".tsv")
MOST_BYTES = 1 << 28
"""Of one file: three times MNIST as CSV."""
LOOKED_AT = 20
"""Rows that tell whether the first is the names of columns."""
INDEX_NAMES = ("", "unnamed: 0")
"""In lower case, of a first column that counts the rows: pandas writes it."""


class NoRowsError(DataError):
    """A file that has no rows below the names of its columns, or none at all."""


@dataclass(frozen=True)
class Row:
    """A row of cells; none for a blank line."""

    line: int
    """In the file, from 1."""
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A file, with the names of its columns told from its values."""

    path: Path
    columns: tuple[str, ...]
    """The names; "1", "2" and so on where the file has none."""
    has_names: bool
    delimiter: str
    lines: list[str] = field(repr=False)
    """Of the whole file; rows are made of them when they are asked for, as all take ten times that
    memory."""

    @property
    def decimal_comma(self) -> bool:
        """Whether ``1,5`` is a number, as the cells are parted by semicolons."""
        return self.delimiter == ";"

    def rows(self) -> Iterator[Row]:
        """All rows but that of the names. Raises DataError where one cannot be told into cells."""
        names = self.has_names
        for row in _told_rows(self.path, self.lines, self.delimiter):
            if names and row.cells:
                names = False
            else:
                yield row

    def number(self, cell: str, column: int) -> float:
        """A cell as a finite number. Raises ValueError, with what is wrong, where it is none."""
        text = cell.strip().replace(",", ".") if self.decimal_comma else cell.strip()
        name = printable(repr(self.columns[column]), 40)
        if not text:
            raise ValueError(f"column {name} is empty")
        try:
            value = _float(text)
        except ValueError as error:
            shown = printable(repr(cell), 40)
            raise ValueError(f"column {name} holds {shown}, and a number is needed") from error
        if not math.isfinite(value):
            raise ValueError(f"column {name} holds {text}, which is not finite")
        if abs(value) > LARGEST:
            raise ValueError(f"column {name} holds {value:g}, and float32 ends at {LARGEST:g}")
        return value

    def numbers(self, row: Row, columns: list[int]) -> NDArray[np.float64]:
        """Some cells of a row, (columns,). Raises ValueError, with what is wrong with the first."""
        cells: list[str] = [row.cells[column] for column in columns]
        if self.decimal_comma:
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            values = np.array([_float(cell) for cell in cells])
        except ValueError:
            values = np.array([math.nan])
        if (np.abs(values) <= LARGEST).all():
            return values
        return np.array([self.number(row.cells[column], column) for column in columns])

    def block(self, columns: list[int]) -> NDArray[np.float64] | None:
        """Columns of all rows (rows, columns), ten times as fast as row by row.

        None where any cell is no finite number, or needs more than numpy's own reader knows.
        """
        if self.decimal_comma or any('"' in line for line in self.lines):
            return None
        begin = next(self.rows()).line - 1
        delimiter = None if self.delimiter == " " else self.delimiter
        try:
            values: NDArray[np.float64] = np.loadtxt(
                self.lines[begin:], delimiter=delimiter, usecols=columns, ndmin=2
            )
        except ValueError:
            return None
        return values if (np.abs(values) <= LARGEST).all() else None

    def require_cells(self, row: Row) -> None:
        """Raises ValueError where a row has more or fewer cells than there are columns."""
        if len(row.cells) != len(self.columns):
            raise ValueError(f"{len(row.cells)} columns, and the others have {len(self.columns)}")

    @property
    def index_columns(self) -> tuple[int, ...]:
        """The places of columns that count the rows."""
        first = self.columns[0].strip().lower() if self.has_names and self.columns else "x"
        return (0,) if first in INDEX_NAMES else ()


def read_sheet(path: Path) -> Sheet:
    """The rows of a CSV file.

    Raises NoRowsError where it holds none, DataError where it cannot be told into cells or is no
    text, InputError where it cannot be read.
    """
    lines = _text(path).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    delimiter = _delimiter([line for line in lines if line.strip()][:5])
    rows = _told_rows(path, lines, delimiter)
    filled = tuple(islice((row for row in rows if row.cells), LOOKED_AT))
    if not filled:
        raise NoRowsError(f"{printable(str(path))} has no rows. Give one sample at least.")
    has_names = _is_names(filled, delimiter == ";")
    first = filled[0]
    if has_names and len(filled) == 1:
        raise NoRowsError(
            f"{printable(str(path))} has the names of columns and no rows below them. Give one "
            "sample at least."
        )
    names = tuple(cell.strip().lstrip("#").strip() for cell in first.cells)
    columns = names if has_names else tuple(str(place + 1) for place in range(len(first.cells)))
    return Sheet(path, columns, has_names, delimiter, lines)


def _text(path: Path) -> str:
    content = read_bytes(path, MOST_BYTES)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        raise DataError(f"{printable(str(path))} is no CSV file: it holds bytes that are no text.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # as Excel writes it in the west
        return content.decode("cp1252", "replace")


def _delimiter(lines: list[str]) -> str:
    text = "\n".join(lines)
    found = next((each for each in DELIMITERS if each in text), None)
    return found or (" " if lines and " " in lines[-1].strip() else ",")


def _told_rows(path: Path, lines: list[str], delimiter: str) -> Iterator[Row]:
    try:
        yield from _rows(lines, delimiter)
    except csv.Error as error:
        raise DataError(f"{printable(str(path))} is no CSV file: {error}.") from error


def _rows(lines: list[str], delimiter: str) -> Iterator[Row]:
    """Rows of cells, and of blank lines; comments, which begin with ``#``, are passed over."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    is_first, begin = True, 1
    for cells in reader:
        if not is_first and reader.line_num > begin:
            raise csv.Error(
                f"the quotation mark in line {begin} is not closed there. Close it, or remove it"
            )
        begin = reader.line_num + 1
        filled = any(cell.strip() for cell in cells)
        if filled and not is_first and cells[0].startswith("#"):
            continue
        is_first = is_first and not filled
        yield Row(reader.line_num, tuple(cells) if filled else ())


def _float(text: str) -> float:
    """As ``float``, but for digits in groups as Python's sources have them: 1_000 is a text."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _is_number(cell: str, decimal_comma: bool) -> bool:
    try:
        _float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        return False
    return True


def _is_names(rows: tuple[Row, ...], decimal_comma: bool) -> bool:
    """Whether the first row names the columns.

    No cell of it is a number; or it has a text where all others of the column are numbers; or its
    numbers only count the columns.
    """
    first, *others = (
        [cell.strip() if _is_number(cell, decimal_comma) else "" for cell in row.cells]
        for row in rows
    )
    if not any(first):
        return True
    below = [row for row in others if len(row) == len(first)]
    is_text_above = any(
        not cell and below and all(row[place] for row in below) for place, cell in enumerate(first)
    )
    counted = [cell for cell in first if cell]
    counts = len(counted) > 2 and counted == [str(place) for place in range(len(counted))]
    return bool(is_text_above) or (counts and len(counted) < len(first))


def places_of(sheet: Sheet, names: tuple[str, ...]) -> list[int]:
    """The places of columns by their names. Raises DataError where there is none, or two."""
    places = []
    for name in names:
        found = [place for place, column in enumerate(sheet.columns) if column == name]
        if len(found) != 1:
            raise DataError(
                f"{printable(str(sheet.path))} has {len(found) or 'no'} columns called "
                f"{printable(repr(name), 60)}. Its columns are "
                f"{printable(', '.join(sheet.columns), 200)}."
            )
        places += found
    return places
