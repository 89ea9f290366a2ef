"""What Windows and macOS lack is asked for by nothing that runs there; their names work."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.programs import Finished
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.device.transport.firmware_files import emulated_board, emulated_url
from glyphite.host.device.transport.ports import _cannot_open
from tests.paths import PROJECT

COMMANDS = (
    "predict tests/data/seven.png",
    "build uno --board native",
    "stream uno --port sim://native --count 20 --trace {trace}",
    "monitor --trace {trace}",
    "doctor --port sim://native --count 20 --save {saved}",
    "doctor --port sim://native",
    "emulate uno --board native",
)


def test_all_but_terminals_runs_without_the_modules_of_posix(
    require_tool: Callable[..., None], tmp_path: Path
) -> None:
    """One Python for all of it, as it takes seconds to start with the packages of others."""
    require_tool("cc")
    files = {name: tmp_path / name for name in ("trace", "saved")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.builders.like_windows",
            *(command.format(**files) for command in COMMANDS),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "glyphite emulate: Windows has no pseudo-terminals" in done.stderr
    assert "This should not happen" not in done.stderr
    assert "7, read with uno" in done.stdout
    assert "0 of 200" in done.stdout
    assert re.search(r"INFER_ANSWER \d+ OK", done.stdout)
    assert "An emulated board has no cable." in done.stdout
    assert "Windows lacks the pseudo-terminals" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize("name", [r"C:\boards\mine.toml", "C:/boards/mine.toml", r"\\pc\b\m.toml"])
def test_a_board_file_with_a_drive_is_a_port_too(name: str) -> None:
    assert emulated_board(emulated_url(name)) == name
    assert emulated_board(f"sim://{name}") == name


def test_names_with_backslashes_and_drives_are_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To this system they are plain names; nothing may take them apart."""
    monkeypatch.chdir(tmp_path)
    text = load_board("native").path.read_text(encoding="utf-8")
    board = Path(r"C:\boards\mine.toml")
    board.write_text(text.replace('name = "native"', 'name = "mine"'), encoding="utf-8")
    model = Path(r"C:\models\net.tflite")
    model.write_bytes(find_model("uno").tflite.read_bytes())
    assert load_board(str(board)).name == "mine"
    assert main(["compile", str(model)]) == 0
    assert "MACs" in capsys.readouterr().out


def test_what_windows_says_of_a_port_is_understood() -> None:
    busy = OSError("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)")
    gone = OSError(
        "could not open port 'COM9': FileNotFoundError(2, 'The system cannot find', None, 2)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glyphite.host.device.transport.ports.WINDOWS", True)
        assert _cannot_open("COM3", busy).startswith("The port COM3 is in use by another program.")
    assert _cannot_open("COM9", gone).startswith("There is no port COM9. Ports found: ")


@pytest.mark.parametrize(
    ("code", "crashed"), [(-11, True), (0xC0000005, True), (1, False), (0, False)]
)
def test_a_crash_is_told_from_an_exit_code_on_each_system(code: int, crashed: bool) -> None:
    assert Finished(("program",), code, "", "").crashed == crashed
