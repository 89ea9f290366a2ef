"""``python -m tests.page``: strokes of MNIST's test images, drawn in a real browser by the mouse,
and read by a board: how many are read as the board reads the image itself. ``--saved``: on the page
that `glyphite export MODEL --page` writes, by the Uno in it.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.progress import Progress
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main as glyphite
from glyphite.host.cli.console import progress_bar, say
from glyphite.host.cli.heartbeat import signs_of_life
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import oracle
from tests.page.driver import Driven, opened
from tests.page.emulated import emulated
from tests.page.serving import Client, best, serving
from tests.page.strokes import strokes

LEAST = 0.95
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.longest = Math.max(window.longest, each.duration);
  }).observe({ type: "longtask" });
}"""
"""Tasks of the page's own thread, above 50 ms: as long a stroke stands still."""


@dataclass(frozen=True)
class Asked:
    """A page to draw on, and what its board reads in the images themselves."""

    url: str
    board: str
    whole: list[str]


def main() -> int:
    """Print how many agree; 1 where fewer than 95 of 100 do. Where stderr is no terminal, lines say
    how far it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.page", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="test images (default: 100)")
    parser.add_argument("--model", default="uno", help="(default: uno)")
    parser.add_argument("--port", default="sim://uno", help="the board (default: sim://uno)")
    parser.add_argument("--saved", action="store_true", help="draw on the page as one file")
    words = parser.parse_args()
    with signs_of_life("python -m tests.page"):
        return _run(words)


def _run(words: argparse.Namespace) -> int:
    images = load_mnist(report=say).test_images[: words.count]
    chromium = which("chromium")
    with (
        _saved(words.model, images) if words.saved else _served(words, images) as asked,
        sync_playwright() as playwright,
        progress_bar("Drawing", len(images)) as progress,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with opened(browser, asked.url) as page:
            page.page.evaluate(WATCH)
            drawn = [_read(page, image, progress) for image in images]
            apart = sum(_apart(each, words.model) for each in drawn)
            faults, model = page.faults, page.page.locator("#model").text_content()
            longest = page.page.evaluate("window.longest")
        version = browser.version
        browser.close()
    pairs = enumerate(zip(asked.whole, drawn, strict=True))
    others = [index for index, (one, other) in pairs if one != other.answer]
    say(
        f"{len(images) - len(others)} of {len(images)} drawings are read as {asked.board} "
        f"reads the test image. {model}. Chromium {version}."
    )
    for index in others:
        say(f"  test image {index}: {asked.whole[index]}, and drawn {drawn[index].answer}")
    count = sum(len(each.bytes) for each in drawn)
    say(f"{apart} of {count} bytes differ from what TFLM answers to what the model saw.")
    say(f"The page's thread was busy for {longest:.0f} ms at most (0: under 50).")
    for fault in faults:
        say(f"  the page complained: {fault}")
    return int(len(others) > (1 - LEAST) * len(images) or apart > 0 or not count or bool(faults))


@contextmanager
def _served(words: argparse.Namespace, images: NDArray[np.uint8]) -> Iterator[Asked]:
    """A server's page, and the board at the port."""
    build = Path(os.environ.get("GLYPHITE_BUILD") or "build")
    build.mkdir(parents=True, exist_ok=True)
    with serving(build, words.model, "--port", words.port) as served:
        client = Client(served.url)
        whole = [best(client.read(image, isTensor=True)) for image in images]
        client.close()
        yield Asked(served.url, f"the board on {words.port}", whole)


@contextmanager
def _saved(name: str, images: NDArray[np.uint8]) -> Iterator[Asked]:
    """The page as one file, saved anew, and the Uno in it."""
    if code := glyphite(["export", name, "--page"]):
        raise SystemExit(code)
    model = find_model(name)
    path = model.root / "page.html"
    scores = emulated(path, read_manifest(model).quantize(images)).scores
    whole = [str(np.argmax(each)) for each in scores]
    yield Asked(path.resolve().as_uri(), "the Uno in the saved page", whole)


@dataclass(frozen=True)
class Drawn:
    """What a page made of a drawing."""

    answer: str
    seen: list[int]
    bytes: list[int]


def _read(page: Driven, image: NDArray[np.uint8], progress: Progress) -> Drawn:
    page.clear()
    page.draw(strokes(image))
    answer = page.answer() or page.note
    progress(1)
    by = page.engines[0]
    return Drawn(answer if by == "board" else f"{answer} by {by}", page.seen, page.bytes)


def _apart(drawn: Drawn, name: str) -> int:
    """Of the bytes, how many are not TFLM's."""
    model = find_model(name)
    seen = np.array(drawn.seen, np.uint8).reshape(1, 28, 28)
    right = oracle(model.tflite).run(read_manifest(model).quantize(seen))[0][0]
    return int((np.array(drawn.bytes, np.int8) != right).sum()) if drawn.bytes else 0


if __name__ == "__main__":
    raise SystemExit(main())
