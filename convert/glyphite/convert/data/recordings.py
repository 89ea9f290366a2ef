"""Readings of sensors, cut into windows: CSV files with a row for each moment.

The class is a folder's name, or the file's (``wave_01.csv``, ``wave.3f2a.csv``), or a column of
texts. Overlapping windows never lie in two parts: parts are of whole recordings, or, where there
are few, of stretches of time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from glyphite.convert.data import csv_file
from glyphite.convert.data.bad import Bad, listed
from glyphite.convert.data.csv_file import NoRowsError, Row, Sheet, places_of, read_sheet
from glyphite.convert.data.dataset import Array, Labels, Part
from glyphite.convert.data.folders import (
    content_of,
    files_below,
    part_folders,
    require_no_wrapper,
)
from glyphite.convert.data.found import TEST, TRAIN, VALIDATION, WHOLE, Found
from glyphite.convert.data.options import NO_LABEL, STEP, WINDOW, Kind, OnBad, Options
from glyphite.convert.data.split import picked, shuffled
from glyphite.convert.errors import DataError
from glyphite.convert.files import MOST_BYTES
from glyphite.convert.text import printable

FEWEST_TO_SPLIT = 5
"""Recordings of each class, from which on parts are of whole recordings."""
LABEL_NAMES = ("label", "class", "target", "gesture", "activity")
TIME_NAME = re.compile(
    r"(time|timestamp|t|date|datetime|millis|micros|ms|us|seconds?|secs?)[\W_]*(m?s|us|sec\w*)?[\W_]*"
)
"""A column of it, in lower case, says when, and not what was read."""
NUMBERED = re.compile(r"[ _.-]*[ _.(-]\d+\)?$")
"""The end of a file's name that counts the recordings of one class."""
SAYS_NOTHING = ("class", "label", "gesture", "category")
"""What a file's name may be without its number, so that the number is the class."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Readings without a gap, of one class."""

    name: str
    """Of the file."""
    label: str
    """"" where there are no classes."""
    values: Array
    """(rows, axes) of float32."""
    lines: Array
    """(rows,): of each in the file."""

    def __len__(self) -> int:
        return len(self.values)

    def cut(self, begin: int, end: int) -> "Stretch":
        """Its rows from ``begin`` on, without that at ``end``."""
        return Stretch(self.name, self.label, self.values[begin:end], self.lines[begin:end])


def is_csv(path: Path) -> bool:
    """Whether a file has the ending of a CSV file's name."""
    return path.suffix.lower() in csv_file.ENDINGS


def from_recordings(source: Path, options: Options) -> Found:
    """A CSV file, a folder of them, one with a folder for each class, or with parts above these.

    Raises DataError where files have different columns, no window fits, a row is damaged and may
    not be left out, or the options have a window or step that is none; InputError where a file
    cannot be read.
    """
    notes: list[str] = []
    files = _files(source, notes)
    if not files:
        raise DataError(f"{printable(str(source))} holds no CSV file. Name a folder with some.")
    sheets = _sheets(source, files, options, notes)
    _require_same_columns([sheet for sheet, *_ in sheets])
    axes, column = _axes(sheets[0][0], options, notes)
    found: dict[str, list[Stretch]] = defaultdict(list)
    reader = _Reader(source, axes, column, options.on_bad, notes)
    for sheet, label, part in sheets:
        found[part] += reader.stretches(sheet, label)
    window, step = _window(found, options, source)
    named = {label for _, label, _ in files} if column is None else set()
    classes = tuple(sorted((reader.classes | named | _class_folders(source, column)) - {""}))
    return _cut(_long_enough(found, window, notes), window, step, options, notes, classes=classes)


def _sheets(
    source: Path, files: list[tuple[Path, str, str]], options: Options, notes: list[str]
) -> list[tuple[Sheet, str, str]]:
    """The files that have rows, each with its class and part."""
    bad, sheets = Bad("recordings", printable(str(source)), options.on_bad), []
    for path, label, part in files:
        try:
            sheets.append((read_sheet(path), label, part))
        except NoRowsError:
            if path == source:
                raise
            bad.add(f"{printable(path.relative_to(source).as_posix())} (it has no rows)")
    bad.end(len(sheets), notes)
    return sheets


def _class_folders(source: Path, column: int | None) -> set[str]:
    """The classes that folders name, also without a file in one: a number stands for each."""
    if source.is_file() or column is not None:
        return set()
    above = list(part_folders(content_of(source)).values()) or [source]
    return {printable(each.name, 80) for folder in above for each in content_of(folder).folders}


def _files(source: Path, notes: list[str]) -> list[tuple[Path, str, str]]:
    """Path, class and part of each file."""
    if source.is_file():
        return [(source, "", WHOLE)]
    parts = part_folders(content_of(source))
    if not parts:
        require_no_wrapper(source, is_csv)
        parts = {WHOLE: source}
    found = []
    for part, above in parts.items():
        inner = content_of(above)
        named = [path for path in inner.files if is_csv(path)]
        if named and inner.folders:
            raise DataError(
                f"{printable(str(above))} holds CSV files and folders of them. Put each file into "
                "the folder of its class, or all into one folder."
            )
        names = _names([path.stem for path in named])
        found += [(path, name, part) for path, name in zip(named, names, strict=True)]
        for folder in inner.folders:
            found += [
                (path, printable(folder.name, 80), part)
                for path in files_below(folder)
                if is_csv(path)
            ]
    if found and not content_of(next(iter(parts.values()))).folders:
        counts = {name: sum(name == each for _, each, _ in found) for _, name, _ in found}
        told = [f"{printable(name, 40)!r} ({count})" for name, count in sorted(counts.items())]
        notes.append(f"Classes by the names of files: {', '.join(told[:12])}.")
    return found


def _names(stems: list[str]) -> list[str]:
    """The class that each file's name tells."""
    short = [NUMBERED.sub("", stem.split(".")[0]) or stem for stem in stems]
    return stems if set(short) and {name.lower() for name in short} <= set(SAYS_NOTHING) else short


def _require_same_columns(sheets: list[Sheet]) -> None:
    first = sheets[0]
    for sheet in sheets:
        if sheet.columns != first.columns:
            raise DataError(
                f"{printable(str(sheet.path))} has the columns "
                f"{printable(', '.join(sheet.columns), 120)}, and {printable(first.path.name)} has "
                f"{printable(', '.join(first.columns), 120)}. Give all files the same."
            )


def _axes(sheet: Sheet, options: Options, notes: list[str]) -> tuple[list[int], int | None]:
    """The places of the columns that were read by sensors, and of that of the class."""
    lower = [column.strip().lower() for column in sheet.columns]
    label: int | None = next((lower.index(name) for name in LABEL_NAMES if name in lower), None)
    if options.label:
        label = None if options.label == (NO_LABEL,) else places_of(sheet, options.label)[0]
    times = [p for p, name in enumerate(lower) if sheet.has_names and TIME_NAME.fullmatch(name)]
    left_out = [*sheet.index_columns, *times]
    if left_out:
        names = ", ".join(repr(sheet.columns[place]) for place in left_out)
        notes.append(f"Columns that say when were left out: {printable(names, 120)}.")
    axes = [p for p in range(len(sheet.columns)) if p != label and p not in left_out]
    if not axes:
        raise DataError(
            f"{printable(str(sheet.path))} has no column of readings: "
            f"{printable(', '.join(sheet.columns), 120)}. Give one at least."
        )
    return axes, label


@dataclass(frozen=True)
class _Reader:
    """How each file of a source is read."""

    source: Path
    axes: list[int]
    column: int | None
    """Of the class."""
    on_bad: OnBad
    notes: list[str]
    classes: set[str] = field(default_factory=set)
    """Of all rows so far, also of those that are damaged or too few for a window."""

    def stretches(self, sheet: Sheet, label: str) -> list[Stretch]:
        """The rows of a file, parted by blank lines, damaged rows and where the class changes."""
        is_below = sheet.path != self.source
        name = sheet.path.relative_to(self.source).as_posix() if is_below else sheet.path.name
        bad = Bad("rows", printable(str(sheet.path)), self.on_bad)
        pieces: list[tuple[str, list[Array], list[int]]] = []
        before: str | None = None
        for row in sheet.rows():
            try:
                reading = self._reading(sheet, row, label) if row.cells else None
            except ValueError as error:
                bad.add(f"line {row.line} ({error})")
                reading = None
            if reading is not None and reading[0] != before:
                pieces.append((reading[0], [], []))
            if reading is not None:
                pieces[-1][1].append(reading[1])
                pieces[-1][2].append(row.line)
            before = None if reading is None else reading[0]
        bad.end(sum(len(lines) for *_, lines in pieces), self.notes)
        name = printable(name)
        return [
            Stretch(name, own, np.stack(v).astype(np.float32), np.array(n)) for own, v, n in pieces
        ]

    def _reading(self, sheet: Sheet, row: Row, label: str) -> tuple[str, Array]:
        """Class and values of a row. Raises ValueError, with what is wrong, where it is damaged."""
        sheet.require_cells(row)
        own = label if self.column is None else printable(row.cells[self.column].strip(), 80)
        if self.column is not None and not own:
            raise ValueError(f"the class in column {sheet.columns[self.column]!r} is empty")
        if row.cells != sheet.columns:  # else the names of columns once more
            self.classes.add(own)
        return own, sheet.numbers(row, self.axes)


def _window(found: dict[str, list[Stretch]], options: Options, source: Path) -> tuple[int, int]:
    """Rows of a window, and from one to the next."""
    lengths = sorted({len(each) for stretches in found.values() for each in stretches})
    window, axes = options.window, next(iter(found.values()))[0].values.shape[1]
    if window is None and options.shape is not None and prod(options.shape) % axes == 0:
        window = prod(options.shape) // axes
    if window is None and len(lengths) == 1:
        window = lengths[0]
    if window is None:
        raise DataError(
            f"The recordings of {printable(str(source))} have {lengths[0]:,} to {lengths[-1]:,} "
            f"rows. Say how many make one input, for example {WINDOW} {max(2, lengths[0] // 2)}."
        )
    step = max(1, window // 2) if options.step is None else options.step
    if window < 1 or step < 1:
        raise DataError(f"A window of {window} and a step of {step} rows: each must be 1 or more.")
    if window > lengths[-1]:
        raise DataError(
            f"The longest recording of {printable(str(source))} has {lengths[-1]:,} rows, fewer "
            f"than the window of {window:,}. Say {WINDOW} {lengths[-1]} or fewer."
        )
    return window, step


def _long_enough(
    found: dict[str, list[Stretch]], window: int, notes: list[str]
) -> dict[str, list[Stretch]]:
    """The stretches of at least a window."""
    short = [each for part in found.values() for each in part if len(each) < window]
    if short:
        stretches = f"stretch{'' if len(short) == 1 else 'es'} without a gap"
        stretches += " has" if len(short) == 1 else " have"
        shown = listed([f"{e.name} ({len(e)} from line {e.lines[0]})" for e in short], len(short))
        notes.append(
            f"{len(short):,} {stretches} fewer rows than the window of {window:,}: left out: "
            f"{shown}."
        )
    return {part: [e for e in each if len(e) >= window] for part, each in found.items()}


def _cut(
    found: dict[str, list[Stretch]],
    window: int,
    step: int,
    options: Options,
    notes: list[str],
    *,
    classes: tuple[str, ...],
) -> Found:
    shares = options.shares
    sentence, made = "The source has its own parts.", set(found) <= {WHOLE, TRAIN}
    stretches = dict(found)
    if made:
        whole = next(iter(stretches.values()))
        total = shares.train + shares.validation + shares.test
        rest, test, sentence = _divided(whole, shares.test / total, window, options.seed)
        stretches = {TRAIN: rest, TEST: test}
    elif TEST not in stretches:
        stretches[TEST] = stretches.pop(VALIDATION)
        sentence += " There is no test part: the validation part is it."
    if VALIDATION not in stretches and shares.validation and stretches.get(TRAIN):
        share = shares.validation / (shares.train + shares.validation)
        rest, held_out, how = _divided(stretches[TRAIN], share, window, options.seed)
        stretches[TRAIN], stretches[VALIDATION] = rest, held_out
        sentence += "" if made else f" Validation: {how[0].lower()}{how[1:]}"
    _require_room(stretches, window, step)
    parts = {
        part: _part(each, window, step, classes, options.seed)
        for part, each in stretches.items()
        if any(len(stretch) >= window for stretch in each)
    }
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    sentence += f" Windows of {window} rows, one every {step}: {counts}."
    return Found(parts, Kind.WINDOW, classes, tuple(notes), sentence, made)


def _require_room(found: dict[str, list[Stretch]], window: int, step: int) -> None:
    """DataError where the windows, which overlap, take more memory than any file may."""
    every = [each for part in found.values() for each in part if len(each) >= window]
    count = sum((len(each) - window) // step + 1 for each in every)
    size = count * window * every[0].values.shape[1] * every[0].values.itemsize
    if size > MOST_BYTES:
        raise DataError(
            f"{count:,} windows of {window:,} rows take {size:,} bytes, and at most {MOST_BYTES:,} "
            f"are read. Say a larger {STEP} than {step}."
        )


def _divided(
    stretches: list[Stretch], share: float, window: int, seed: int
) -> tuple[list[Stretch], list[Stretch], str]:
    """Without and with that share, and a sentence on how it was done."""
    if share >= 1:
        return [], stretches, "Every recording is for tests."
    by_class: dict[str, list[Stretch]] = defaultdict(list)
    for each in stretches:
        by_class[each.label].append(each)
    longest = max((len(each) for each in stretches), default=0)
    fewest = min(map(len, by_class.values()), default=0)
    kept: list[Stretch] = []
    taken: list[Stretch] = []
    if fewest >= FEWEST_TO_SPLIT or longest < 3 * window:
        for own in by_class.values():
            order = shuffled(np.arange(len(own)), seed)
            rest, chosen = picked(order, share)
            kept += [own[place] for place in np.sort(rest)]
            taken += [own[place] for place in np.sort(chosen)]
        return kept, taken, f"By seed {seed}, whole recordings of each class."
    for each in stretches:
        end = len(each) - max(window, round(len(each) * share)) if share else len(each)
        kept += [each.cut(0, end)] if end >= window else []
        taken += [each.cut(end, len(each))] if share and end >= window else []
        kept += [each] if end < window else []
    return kept, taken, "The end of each recording, as there are few of them."


def _part(
    stretches: Iterable[Stretch], window: int, step: int, classes: tuple[str, ...], seed: int
) -> Part:
    """The windows of the stretches, in the order of the seed."""
    values, labels, origins = [], [], []
    numbers = {name: number for number, name in enumerate(classes)}
    for each in stretches:
        for begin in range(0, len(each) - window + 1, step):
            values.append(each.values[begin : begin + window])
            labels.append(numbers.get(each.label, 0))
            origins.append(f"{each.name}, line {each.lines[begin]}")
    targets = Labels(np.array(labels, np.int64)) if classes else None
    part = Part((np.stack(values),), targets, tuple(origins))
    return part.take(shuffled(np.arange(len(part)), seed)) if classes else part
