"""Reads synthetic photos of digits, kind by kind: slow, and no test. From the project's folder::

    python -m tests.pictures --count 60 --seed 2

Each picture is a sheet with a digit of MNIST's test images, spoilt in one of the ways of
``sheets.py``. What differs from the label of the digit is wrong, as it is for MNIST's own image.
``--keep FOLDER`` keeps those pictures. Fails where a kind has fewer right than 57 of 60.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.workspace import find_model
from glyphite.host.cli.console import print_table, progress_bar, say
from glyphite.host.cli.digits import count_of
from tests.pictures.read import Reader, Row
from tests.pictures.sheets import KINDS

LEAST = 57 / 60


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and give 1 where a kind has too few right."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    add = parser.add_argument
    add("--count", type=count_of, default=60, help="pictures of each kind (default: 60)")
    add("--seed", type=int, default=2, help="of all pictures (default: 2)")
    add("--model", default="uno", help="the model that reads (default: uno)")
    add("--kind", action="append", choices=list(KINDS), help="also several times (default: all)")
    add("--keep", type=Path, metavar="FOLDER", help="where pictures that are misread are kept")
    arguments = parser.parse_args(argv)
    reader = Reader(find_model(arguments.model), load_mnist())
    rows: list[Row] = []
    kinds = arguments.kind or list(KINDS)
    with progress_bar("Reading", len(kinds)) as progress:
        for kind in kinds:
            rows.append(reader.read(kind, arguments.seed, arguments.count, arguments.keep))
            progress(1)
    say(f"{arguments.model} {reader.manifest.sha256[:12]}, seed {arguments.seed}, "
        f"{arguments.count} pictures of each kind")  # fmt: skip
    print_table(
        ("kind", "right", "of these not sure", "wrong", "of these not sure", "refused"),
        [(row.kind, row.right, row.right_unsure, row.wrong, row.wrong_unsure, row.refused)
         for row in rows],
    )  # fmt: skip
    return int(any(row.right < LEAST * arguments.count for row in rows))


if __name__ == "__main__":
    sys.exit(main())
