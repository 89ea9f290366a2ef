"""The page in a real browser, and an emulated Uno that reads what is drawn."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.data.mnist import load_mnist
from tests.builders.models import VALID, ModelBuilder
from tests.builders.tables import unary
from tests.page.strokes import Point, strokes
from tests.paths import TESTS
from tests.strict import require_module

require_module("playwright", "websockets")
from websockets.exceptions import ConnectionClosed  # noqa: E402

from tests.page.driver import DESK, PHONE, SHOTS, Driven, findings, opened  # noqa: E402
from tests.page.serving import Client, Served, best, serving  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, WebSocketRoute

SEVEN = TESTS / "data" / "seven.png"
DRAWN = 5


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    """The first test images (n, 28, 28)."""
    return load_mnist().test_images[:DRAWN]


@pytest.fixture
def page(browser: "Browser", served: Served) -> Iterator[Driven]:
    """The page on a desk; nothing in it may complain."""
    with opened(browser, served.url) as one:
        yield one
        assert one.faults == []


def brightest() -> bytes:
    """A model that gives the largest red, green and blue of a picture, 8 x 12."""
    model = ModelBuilder()
    first = model.tensor((1, 8, 12, 3), 1.0, -128)
    last = model.tensor((1, 1, 1, 3), 1.0, -128)
    size = {"filterHeight": 8, "filterWidth": 12, "strideH": 8, "strideW": 12, "padding": VALID}
    model.operator("MAX_POOL_2D", [first], [last], "Pool2DOptions", version=2, **size)
    return model.build([first], [last])


def _one(x: float = 0.5) -> list[list[Point]]:
    """A 1, as strokes."""
    return [[(x, 0.15 + 0.07 * step) for step in range(11)]]


def test_strokes_are_read_as_the_board_reads_the_image(
    page: Driven, served: Served, images: NDArray[np.uint8]
) -> None:
    client = Client(served.url)
    for image in images:
        whole = best(client.read(image, isTensor=True))
        page.draw(strokes(image))
        assert page.answer() == whole
        assert page.engines[:2] == ["board", "int8 (PC)"]
        assert page.row("tfoot tr:nth-child(2)")[1:3] == ["✓ TFLM's bytes", "TFLM's bytes"]
        assert page.row("tfoot tr:nth-child(1)")[1].endswith(" ms by the emulated clock")
        page.page.locator("#seen-canvas").wait_for()
        page.page.locator("#spoken", has_text=f"The board answers {whole}").wait_for()
        page.clear()
    client.close()
    assert page.state("connected") == "Connected to uno on sim://uno."
    assert (page.page.locator("#model").text_content() or "").startswith("Model uno, SHA-256 ")


def test_strokes_are_undone_and_a_test_image_is_taken(page: Driven) -> None:
    page.draw(_one(0.2))
    assert page.answer() == "1"
    page.draw(_one(0.8))
    assert page.answer() == "1"  # as before, and stale
    assert "2 digits side by side" in page.note
    page.page.get_by_role("button", name="Undo").click()
    assert page.answer() == "1"
    assert page.note == ""
    page.page.get_by_role("button", name="Test image").click()
    page.page.locator("#note:not(:empty)").wait_for()
    right = page.note.removeprefix("A test sample; right is ")[0]
    assert page.answer() == right
    page.page.get_by_role("button", name="Undo").click()
    assert page.answer() == "1"
    page.clear()
    page.page.get_by_role("button", name="Undo").click()
    assert page.answer() == "1"


def test_what_is_said_of_a_drawing_goes_as_it_is_changed(page: Driven) -> None:
    """Even where its answer comes after the change: the first one is held back here."""
    held: list[Callable[[], None]] = []

    def between(socket: "WebSocketRoute") -> None:
        server = socket.connect_to_server()

        def told(message: str | bytes) -> None:
            known = json.loads(message)
            if known["type"] != "answer" or held:
                socket.send(message)
                return
            known["answer"]["note"] = "Left out: a speck."
            held.append(lambda: socket.send(json.dumps(known)))

        server.on_message(told)

    page.page.route_web_socket("**/board", between)
    page.page.reload()
    page.state("connected")
    page.draw(_one())
    while not held:
        page.page.wait_for_timeout(20)
    page.draw(_one(0.52))
    held[0]()
    assert (page.answer(), page.note) == ("1", "")


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_picture_is_read(page: Driven, way: str) -> None:
    if way == "choose":
        page.page.set_input_files("#open", SEVEN)
    else:
        page.page.evaluate(_HANDED, [way, list(SEVEN.read_bytes())])
    page.page.locator("#seen").wait_for()
    assert page.answer() == "7"


_HANDED = """([way, bytes]) => {
  const handed = new DataTransfer();
  handed.items.add(new File([new Uint8Array(bytes)], "seven.png", { type: "image/png" }));
  const event = way === "drop"
    ? new DragEvent("drop", { dataTransfer: handed, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: handed, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def test_a_file_that_is_no_picture_is_told(page: Driven, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("no picture")
    page.page.set_input_files("#open", path)
    page.page.locator("#note:not(:empty)").wait_for()
    assert page.note == "a.txt is no picture that this browser reads."


def test_a_picture_that_is_too_large_or_damaged_is_told(page: Driven, tmp_path: Path) -> None:
    """Its size is read from its head, so that no gigabytes are decoded first."""
    damaged, huge = tmp_path / "damaged.png", tmp_path / "huge.png"
    damaged.write_bytes(SEVEN.read_bytes()[:60])
    Image.new("1", (8000, 8000)).save(huge)
    for path, said in (
        (huge, "huge.png has 8000x8000 pixels, and at most 50,000,000 are read. "),
        (damaged, "damaged.png is no picture that this browser reads."),
    ):
        page.page.set_input_files("#open", path)
        page.page.locator("#note", has_text=said).wait_for()
    page.draw(_one())
    assert page.answer() == "1"


def test_a_board_that_is_pulled_away_comes_back(
    page: Driven, served: Served, flashed_uno: Path
) -> None:
    page.draw(_one())
    assert page.answer() == "1"
    record = flashed_uno / ".boards" / "uno.json"
    away = record.with_suffix(".away")
    record.rename(away)
    for emulator in _emulators(served.program.pid):
        os.kill(emulator, signal.SIGKILL)
    page.state("reconnecting")
    page.draw(_one(0.52))
    assert page.answer() == "1"
    assert page.engines[0] == "int8 (PC)"
    assert page.note.startswith("The board does not answer now, so this PC does.")
    away.rename(record)
    page.state("connected")
    page.page.locator("#bars thead th", has_text="board").wait_for()
    assert page.answer() == "1"


def _emulators(server: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()[1:]]
    below = {server}
    for _ in range(3):
        below |= {int(pid) for pid, parent, _ in rows if int(parent) in below}
    return [
        int(pid) for pid, _, args in rows if int(pid) in below and "avr_board" in args.split()[0]
    ]


def test_two_browsers_share_the_board(browser: "Browser", served: Served, page: Driven) -> None:
    with opened(browser, served.url) as other:
        page.draw(_one())
        other.draw([[(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]])
        assert (page.answer(), other.answer()) == ("1", "7")
        assert page.engines[0] == other.engines[0] == "board"
        assert other.faults == []


def test_a_flood_of_a_second_client_keeps_nobody_waiting(page: Driven, served: Served) -> None:
    client, over = Client(served.url), threading.Event()
    image = np.zeros((60, 60), np.uint8)
    image[10:50, 27:33] = 255

    def flood() -> None:
        with suppress(OSError, ConnectionClosed):  # it is closed meanwhile
            while not over.is_set():
                client.send(image)

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    try:
        page.draw(_one())
        assert page.answer() == "1"
        assert page.engines[0] == "board"
    finally:
        over.set()
        client.close()


def test_a_page_of_another_origin_is_refused(browser: "Browser", served: Served) -> None:
    context = browser.new_context()
    other = context.new_page()
    other.goto("data:text/html,<title>another</title>")
    opened_or_not = other.evaluate(
        """url => new Promise((resolve) => {
            const socket = new WebSocket(url);
            socket.onopen = () => resolve("opened");
            socket.onerror = () => resolve("refused");
        })""",
        served.url.replace("http:", "ws:") + "board",
    )
    context.close()
    assert opened_or_not == "refused"


def test_models_that_read_no_digits_have_the_page_of_their_kind(
    browser: "Browser", tmp_path: Path
) -> None:
    """A window of values that are pasted in; and a picture, scaled to the model's shape. The page
    is still open as its server ends, and becomes that of the next server's model."""
    values, colours = tmp_path / "curve.tflite", tmp_path / "brightest.tflite"
    values.write_bytes(unary("TANH", (0.05, 3), (1 / 128, 0)))
    colours.write_bytes(brightest())
    with (
        serving(tmp_path, str(values), "--board", "native") as served,
        opened(browser, served.url) as driven,
    ):
        area = driven.page.get_by_label("256 numbers, of shape 2 x 128, row by row")
        area.fill("3 3")
        driven.page.get_by_role("button", name="Ask").click()
        driven.page.locator("#note", has_text="2 values were given, and curve takes 256").wait_for()
        area.fill("0 " * 255 + "3")
        driven.page.get_by_role("button", name="Ask").click()
        driven.page.locator("#bars .same").wait_for()
        assert driven.answer().startswith("0.000 0.000")
        assert findings(driven) == []
        assert driven.faults == []
        assert served.interrupt() == 0
        assert "is `glyphite serve` running?" in driven.state("reconnecting")
        port = served.url.rstrip("/").rpartition(":")[2]
        with serving(tmp_path, str(colours), "--board", "native", "--http-port", port):
            driven.page.get_by_text("Show a picture, and the board answers").wait_for()
            driven.page.set_input_files("#open", SEVEN)
            driven.page.locator("#bars .same").wait_for()
            assert driven.answer() == "255.0 255.0 255.0"
            assert findings(driven) == []
            assert [each for each in driven.faults if "ERR_CONNECTION_REFUSED" not in each] == []


def test_keys_alone_draw_and_undo(page: Driven) -> None:
    keys = page.page.keyboard
    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.id") == "canvas"
    for _ in range(9):
        keys.press("ArrowUp")
    keys.press(" ")
    for _ in range(19):
        keys.press("ArrowDown")
    keys.press(" ")
    assert (page.page.locator("#pen").text_content() or "").startswith("Pen up, 50 % from the left")
    assert page.answer() == "1"
    keys.press("Backspace")
    assert page.answer() == ""
    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.id") == "clear"


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_width_and_scheme_is_fit_for_all(
    browser: "Browser", served: Served, images: NDArray[np.uint8], width: int, scheme: str
) -> None:
    """No sideways scrolling, no serious finding of axe-core; a picture is kept to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with opened(browser, served.url, width, color_scheme=scheme, has_touch=width == PHONE) as page:
        if width == PHONE:
            _touch(page, _one())
            assert page.answer() == "1"
            page.clear()
        page.draw(strokes(images[0]))
        assert page.answer() == "7"
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        page.page.screenshot(path=SHOTS / f"{width}-{scheme}.png", full_page=True)
        assert findings(page) == []
        assert page.faults == []


def _touch(page: Driven, drawn: list[list[Point]]) -> None:
    """Draw with a finger."""
    session = page.page.context.new_cdp_session(page.page)
    box = page.page.locator("#canvas").bounding_box()
    assert box is not None
    for stroke in drawn:
        for index, (x, y) in enumerate(stroke):
            place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            kind = "touchMove" if index else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
