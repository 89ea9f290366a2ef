"""What is said of a program that lacks, on Debian and elsewhere; emulation that others lack."""

import shutil
import sys
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import ToolError
from glyphite.host.device import flash
from glyphite.host.device.arduino import arduino_data, find_tool
from glyphite.host.device.packages import install
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.measure.bench.watch import plugin


@pytest.mark.parametrize("apt", ["/usr/bin/apt-get", None])
def test_apt_get_is_named_where_it_is(apt: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: apt)
    said = install("qemu-system-arm", more=", or use sim://native")
    assert said.endswith(", or use sim://native.")
    assert ("sudo apt-get install qemu-system-arm" in said) == bool(apt)
    assert "qemu-system-arm" in said


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_an_emulated_arduino_is_refused_off_linux(
    system: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    said = "Windows has no pseudo-terminals" if system == "win32" else "on Linux alone, so 'uno'"
    with pytest.raises(ToolError, match=said) as caught:
        EmulatedBoard(load_board("uno"), tmp_path / "all.flash")
    assert "sim://native" in str(caught.value)


def test_a_terminal_and_qemus_plugin_are_refused_on_windows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ToolError, match="Windows has no pseudo-terminals, which this needs"):
        EmulatedBoard(load_board("native"), tmp_path / "firmware.elf", terminal=True)
    with pytest.raises(ToolError, match="QEMU takes no plugin here"):
        plugin()


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("linux", ".arduino15"),
        ("darwin", "Library/Arduino15"),
        ("win32", "AppData/Local/Arduino15"),
    ],
)
def test_each_system_has_its_folder_of_arduino_cli(
    system: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARDUINO_DIRECTORIES_DATA", raising=False)
    monkeypatch.setattr(sys, "platform", system)
    assert arduino_data() == Path.home() / place


def program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / name).touch(0o755)
    return folder / name


def test_a_tool_that_a_core_brought_is_found_behind_those_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARDUINO_DIRECTORIES_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_tool("avrdude") is None
    tools = tmp_path / "packages" / "arduino" / "tools"
    old, new, path = (
        program(folder, "avrdude")
        for folder in (tools / "avrdude/6.3/bin", tools / "avrdude/8.0/bin", tmp_path / "bin")
    )
    assert find_tool("avrdude") == str(path)
    path.unlink()
    assert find_tool("avrdude") == str(new)
    new.unlink()
    assert find_tool("avrdude") == str(old)
    settings = tools / "avrdude/6.3/etc/avrdude.conf"
    settings.parent.mkdir()
    settings.touch()
    uno = load_board("uno")
    assert uno.arduino is not None
    command = flash._avrdude(uno.arduino, uno, tmp_path / "sketch.hex")
    assert command[:3] == [str(old), "-C", str(settings)]
