"""``python -m tests.page.emulated``: MNIST's test images on the Uno in a saved page, run by node:
its bytes against TensorFlow Lite Micro's, its time, and its speed against the chip's.
"""

import argparse
import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main as glyphite
from glyphite.host.cli.console import say
from glyphite.host.cli.heartbeat import signs_of_life
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import oracle
from tests.paths import TESTS

PROGRAM = TESTS / "page" / "javascript" / "emulated.mjs"


@dataclass(frozen=True, eq=False)
class Emulated:
    """What the board in a page answered."""

    hello: dict[str, Any]
    scores: NDArray[np.int8]
    """(n, values)."""
    milliseconds: list[float]
    """Of each run, by the board's clock."""
    ratio: float
    """How many times as fast as the chip it ran."""
    repeats: int
    overruns: int


def emulated(page: Path, tensors: NDArray[np.int8]) -> Emulated:
    """Ask the board in ``page`` for the answers to input tensors (n, *shape)."""
    asked = json.dumps([base64.b64encode(tensor.tobytes()).decode() for tensor in tensors])
    node = which("node") or which("nodejs")
    if node is None:
        raise SystemExit("node is not installed, which runs the page's board. Run `make setup`.")
    command = [node, str(PROGRAM), str(page)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    answers = told["answers"]
    scores = [np.frombuffer(base64.b64decode(each["scores"]), np.int8) for each in answers]
    times = [each["milliseconds"] for each in answers]
    return Emulated(
        told["board"], np.stack(scores), times, told["ratio"], told["repeats"], told["overruns"]
    )


def main() -> int:
    """Print the figures; 1 where a byte differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.page.emulated", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="test images (default: 100)")
    count = parser.parse_args().count
    with signs_of_life("python -m tests.page.emulated"):
        return _run(count)


def _run(count: int) -> int:
    model = find_model("uno")
    if glyphite(["export", "uno", "--page"]):
        return 1
    images = load_mnist(report=say).test_images[:count]
    tensors = read_manifest(model).quantize(images)
    seen = emulated(model.root / "page.html", tensors)
    differ = int((seen.scores != oracle(model.tflite).run(tensors)[0]).sum())
    times = np.array(seen.milliseconds)
    say(f"{differ} of {seen.scores.size} bytes differ from TFLM's, in {count} images.")
    span = f"{times.min():.2f} to {times.max():.2f}"
    say(f"By the board's clock {times.mean():.2f} ms an image ({span}).")
    say(f"Here it ran at {100 * seen.ratio:.0f} % of the chip's speed.")
    say(f"Requests sent again: {seen.repeats}; bytes lost: {seen.overruns}.")
    return int(differ > 0)


if __name__ == "__main__":
    raise SystemExit(main())
