"""What docs/boards-seen.md and docs/wire.md quote of doctor and monitor is what they do."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.host.cli import doctor_save, main
from glyphite.host.device.flash import Flashed
from glyphite.host.device.wire.messages import Hello
from tests.paths import PROJECT

BOARDS = (PROJECT / "docs" / "boards-seen.md").read_text()
WIRE = (PROJECT / "docs" / "wire.md").read_text()


def commands(page: str) -> list[list[str]]:
    """The words of the page's ``glyphite`` commands, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("glyphite ")]


@pytest.fixture(autouse=True)
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    monkeypatch.chdir(tmp_path)


def test_the_whole_way_has_the_steps_of_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is flashed in the tests of flash: here it stands for that, as native is not flashed."""
    assert main(["build", "uno", "--board", "native"]) == 0

    def flashed(model: str, board: str, port: str) -> tuple[None, Flashed]:
        assert (model, board) == ("uno", "uno")
        return None, Flashed(1, 3.5, Hello(2), port)

    monkeypatch.setattr(doctor_save, "build_and_flash", flashed)
    monkeypatch.setattr(doctor_save, "require_flashable", lambda *_: None)
    look, whole = commands(BOARDS)
    assert main(look) == 0
    assert main(["sim://native" if word == "sim://uno" else word for word in whole]) == 0
    found = json.loads((tmp_path / "board.json").read_text())
    steps = re.findall(r"^\| (\w+) \| \S", BOARDS.partition("| step |")[2], re.MULTILINE)
    assert steps == [step["name"] for step in found["steps"]]
    assert found["steps"][0]["said"] == "1 try, 3.5 s."
    assert found["flashed"] == "uno"
    assert found["images"]["images"] == 100


@pytest.mark.usefixtures("patient")
def test_the_monitor_shows_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    stream, monitor = commands(WIRE)
    assert main(stream) == 0
    capsys.readouterr()
    assert main(monitor) == 0
    (shown,) = re.findall(r"```\n( +\d.*?)```", WIRE, re.DOTALL)
    assert timeless(shown) in timeless(capsys.readouterr().out)


def timeless(text: str) -> str:
    """Without seconds, ticks and ids, and on one line."""
    return " ".join(
        re.sub(r"[\d.]+ s |[\d,]+ ticks|(?<=INFER) \d+|(?<=ANSWER) \d+", "", text).split()
    )
