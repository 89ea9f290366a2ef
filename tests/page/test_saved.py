"""`glyphite export --page`: an Uno in a file, a board by Web Serial, and the page's JavaScript."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.device.session import connect
from glyphite.host.device.transport import open_port
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import oracle
from glyphite.host.serve.inputs import Inputs, Samples
from glyphite.host.serve.messages import Picture
from glyphite.host.serve.saved import TEMPLATE
from tests.builders.tables import unary
from tests.page.emulated import emulated
from tests.page.pictures import differences, pictures
from tests.page.strokes import strokes
from tests.paths import TESTS
from tests.strict import absent, require_module
from tools.saved_page import BUNDLER, bundle

require_module("playwright", "websockets")
from tests.page.driver import DESK, PHONE, SHOTS, Driven, findings, opened  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DRAWN, ASKED = 2, 3
SEVEN = TESTS / "data" / "seven.png"
STAND_IN = TESTS / "page" / "javascript" / "serial.js"


@pytest.fixture(scope="module")
def node() -> str:
    """The program that runs JavaScript without a browser."""
    found = which("node") or which("nodejs")
    if found is None:
        absent("nodejs is not installed.")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def saved(flashed_uno: Path) -> Path:
    """The page of the model ``uno``, saved."""
    path = flashed_uno / "saved.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(flashed_uno))
        assert main(["export", "uno", "--page", "--out", str(path)]) == 0
    return path


def test_the_wire_in_javascript_gives_what_the_vectors_say(node: str) -> None:
    tests = TESTS / "page" / "javascript" / "wire.test.mjs"
    done = subprocess.run([node, "--test", str(tests)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_page_that_is_shipped_is_made_of_its_sources(node: str, tmp_path: Path) -> None:
    """If not: ``make page``."""
    if not (BUNDLER.parent / "node_modules" / "esbuild").is_dir():
        absent("esbuild is not installed (npm is needed).")
    assert bundle(tmp_path / "page.html") == TEMPLATE.read_text(encoding="utf-8")


def test_a_picture_is_read_in_javascript_as_in_python(node: str) -> None:
    given = [*pictures(load_mnist(), DRAWN)][:7]
    assert [each for each in differences(node, given) if each.bytes or each.refused] == []


def test_the_uno_in_the_page_answers_as_tflm_and_as_simavr(
    node: str, saved: Path, flashed_uno: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find_model("uno")
    tensors = read_manifest(model).quantize(load_mnist().test_images[:ASKED])
    seen = emulated(saved, tensors)
    assert (seen.hello["board"], seen.repeats, seen.overruns) == ("uno", 0, 0)
    assert (seen.scores == oracle(model.tflite).run(tensors)[0]).all()
    monkeypatch.setenv("GLYPHITE_BUILD", str(flashed_uno))
    with connect("sim://uno") as session:
        board = list(session.answers(tensors))
    assert (seen.scores == np.stack([answer.scores for answer in board])).all()
    times = [1000 * answer.seconds for answer in board]
    # the host's next request travels while the board computes, and interrupts it
    assert seen.milliseconds == pytest.approx(times, rel=0.01)


@pytest.fixture
def page(browser: "Browser", saved: Path) -> Iterator[Driven]:
    """The saved page; nothing in it may complain."""
    with opened(browser, saved.as_uri()) as one:
        yield one
        assert one.faults == []


def test_the_saved_page_reads_what_is_drawn_and_knows_its_samples(page: Driven) -> None:
    assert "emulated in this page" in page.state("connected")
    page.page.get_by_role("button", name="Test image").click()
    page.page.locator("#bars .same").wait_for()
    assert page.answer() == "7"
    assert "ms on the real chip" in page.row("tfoot tr")[1]
    assert "the chip's speed" in page.note
    page.clear()
    page.draw(strokes(load_mnist().test_images[2]))
    assert page.answer() == "1"
    drawing = np.array(page.seen, np.uint8).reshape(1, 28, 28)
    model = find_model("uno")
    right = oracle(model.tflite).run(read_manifest(model).quantize(drawing))[0][0]
    assert page.bytes == right.tolist()
    assert page.row("tfoot tr")[3].startswith("not compared: the page has the right bytes of")
    assert len(page.page.workers) == 2, "neither the board nor a drawing keeps the page waiting"


def test_the_saved_page_is_fit_for_all_at_each_width_and_by_keys_alone(page: Driven) -> None:
    """No sideways scrolling, no serious finding of axe-core; pictures are kept to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    keys = page.page.keyboard
    for focused in ("source", "", "canvas"):
        keys.press("Tab")
        assert page.page.evaluate("document.activeElement.id") == focused
    for key in [*["ArrowUp"] * 9, " ", *["ArrowDown"] * 19, " "]:
        keys.press(key)
    assert page.answer() == "1"
    for width, scheme in product((PHONE, DESK), ("light", "dark")):
        page.page.set_viewport_size({"width": width, "height": 800})
        page.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        page.page.screenshot(path=SHOTS / f"saved-{width}-{scheme}.png", full_page=True)
        assert findings(page) == []
    keys.press("Backspace")
    assert page.answer() == ""


def test_a_model_of_pictures_scales_what_is_handed_to_its_page(
    browser: "Browser", saved: Path, tmp_path: Path
) -> None:
    """As `serve` scales it: the Uno's own bytes are those of the picture that Python scales."""
    model = find_model("uno")
    manifest = read_manifest(model)
    inputs = Inputs(manifest, digits=False, load_samples=lambda: Samples(np.zeros(0), []))
    path, text = tmp_path / "page.html", saved.read_text(encoding="utf-8")
    assert text.count('"kind":"digits"') == 1
    path.write_text(text.replace('"kind":"digits"', '"kind":"picture"'), encoding="utf-8")
    with Image.open(SEVEN) as file:
        grey = np.asarray(file.convert("L"))
    whole = Picture(grey.shape[1], grey.shape[0], grey.tobytes())
    right = oracle(model.tflite).run(inputs.of_picture(whole).tensor)[0][0]
    with opened(browser, path.as_uri()) as driven:
        assert (
            driven.page.locator("#title").text_content() == "Show a picture, and the board answers"
        )
        driven.page.set_input_files("#open", SEVEN)
        driven.page.locator("#seen").wait_for()
        assert driven.answer() == str(np.argmax(right))
        assert driven.bytes == right.tolist()
        assert driven.faults == []


def test_a_model_of_values_has_a_page_that_asks_for_them(
    browser: "Browser", flashed_uno: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHITE_BUILD", str(flashed_uno))
    model = tmp_path / "curve.tflite"
    model.write_bytes(unary("TANH", (0.05, 3), (1 / 128, 0)))
    path = tmp_path / "page.html"
    assert main(["export", str(model), "--page", "--out", str(path)]) == 0
    with opened(browser, path.as_uri()) as driven:
        page = driven.page
        assert page.locator("#title").text_content() == "Give values, and the board answers"
        page.get_by_label("256 numbers").fill("0.5 x")
        page.get_by_role("button", name="Ask").click()
        page.locator("#note", has_text='"x" is no number').wait_for()
        page.get_by_label("256 numbers").fill("0.5 1")
        page.get_by_role("button", name="Ask").click()
        page.locator("#note", has_text="2 values were given, and curve takes 256").wait_for()
        page.get_by_label("256 numbers").fill("0 " * 255 + "3")
        page.get_by_role("button", name="Ask").click()
        page.locator("#bars tfoot", has_text="ms on the real chip").wait_for()
        assert driven.answer().startswith("0.000 0.000")
        assert (len(driven.bytes), driven.bytes[0], driven.bytes[-1]) == (256, 0, 127)
        assert findings(driven) == []
        assert driven.faults == []


def test_the_saved_page_talks_to_a_board_by_web_serial(
    browser: "Browser", saved: Path, flashed_uno: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for navigator.serial speaks to the emulated board."""
    monkeypatch.setenv("GLYPHITE_BUILD", str(flashed_uno))
    port = open_port("sim://uno", 115200)
    port.timeout = 0.02

    def write(_: object, text: str) -> None:
        port.write(base64.b64decode(text))

    def read(_: object) -> str:
        return base64.b64encode(port.read(4096)).decode()

    try:
        with opened(browser, saved.as_uri()) as driven:
            driven.page.expose_binding("boardTakes", write)
            driven.page.expose_binding("boardGives", read)
            driven.page.evaluate(STAND_IN.read_text())
            driven.page.get_by_label("Answered by").select_option(index=1)
            driven.page.get_by_role("button", name="Connect").click()
            driven.page.get_by_text("uno answers at this computer's serial port.").wait_for()
            driven.page.get_by_role("button", name="Test image").click()
            driven.page.locator("#bars .same").wait_for()
            assert driven.answer() == "7"
            driven.page.evaluate("boardVanishes()")
            driven.state("reconnecting")
            driven.state("connected")
            driven.clear()
            driven.draw(strokes(load_mnist().test_images[2]))
            assert driven.answer() == "1"
            assert driven.faults == []
    finally:
        port.close()


def test_what_fits_no_uno_is_refused_with_its_sizes(
    seed: ModelFolder, require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("avr-gcc")
    assert main(["export", "seed", "--page"]) == 1
    said = capsys.readouterr().err
    assert "does not fit on 'uno'" in said
    assert "32,256" in said
    assert not (seed.root / "page.html").exists()


def test_another_board_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "uno", "--page", "--board", "mega2560", "--json"]) == 2
    assert "Leave --board out" in json.loads(capsys.readouterr().out)["error"]
