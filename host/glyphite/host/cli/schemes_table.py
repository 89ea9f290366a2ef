"""The tables that ``glyphite schemes`` prints."""

from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.console import print_table, say, say_written
from glyphite.host.cli.judgement import COLUMNS, judgement_row, of_data
from glyphite.host.measure.schemes_record import FILE, FOLDER, Row, SchemesRecord
from glyphite.host.measure.truth import Judgement, Task

NONE = "-"


def print_schemes(record: SchemesRecord, folder: ModelFolder) -> None:
    """Print how each scheme answers, then what it takes, then why a figure is not there."""
    title = f"{record.model} on {of_data(record.data, record.images)}"
    if record.task == Task.CLASSES:
        columns = ("scheme", "samples", "accuracy", "95 %", "lost, won", "p")
        rows = [_float_row(record), *map(_accuracy_row, record.rows)]
        print_table(columns, rows, title)
        say(
            "samples: that calibrated. lost, won: test samples that the float model alone, or the "
            "scheme alone, answers rightly. p: of McNemar's exact test against float."
        )
    elif record.task != Task.BYTES:
        rows = [("float", NONE, *judgement_row(record.task, record.float_figures, None))]
        for row in record.rows:
            found = judgement_row(record.task, _judgement(row), None) if row.error else ()
            cells = found or (NONE,) * len(COLUMNS[Task(record.task)])
            rows.append((row.scheme, f"{row.calibration_samples:,}", *cells))
        print_table(("scheme", "samples", *COLUMNS[Task(record.task)]), rows, title)
    unit = next((row.cost.unit for row in record.rows if row.cost), "instructions")
    columns = ("scheme", ".tflite, bytes", unit, "cycles", "flash, bytes", "bytes differ")
    print_table(
        columns, [_cost_row(row) for row in record.rows], f"{record.model} on {record.board}"
    )
    say(
        f"The float .tflite has {record.float_bytes:,} bytes. bytes differ: of the generated C's "
        f"answers from TFLM's{_compared(record)}."
    )
    for row in record.rows:
        for reason in row.reasons:
            say(f"{row.scheme}: {reason}")
    say_written(folder.root / FILE, folder.root / FOLDER)


def _compared(record: SchemesRecord) -> str:
    """Over which inputs bytes were compared: the same by all schemes."""
    groups = next((row.bytes for row in record.rows if row.bytes), [])
    names = {"data": "test", "random": "random", "extreme": "extreme"}
    listed = ", ".join(f"{one.samples:,} {names[one.inputs]}" for one in groups)
    return f" over inputs: {listed}" if listed else ""


def _float_row(record: SchemesRecord) -> tuple[str, ...]:
    _, accuracy, interval, _ = judgement_row(record.task, record.float_figures, None)
    return "float", NONE, accuracy, interval, NONE, NONE


def _accuracy_row(row: Row) -> tuple[str, ...]:
    samples = f"{row.calibration_samples:,}"
    found = judgement_row(Task.CLASSES, _judgement(row), None)
    if not found or row.mcnemar is None:
        return row.scheme, samples, NONE, NONE, NONE, NONE
    split = f"{row.only_float_right:,}, {row.only_scheme_right:,}"
    return row.scheme, samples, found[1], found[2], split, f"{row.mcnemar:.2g}"


def _judgement(row: Row) -> Judgement:
    interval = None if row.low is None or row.high is None else [row.low, row.high]
    return Judgement(correct=row.correct, accuracy=row.accuracy, interval=interval, error=row.error)


def _cost_row(row: Row) -> tuple[str, ...]:
    taken = (row.cost.count, row.cost.cycles, row.cost.flash_bytes) if row.cost else (None,) * 3
    figures = (row.tflite_bytes, *taken, row.bytes_differ)
    return row.scheme, *(NONE if one is None else f"{one:,}" for one in figures)
