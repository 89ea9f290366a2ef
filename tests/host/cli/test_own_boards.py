"""Board files of the user's own, named by a path wherever a verb takes a board."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import BOARDS, load_board
from glyphite.convert.workspace import build_root
from glyphite.host.cli import demo, main
from tests.builders.small import small

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    """The current folder has a board file called mine, and its folder "other" another one."""
    require_tool("cc")
    monkeypatch.chdir(tmp_path)
    text = (BOARDS / "native.toml").read_text().replace('name = "native"', 'name = "mine"')
    Path("other").mkdir()
    Path("mine.toml").write_text(text)
    Path("other/mine.toml").write_text(text)


def said(words: list[str], capsys: Out) -> str:
    """What is printed on stderr by a verb that succeeds."""
    assert main(words) == 0
    return capsys.readouterr().err


def test_every_verb_that_talks_to_a_board_builds_what_it_lacks(capsys: Out) -> None:
    """And says so, once."""
    board, few = "./mine.toml", ["--count", "2"]
    built = "There is no firmware for mine yet: that of uno is built.\n"
    assert built in said(["stream", "uno", "--port", f"sim://{board}", *few], capsys)
    assert built not in said(["verify", "uno", "--board", board, *few], capsys)
    for words in (["compile", "uno"], ["inspect", "uno"], ["build", "uno"]):
        said([*words, "--board", board, "--json"], capsys)
    (folder,) = build_root().glob("uno/mine-*/speed")
    assert {file.name for file in folder.iterdir()} >= {
        *("firmware.elf", "size.json", "board.json", "stream.json")
    }


def test_verify_builds_what_is_missing(tmp_path: Path, capsys: Out) -> None:
    words = ["verify", "uno", "--board", "mine.toml", "--count", "1"]
    assert "There is no firmware of uno for mine yet: it is built.\n" in said(words, capsys)
    words = ["verify", "uno", "--board", "other/mine.toml", "--count", "1"]
    port = [*words, "--port", f"sim://{tmp_path}/other/mine.toml"]
    assert "There is no firmware for mine yet: that of uno is built.\n" in said(port, capsys)


def test_two_board_files_of_one_name_share_no_folder_and_no_firmware(capsys: Out) -> None:
    images = []
    for path in ("mine.toml", "other/mine.toml"):
        assert main(["build", "uno", "--board", path, "--json"]) == 0
        images.append(json.loads(capsys.readouterr().out)["image"])
    assert images[0] != images[1]
    assert all(Path(image).is_file() for image in images)


def test_a_damaged_record_names_the_command_that_makes_it_anew(capsys: Out) -> None:
    said(["stream", "uno", "--port", "sim://mine.toml", "--count", "1"], capsys)
    (record,) = build_root().glob("uno/mine-*/speed/size.json")
    record.write_text("{")
    assert main(["report", "uno"]) == 2
    told = capsys.readouterr().err.rstrip()
    again = f"glyphite build uno --board {Path('mine.toml').absolute()}"
    assert told.endswith(f"Make it anew with `{again}`.")
    assert main(again.split()[1:]) == 0
    assert main(["report", "uno"]) == 0


def test_the_demo_takes_a_board_file_and_refuses_a_board_that_is_not_emulated(capsys: Out) -> None:
    stages = demo._stages(load_board("mine.toml"), 1, 2, "uno")
    assert ["build", "uno", "--board", "mine.toml"] in stages
    assert stages[-1][:4] == ["stream", "uno", "--port", "sim://mine.toml"]
    assert main(["demo", "--board", "due"]) == 2
    assert "'due' is not emulated, and the demo runs on no other." in capsys.readouterr().err


def test_another_model_on_an_emulated_board_is_replaced_unless_its_firmware_is_named(
    capsys: Out,
) -> None:
    assert main(["build", "uno", "--board", "mine.toml", "--json"]) == 0
    firmware = json.loads(capsys.readouterr().out)["image"]
    Path("own.tflite").write_bytes(small().build([0], [4]))
    words = ["verify", "own.tflite", "--board", "mine.toml", "--count", "1", "--port"]
    told = said([*words, "sim://mine.toml"], capsys)
    assert told.startswith("The firmware for mine is of another model: that of own is built.\n")
    assert main([*words, f"sim://mine.toml?firmware={firmware}"]) == 1
    told = capsys.readouterr().err.rstrip()
    assert told.endswith("Put yours on it: `glyphite build own.tflite --board mine.toml`.")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["build", "uno", "--board", "cortexm4"], "cortex-m4"),
        (["stream", "uno", "--port", "sim://natve"], "native"),
        (["build", "uno", "--board", "mega256"], "mega2560"),
    ],
)
def test_a_board_that_is_nearly_named_right_is_asked_for(
    words: list[str], meant: str, capsys: Out
) -> None:
    assert main(words) == 2
    assert f"Did you mean {meant}? There are: " in capsys.readouterr().err
