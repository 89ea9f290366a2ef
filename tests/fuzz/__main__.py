"""Feeds the compiler damaged .tflite files: slow, and no test. From the project's folder::

    python -m tests.fuzz --count 20000 --seed 1

Each file must compile to C that answers as TensorFlow Lite Micro does, or be refused by a sentence;
within 10 seconds and 2 GiB. Files that fail are kept under ``build/fuzz``. A file follows from the
seed and its number alone: ``--first 1234 --count 1`` makes that one again.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads of its own would take address space

from glyphite.convert.workspace import build_root
from glyphite.host.cli.console import print_table, progress_bar, say
from tests.fuzz.campaign import SANITIZED_EVERY, Campaign, Tally


def main() -> int:
    """Run, print, and fail where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of all files (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--jobs", type=int, default=1, help="files at once (default: 1)")
    arguments = parser.parse_args()
    campaign = Campaign(
        arguments.seed, arguments.count, arguments.first, Path(build_root()) / "fuzz"
    )
    with progress_bar("Fuzzing", arguments.count) as progress:
        tally = campaign.run(arguments.jobs, progress)
    report(tally)
    return 1 if tally.defects else 0


def report(tally: Tally) -> None:
    """Print the raw counts."""
    print_table(("files", f"{tally.files:,}"), tally.outcomes.most_common())
    print_table(("of those compiled", "files"), tally.verdicts.most_common())
    print_table(("no oracle, since", "files"), tally.unjudged.most_common())
    for sentence, count in tally.sentences.most_common():
        say(f"{count:7,}  {sentence}")
    say(f"built with sanitizers: {tally.sanitized:,} of the compiled, one in {SANITIZED_EVERY}")
    say(f"slowest: {tally.slowest[0]:.2f} s, mutant {tally.slowest[1]}")
    say(f"peak memory: {tally.peak[0] / 2**20:.0f} MiB, mutant {tally.peak[1]}")
    say(f"defects: {len(tally.defects)}")
    for line in tally.defects:
        say(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
