"""Which C compiler is taken, and what it is told on each system."""

import importlib.machinery
import sys
from pathlib import Path

import pytest

from glyphite.convert.errors import ToolError
from glyphite.host.device import c_compiler as module
from glyphite.host.device.c_compiler import (
    c_compiler,
    has_c_compiler,
    shared_library,
    without_unused,
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on the PATH; no $CC, and no ziglang."""
    folder = tmp_path / "the programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    return folder


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.touch(0o755)
    return str(path)


def test_the_usual_names_are_tried_in_their_order(programs: Path) -> None:
    for name in ("clang", "gcc", "cc"):
        made = program(programs, name)
        assert c_compiler() == (made,)
    assert has_c_compiler()


def test_the_one_that_is_named_comes_first_with_its_arguments(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "cc")
    mine = program(programs, "my cc")
    for named, expected in (
        ("my cc", (mine,)),
        (mine, (mine,)),
        ("'my cc' -m64", (mine, "-m64")),
    ):
        monkeypatch.setenv("CC", named)
        assert c_compiler() == expected
    monkeypatch.setenv("CC", "no-such -c")
    with pytest.raises(ToolError) as caught:
        c_compiler()
    assert str(caught.value) == (
        "No C compiler: 'no-such -c', which the environment variable CC names, is not on the PATH. "
        "Name another there, or none."
    )


def test_that_of_ziglang_stands_in_where_there_is_none(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_c_compiler()
    with pytest.raises(ToolError, match=r"^No C compiler: .*`pip install ziglang` works"):
        c_compiler()
    spec = importlib.machinery.ModuleSpec("ziglang", None)
    monkeypatch.setattr(module, "find_spec", lambda name: spec if name == "ziglang" else None)
    assert c_compiler() == (sys.executable, "-m", "ziglang", "cc")
    made = program(programs, "gcc")
    assert c_compiler() == (made,)


def test_each_system_s_linker_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared_library("-O2")[-2:] == ("-shared", "-fPIC")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (without_unused("cc"), without_unused("arm-none-eabi-gcc")) == (
        "-Wl,-dead_strip",
        "-Wl,--gc-sections",
    )
    monkeypatch.setattr(sys, "platform", "win32")
    assert without_unused("cc") == "-Wl,--gc-sections"
    assert shared_library("-O2") == ("-std=c99", "-O2", "-shared")
    monkeypatch.setenv("CC", sys.executable)  # a backslash is none of a shell's there
    assert c_compiler() == (sys.executable,)
