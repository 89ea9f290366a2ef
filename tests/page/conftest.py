"""One browser and one server, with an emulated Uno, for all tests of the page."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from glyphite.host.cli import main
from tests.strict import absent, require_module

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.page.serving import Served


@pytest.fixture(scope="package")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium, started once."""
    require_module("playwright", "websockets")
    chromium = which("chromium")
    if chromium is None:
        absent("chromium is not installed.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def flashed_uno(tmp_path_factory: pytest.TempPathFactory, compiled_avr_emulator: Path) -> Path:
    """A build folder in which an emulated Uno holds the model ``uno``."""
    require_module("starlette", "uvicorn", "websockets")
    if which("avr-gcc") is None or which("arduino-builder") is None:
        absent("The tools for sketches are not installed.")
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(compiled_avr_emulator, folder / ".tools")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(folder))
        assert main(["flash", "uno", "--board", "uno", "--port", "sim://uno"]) == 0
    return folder


@pytest.fixture(scope="package")
def served(flashed_uno: Path) -> "Iterator[Served]":
    """`glyphite serve uno --port sim://uno`; Ctrl-C ends it well."""
    from tests.page.serving import serving

    with serving(flashed_uno, "uno", "--port", "sim://uno") as one:
        yield one
        assert one.interrupt() == 0
