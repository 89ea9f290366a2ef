"""``python -m tests.page``: strokes of MNIST's test images, drawn in a real browser by the mouse,
and read by a board: how many are read as the board reads the image itself.
"""

import argparse
import os
from pathlib import Path
from shutil import which

from playwright.sync_api import sync_playwright

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.progress import Progress
from glyphite.host.cli.console import progress_bar, say
from tests.page.driver import Driven, opened
from tests.page.serving import Client, best, serving
from tests.page.strokes import strokes

LEAST = 0.95


def main() -> int:
    """Print how many agree; 1 where fewer than 95 of 100 do."""
    parser = argparse.ArgumentParser(prog="python -m tests.page", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="test images (default: 100)")
    parser.add_argument("--model", default="uno", help="(default: uno)")
    parser.add_argument("--port", default="sim://uno", help="the board (default: sim://uno)")
    words = parser.parse_args()
    build = Path(os.environ.get("GLYPHITE_BUILD") or "build")
    build.mkdir(parents=True, exist_ok=True)
    chromium = which("chromium")
    images = load_mnist(report=say).test_images[: words.count]
    with (
        serving(build, words.model, "--port", words.port) as served,
        sync_playwright() as playwright,
        progress_bar("Drawing", len(images)) as progress,
    ):
        client = Client(served.url)
        whole = [best(client.read(image, isTensor=True)) for image in images]
        client.close()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with opened(browser, served.url) as page:
            drawn = [_read(page, image, progress) for image in images]
            faults, model = page.faults, page.page.locator("#model").text_content()
        browser.close()
    pairs = enumerate(zip(whole, drawn, strict=True))
    others = [index for index, (one, other) in pairs if one != other]
    say(
        f"{len(images) - len(others)} of {len(images)} drawings are read as the board on "
        f"{words.port} reads the test image. {model}."
    )
    for index in others:
        say(f"  test image {index}: {whole[index]}, and drawn {drawn[index]}")
    for fault in faults:
        say(f"  the page complained: {fault}")
    return int(len(others) > (1 - LEAST) * len(images) or bool(faults))


def _read(page: Driven, image: object, progress: Progress) -> str:
    page.clear()
    page.draw(strokes(image))  # type: ignore[arg-type]
    answer = page.answer() or page.note
    progress(1)
    return answer if page.engines[0] == "board" else f"{answer} by {page.engines[0]}"


if __name__ == "__main__":
    raise SystemExit(main())
