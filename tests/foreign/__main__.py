"""Puts models made by others through the compiler: slow, and no test. From the project's folder::

    python -m tests.foreign PATH ...

PATH is a .tflite, a folder, a wheel or a zip, which may have zips in it. Each model must answer
with TensorFlow Lite Micro's bytes on every board and for every goal, or be refused by a sentence.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import GlyphiteError
from glyphite.convert.workspace import build_root
from glyphite.host.cli.console import print_table, progress_bar, say
from glyphite.host.cli.digits import count_of
from tests.foreign.collect import Found, collect
from tests.foreign.examine import Row, examine

BOARDS = ("native", "cortex-m4")
COUNT = 20
COLUMNS = ("model", "board", "goal", "bytes", "differ", "instructions", "RAM", "code")


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and give 1 where anything was found, 2 for a wrong call."""
    arguments = _parser().parse_args(argv)
    try:
        found = collect(arguments.path)
        rows = run(found, arguments.board or BOARDS, arguments.optimize or list(Goal),
                   arguments.count)  # fmt: skip
    except GlyphiteError as error:
        print(f"python -m tests.foreign: {error}", file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
    else:
        report(rows)
    return 1 if any(row.defect for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.foreign", description=__doc__)
    add = parser.add_argument
    add("path", nargs="+", type=Path, metavar="PATH", help="a .tflite, folder, wheel or zip")
    add("--board", action="append", metavar="BOARD",
        help="a board, also several times (default: native and cortex-m4)")  # fmt: skip
    add("--optimize", action="append", type=Goal, choices=list(Goal), metavar="GOAL",
        help="speed, size or ram, also several times (default: all three)")  # fmt: skip
    add("--count", type=count_of, default=COUNT, metavar="N",
        help=f"random inputs, beside extreme ones (default: {COUNT})")  # fmt: skip
    add("--json", action="store_true", help="print the rows as JSON")
    return parser


def run(
    found: Sequence[Found], boards: Sequence[str], goals: Sequence[Goal], count: int
) -> list[Row]:
    """All rows of all models; what is made of them stays below ``build/foreign``."""
    rows: list[Row] = []
    with progress_bar("Examining", len(found)) as progress:
        for number, model in enumerate(found):
            progress(0, note=model.name)
            folder = build_root() / "foreign" / f"{number}"
            rows += examine(model, folder, boards, goals, count)
            progress()
    return rows


def report(rows: Sequence[Row]) -> None:
    """Print what compiled as a table, then the refusals."""
    compiled = [row for row in rows if row.operators]
    print_table(COLUMNS, [_cells(row) for row in compiled])
    for model, operators in {row.source: row.operators for row in compiled}.items():
        say(f"{model}: {operators}")
    for row in rows:
        if row.said:
            say(f"{row.source} {row.board} {row.goal}".rstrip() + f": {row.said}")
    refused = sum(not row.operators for row in rows)
    defects = sum(row.defect for row in rows)
    say(f"{len(rows) - refused} rows of models that compile, {refused} refused, {defects} defects")


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.bytes_compared, row.bytes_differ, row.count, row.static_ram_bytes,
               row.code_bytes)  # fmt: skip
    figures = ("" if number is None else f"{number:,}" for number in numbers)
    return row.model, row.board, row.goal, *figures


if __name__ == "__main__":
    sys.exit(main())
