"""Streams MNIST's test images over a bad line: no test. From the project's folder::

    python -m tests.bad_line --count 10000 --rate 0.01 --rare 0.001 --seed 1
    python -m tests.bad_line --pace 115200 --count 300

The first has every kind of fault at once on `fault://sim://native`: bits flipped, bytes lost,
doubled, inserted and delayed, and frames split, each in that share (--rate) of the frames in each
direction; the board restarted, and the port gone for a while, in another (--rare). Each answer is
held against that of a good line. It fails where one is wrong, missing or counted twice. The second
paces a good line, and tells how many images a second pass packed and raw. The same seed, the same
faults in the same bytes; which bytes are sent again also depends on times.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import GlyphiteError
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_table, progress_bar, say
from glyphite.host.device.wire.protocol import Encoding
from tests.bad_line.campaign import COMMON, RARE, Run, faulty_url, good_scores, pace, rates, run
from tests.paths import PROJECT


def main() -> int:
    """0: every image was answered once and rightly. 1: not so. 2: a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m tests.bad_line", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="images (default: 10000)")
    parser.add_argument("--rate", type=float, default=0.01, help="of each kind (default: 0.01)")
    parser.add_argument("--rare", type=float, default=0.001, help="of restarts (default: 0.001)")
    parser.add_argument("--seed", type=int, default=1, help="of all faults (default: 1)")
    parser.add_argument("--pace", type=int, metavar="BAUD", help="measure a good line's rate")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except GlyphiteError as error:
        print(f"python -m tests.bad_line: {error}", file=sys.stderr)
        return error.exit_code


def _run(arguments: argparse.Namespace) -> int:
    firmware = compile_and_build(str(PROJECT / "models" / "uno"), "native").built.image
    images = load_mnist().test_images[: arguments.count].astype(np.int16) - 128
    inputs = images.astype(np.int8).reshape(-1, 1, 784)
    if arguments.pace:
        _pace(firmware, inputs, arguments.pace)
        return 0
    right = good_scores(firmware, inputs)
    chosen = rates(arguments.rate, arguments.rare, arguments.seed)
    say(f"{faulty_url(firmware, chosen)}")
    with progress_bar("Streaming", len(inputs)) as progress:
        found = run(faulty_url(firmware, chosen), inputs, right, progress)
    report(found)
    return 0 if found.exact else 1


def report(found: Run) -> None:
    """Print the counts."""
    print_table(("fault", "times"), [(kind, found.hits[kind]) for kind in (*COMMON, *RARE)])
    print_table(("sent again, as", "requests"), sorted(found.repeats.items()))
    say(
        f"{found.answers:,} of {found.asked:,} images answered, {found.wrong:,} wrongly, in "
        f"{found.seconds:.1f} s: {found.repeats.total():,} requests sent again, {found.restarts:,} "
        f"restarts noticed, {found.sent:,} bytes sent and {found.received:,} received."
    )
    if found.ended_by:
        say(f"It ended early: {found.ended_by}")


def _pace(firmware: Path, inputs: NDArray[np.int8], baud: int) -> None:
    """Measure and print a good line's rates, raw and packed."""
    rows, seconds = [], []
    for encodings in ((Encoding.RAW,), (Encoding.RAW, Encoding.PACKED)):
        found = pace(firmware, inputs, baud, encodings)
        seconds.append(found.seconds)
        used = 10 * found.sent / (baud * found.seconds)
        rows.append(
            (
                encodings[-1].name,
                f"{found.seconds:.2f}",
                f"{found.asked / found.seconds:.1f}",
                f"{found.sent / found.asked:.1f}",
                f"{100 * used:.1f}",
            )
        )
    print_table(("encoding", "seconds", "images/s", "bytes sent/image", "% of the line"), rows)
    ratio = seconds[0] / seconds[1]
    say(f"{len(inputs):,} images at {baud} baud: {ratio:.2f} times as fast packed.")


if __name__ == "__main__":
    sys.exit(main())
