"""Fuzzes the board's end of the wire: slow, and no test. From the project's folder::

    python -m tests.fuzz.wire --runs 10000000

Frame codec and application are built by clang with libFuzzer, AddressSanitizer and
UndefinedBehaviorSanitizer, with sizes of 32 bits and of 16, and held byte by byte against a second
implementation of docs/wire.md (reference.c): each answer, each run of the model and its input, and
that hello is answered after whatever came. An input that fails is kept under ``build/fuzz/wire``;
``--again FILE`` runs it again, for both sizes.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from glyphite.convert.workspace import build_root
from glyphite.host.cli.console import print_table, say
from tests.fuzz.wire.campaign import SIZES, Found, NoFuzzerError, fuzz_all, make


def main() -> int:
    """Run, print, and fail where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.wire", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="in all (default: 1000000)")
    parser.add_argument("--seed", type=int, default=1, help="of all inputs (default: 1)")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1, help="processes")
    parser.add_argument("--again", type=Path, metavar="FILE", help="an input that failed")
    arguments = parser.parse_args()
    folder = Path(build_root()) / "fuzz" / "wire"
    try:
        if arguments.again is not None:
            targets = [make(bits, folder) for bits in SIZES]
            again = [subprocess.run([each, arguments.again], check=False) for each in targets]
            return int(any(done.returncode for done in again))
        start = time.monotonic()
        found = fuzz_all(arguments.runs, arguments.seed, folder, arguments.jobs)
    except NoFuzzerError as error:
        print(f"{error} Run `make setup`.", file=sys.stderr)
        return 2
    report(found, time.monotonic() - start)
    return 1 if any(each.defect for each in found) else 0


def report(found: list[Found], seconds: float) -> None:
    """Print the counts, and what failed."""
    print_table(
        ("bits of a size", "runs", "seconds", "branches", "inputs kept"),
        [
            (each.bits, f"{each.runs:,}", f"{each.seconds:,}", each.branches, f"{each.inputs:,}")
            for each in found
        ],
    )
    say(f"{sum(each.runs for each in found):,} runs in {seconds:,.0f} s")
    for each in found:
        if each.defect:
            say(f"{each.bits} bits: {each.defect}")


if __name__ == "__main__":
    sys.exit(main())
