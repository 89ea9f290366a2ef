"""A page in a real browser, driven as a person does: by mouse, touch and keys."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from tests.page.strokes import Point
from tests.paths import PROJECT
from tests.strict import require_npm_package

SECONDS = 120.0
"""For an answer; a calm machine takes a fifth of a second."""
SHOTS = PROJECT / "build" / "page"
"""Pictures of a run, to be looked at."""
PHONE, DESK = 390, 1280
"""Pixels of a window's width."""


_SEEN = """() => {
  const seen = document.getElementById("seen-canvas");
  const { data } = seen.getContext("2d").getImageData(0, 0, seen.width, seen.height);
  return Array.from({ length: data.length / 4 }, (_, at) => data[4 * at]);
}"""


class Driven:
    """One page. ``faults``: what its console or a script of it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(1000 * SECONDS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console", lambda said: self.faults.append(said.text) if said.type == "error" else None
        )

    def draw(self, strokes: Sequence[Sequence[Point]]) -> None:
        """Draw strokes by the mouse."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        mouse = self.page.mouse
        for stroke in strokes:
            places = [
                (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
            ]
            mouse.move(*places[0])
            mouse.down()
            for place in places[1:]:
                mouse.move(*place)
            mouse.up()

    def answer(self) -> str:
        """The answer to what is drawn now."""
        self.page.locator('#answering[aria-busy="false"]').wait_for()
        return (self.page.locator("#answer").text_content() or "").strip()

    def row(self, part: str) -> list[str]:
        """The cells of a row of the table: ``thead``, or one of ``tfoot``."""
        return [text.strip() for text in self.page.locator(f"#bars {part} > *").all_text_contents()]

    @property
    def seen(self) -> list[int]:
        """The pixels of what the model saw, row by row."""
        return list(self.page.evaluate(_SEEN))

    @property
    def bytes(self) -> list[int]:
        """What the board answered, byte by byte."""
        told = self.page.locator("#bars tfoot tr:nth-child(2) td").first.get_attribute("title")
        return [int(word) for word in (told or "").removeprefix("Its bytes: ").split()]

    @property
    def engines(self) -> list[str]:
        """The names over the columns."""
        return self.row("thead tr")[1:]

    @property
    def note(self) -> str:
        """What stands beside the answer."""
        return self.page.locator("#note").text_content() or ""

    def clear(self) -> None:
        """Choose Clear, and wait until the answer has gone."""
        self.page.get_by_role("button", name="Clear").click()
        assert self.answer() == ""

    def state(self, wanted: str) -> str:
        """Wait for a state of the board; its sentence."""
        self.page.locator(f'#state[data-state="{wanted}"]').wait_for()
        return self.page.locator("#state-text").text_content() or ""


@contextmanager
def opened(browser: Browser, url: str, width: int = 1280, **options: object) -> Iterator[Driven]:
    """The page, so wide, in a profile of its own, once the board is connected."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)  # type: ignore[arg-type]
    try:
        driven = Driven(context.new_page())
        driven.page.goto(url)
        driven.state("connected")
        yield driven
    finally:
        context.close()


def findings(page: Driven) -> list[str]:
    """What axe-core finds that is serious."""
    script = require_npm_package("axe-core") / "axe.min.js"
    page.page.evaluate(script.read_text(encoding="utf-8"))
    found = page.page.evaluate("axe.run()")
    grave = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    return [json.dumps({"id": each["id"], "at": each["nodes"][0]["html"]}) for each in grave]
