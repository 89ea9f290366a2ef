"""Feeds every reader of the product damaged inputs: no test. From the project's folder::

    python -m tests.hostile --input all --count 200000 --seed 1 --jobs 2

Each input is damaged by its bytes or by its structure (types, keys, numbers, depth, letters, sizes,
checksums that fit all the same), and goes in where the product reads its kind. It must be accepted,
and then be what is written in it, or be refused by one sentence; within 10 seconds and 2 GiB.
Inputs that fail are kept under ``build/fuzz``. An input follows from its kind, the seed and its
number alone: ``--input board --first 1234 --count 1`` makes that one again. Mutations are drawn
from a seeded generator; ``test_hostile.py`` has Hypothesis besides, which makes a failing document
small. For .tflite files, whose C is held against TensorFlow Lite Micro: ``python -m tests.fuzz``.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads of its own would take address space

from glyphite.convert.workspace import build_root
from glyphite.host.cli.console import print_table, progress_bar, say
from tests.hostile.campaign import WAYS, Campaign
from tests.hostile.worker import Found, Worker


def main() -> int:
    """Run, print, and fail where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--input", choices=["all", *WAYS], default="all", help="kind of input")
    parser.add_argument("--count", type=int, default=10_000, help="inputs (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of all inputs (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first of each kind")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    arguments = parser.parse_args()
    folder = Path(build_root()) / "fuzz"
    shares = {name: share for name, (_, share) in WAYS.items()}
    if arguments.input != "all":
        shares = {arguments.input: 1.0}
    workers = [Worker() for _ in range(arguments.jobs)]
    found = {}
    with progress_bar("Reading", arguments.count) as progress:
        for name, share in shares.items():
            count = max(1, round(share * arguments.count))
            campaign = Campaign(name, arguments.seed, count, arguments.first, folder)
            found[name] = campaign.run(workers, progress)
    for worker in workers:
        worker.stop()
    report(found)
    return 1 if any(one.defects for one in found.values()) else 0


def report(found: dict[str, Found]) -> None:
    """Print the counts of each kind, and each defect."""
    kinds = ("accepted", "refused", "left out")
    print_table(
        ("input", *kinds, "defects", "slowest (s)", "memory (MiB)"),
        [
            (
                *(name, *(f"{one.outcomes[kind]:,}" for kind in kinds), len(one.defects)),
                *(f"{one.slowest[0]:.2f}", f"{one.peak_bytes / 2**20:.0f}"),
            )
            for name, one in found.items()
        ],
    )
    for name, one in found.items():
        for defect in one.defects:
            say(f"{name} {defect.number}: {defect.kind}: {defect.text.strip().splitlines()[-1]}")


if __name__ == "__main__":
    sys.exit(main())
