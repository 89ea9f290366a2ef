"""CSV in which each row is a sample: its columns are the inputs, and one or more the target."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from glyphite.convert.data.bad import Bad
from glyphite.convert.data.csv_file import Row, Sheet, places_of, read_sheet
from glyphite.convert.data.dataset import Array, Labels, Part, Targets
from glyphite.convert.data.found import Found
from glyphite.convert.data.options import LABEL, NO_LABEL, Kind, Options
from glyphite.convert.data.targets import targets_of
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable

LABEL_NAMES = ("label", "class", "target")
"""Of the column of labels, in lower case, where nobody says which it is; else it is the last."""
EXACT = 1 << 24
"""Whole numbers up to it are exact in float32."""


@dataclass(frozen=True)
class _Read:
    """The samples of one file."""

    rows: list[Array] = field(default_factory=list)
    targets: list[tuple[str, ...]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    known: set[tuple[str, ...]] = field(default_factory=set)
    """The targets of all rows, also of those that are left out: a class keeps its number."""
    values: Array = field(default_factory=lambda: np.empty((0, 0)))
    """(rows, columns of inputs)."""


def from_tables(files: Mapping[str, Path], options: Options) -> Found:
    """Files by part, each of the same columns.

    Raises DataError where columns differ between files, a row is damaged and may not be left out,
    or the columns do not make the shape of the options; InputError where a file cannot be read.
    """
    notes: list[str] = []
    sheets = {part: read_sheet(path) for part, path in files.items()}
    first = next(iter(sheets.values()))
    for sheet in sheets.values():
        if sheet.columns != first.columns:
            raise DataError(
                f"{printable(str(sheet.path))} has the columns "
                f"{printable(', '.join(sheet.columns), 150)}, and {first.path.name} has "
                f"{printable(', '.join(first.columns), 150)}. Give both the same."
            )
    target, inputs = _columns(first, options, notes)
    read = {part: _read(sheet, target, inputs, options, notes) for part, sheet in sheets.items()}
    classes = _classes(list(read.values()), first, options) if target else ()
    parts = {}
    for part, each in read.items():
        values = _laid_out(each.values, options, first)
        targets = _targets(each, values, classes, first, options) if target else None
        parts[part] = Part((values,), targets, tuple(each.origins))
    kind = Kind.VECTOR if options.shape is None or len(options.shape) < 2 else None
    return Found(parts, kind, classes, tuple(notes))


def _columns(sheet: Sheet, options: Options, notes: list[str]) -> tuple[list[int], list[int]]:
    """The places of the targets and of the inputs."""
    left_out = sheet.index_columns
    if left_out:
        notes.append("The first column has no name and counts the rows: left out.")
    target = _target(sheet, options)
    if target and not options.label:
        notes.append(f"The target is the column {printable(repr(sheet.columns[target[0]]), 60)}.")
    inputs = [p for p in range(len(sheet.columns)) if p not in target and p not in left_out]
    if not inputs:
        raise DataError(
            f"{printable(str(sheet.path))} has no column beside the target. Say {LABEL} {NO_LABEL} "
            "where it is an input and there are no targets."
        )
    return target, inputs


def _target(sheet: Sheet, options: Options) -> list[int]:
    if options.label == (NO_LABEL,) and NO_LABEL not in sheet.columns:
        return []
    if options.label:
        return places_of(sheet, options.label)
    lower = [column.lower() for column in sheet.columns]
    named = [lower.index(name) for name in LABEL_NAMES if lower.count(name) == 1]
    return named[:1] or [len(sheet.columns) - 1]


def _read(
    sheet: Sheet, target: list[int], inputs: list[int], options: Options, notes: list[str]
) -> _Read:
    bad = Bad("rows", printable(str(sheet.path)), options.on_bad)
    block = sheet.block(inputs)
    read = _rows(sheet, target, None if block is not None else inputs, options, bad)
    if block is not None and len(block) != len(read.targets):  # of some row, texts are damaged
        block, bad = None, Bad("rows", printable(str(sheet.path)), options.on_bad)
        read = _rows(sheet, target, inputs, options, bad)
    bad.end(len(read.targets), notes)
    if block is not None:
        return dataclasses.replace(read, values=block)
    return dataclasses.replace(read, values=np.stack(read.rows), rows=[])


def _rows(
    sheet: Sheet, target: list[int], inputs: list[int] | None, options: Options, bad: Bad
) -> _Read:
    """All sound rows; without ``inputs``, their targets alone."""
    read = _Read()
    for row in sheet.rows():
        if not row.cells:
            continue
        try:
            targets = _target_cells(sheet, row, target, options.numbers)
            if row.cells != sheet.columns:  # else the names of columns once more
                read.known.add(targets)
            if inputs is not None:
                read.rows.append(sheet.numbers(row, inputs))
        except ValueError as error:
            bad.add(f"line {row.line} ({error})")
            continue
        read.targets.append(targets)
        read.origins.append(f"{sheet.path.name}, line {row.line}")
    return read


def _target_cells(sheet: Sheet, row: Row, target: list[int], as_numbers: bool) -> tuple[str, ...]:
    """The targets of a row. Raises ValueError, with what is wrong, where it is damaged."""
    sheet.require_cells(row)
    texts = tuple(row.cells[place].strip() for place in target)
    for place, text in zip(target, texts, strict=True):
        if not text:
            raise ValueError(f"the target {printable(repr(sheet.columns[place]), 40)} is empty")
        if as_numbers:
            sheet.number(text, place)
    return texts


def _classes(read: list[_Read], sheet: Sheet, options: Options) -> tuple[str, ...]:
    """The names of classes, sorted; empty where all targets are numbers."""
    texts = [row for each in read for row in each.targets]
    try:
        for row in texts:
            for text in row:
                sheet.number(text, 0)
    except ValueError:
        if len(texts[0]) == 1 and not options.numbers:
            known = set(texts).union(*(each.known for each in read))
            return tuple(sorted({printable(text, 80) for (text,) in known}))
        raise DataError(
            f"The targets of {printable(str(sheet.path))} are several columns with texts among "
            f"them. Name one with {LABEL}."
        ) from None
    return ()


def _targets(
    read: _Read, values: Array, classes: tuple[str, ...], sheet: Sheet, options: Options
) -> Targets:
    if classes:
        numbers = {name: number for number, name in enumerate(classes)}
        labels = [numbers[printable(text, 80)] for (text,) in read.targets]
        return Labels(np.array(labels, np.int64))
    rows = [[sheet.number(text, 0) for text in row] for row in read.targets]
    array = np.array(rows, np.float64).reshape(len(rows), -1)
    what = f"The target of {printable(str(sheet.path))}"
    return targets_of(array, values, what, options.numbers)[0]


def _laid_out(values: Array, options: Options, sheet: Sheet) -> Array:
    """The inputs (n, *shape): bytes where they can be pixels, else float32 where that is exact."""
    columns = values.shape[1]
    if options.shape is not None and prod(options.shape) != columns:
        raise DataError(
            f"{printable(str(sheet.path))} has {columns:,} columns of inputs, and the model's "
            f"{'x'.join(map(str, options.shape))} needs {prod(options.shape):,}. Name the target "
            f"by {LABEL}, or take another model."
        )
    shaped = values.reshape(len(values), *(options.shape or (columns,)))
    is_whole = not np.mod(values, 1).any()
    if shaped.ndim > 2 and is_whole and values.min() >= 0 and values.max() <= 255:
        return shaped.astype(np.uint8)
    exact = not is_whole or np.abs(values).max() <= EXACT
    return shaped.astype(np.float32) if exact else shaped
