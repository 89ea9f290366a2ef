"""Models of others: found wherever they are packed, each judged by what the commands say."""

import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier
from glyphite.convert.compiler.ir.goal import Goal
from tests.builders.edges import network
from tests.builders.small import small
from tests.foreign import examine as examining
from tests.foreign.__main__ import main
from tests.foreign.collect import Found, collect
from tests.foreign.examine import examine

GOOD = small().build([0], [4])
FLOATS = network()


def refused() -> bytes:
    """A model with an operator that the compiler lacks."""
    model = small()
    model.tensor((1, 2, 2, 3), 0.2, 0)
    model.operator("SIN", [4], [5])
    return model.build([0], [5])


def packed(entries: Mapping[str, bytes]) -> bytes:
    """A zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with a zip in it, as vendors pack their models: two that compile, and one not."""
    inner = packed({"good.tflite": GOOD, "notes.txt": b"no model", "again.tflite": GOOD})
    path = tmp_path / "models-1.0-py3-none-any.whl"
    path.write_bytes(packed({"a/inner.mltk.zip": inner, "b/sin.tflite": refused(),
                             "c/floats.tflite": FLOATS, "d/model.py": b""}))  # fmt: skip
    return path


def test_models_are_found_in_zips_within_zips_each_once(wheel: Path) -> None:
    found = collect([wheel, wheel])
    assert [model.name for model in found] == ["again", "sin", "floats"]
    assert found[0].source == f"{wheel.name}/a/inner.mltk.zip/again.tflite"
    assert found[0].content == GOOD


def test_models_are_found_in_folders_and_by_name(wheel: Path) -> None:
    single = wheel.parent / "deep" / "single.tflite"
    single.parent.mkdir()
    single.write_bytes(b"anything")
    assert [model.name for model in collect([wheel.parent])] == ["single", "again", "sin", "floats"]
    assert collect([single]) == [Found(str(single), b"anything")]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", packed({"a.txt": b""})])
def test_a_path_without_models_is_refused_by_a_sentence(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.zip"
    path.write_bytes(content)
    assert main([str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("python -m tests.foreign: ")
    assert str(path) in said


def test_a_damaged_zip_is_refused_by_a_sentence(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(wheel.read_bytes())
    at = content.index(b"TFL3")
    content[at + 20 : at + 40] = bytes(20)
    wheel.write_bytes(content)
    assert main([str(wheel)]) == 2
    assert "cannot be unpacked" in capsys.readouterr().err


def test_a_wheel_is_examined_on_this_machine(
    wheel: Path, capsys: pytest.CaptureFixture[str], require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    assert main([str(wheel), "--board", "native", "--count", "2", "--json"]) == 0
    again, sin, floats = json.loads(capsys.readouterr().out)
    assert (again["bytes_differ"], again["board"], again["defect"]) == (0, "native", False)
    assert again["operators"] == "CONV_2D+MAX_POOL_2D 1"
    assert again["bytes_compared"] % 12 == 0
    assert sin["said"].startswith("glyphite inspect: Operator 2 is SIN (version 1)")
    assert not sin["defect"]
    assert floats["bytes_differ"] == 0
    assert floats["bytes_compared"] > 0


def test_a_board_is_counted_for_every_goal(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    rows = list(examine(Found("floats", FLOATS), tmp_path / "m", ["cortex-m4"], list(Goal), 1))
    assert [row.goal for row in rows] == ["speed", "size", "ram"]
    for row in rows:
        assert row.bytes_differ == 0
        assert row.count is not None
        assert row.static_ram_bytes is not None
        assert row.count > 100
        assert row.static_ram_bytes >= 4 * 5 * 3


def test_bytes_that_differ_fail_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    """By a compiler that takes every factor for a little less than it is."""
    require_tool("cc")

    def less(scale: float) -> tuple[int, int]:
        multiplier, shift = quantize_multiplier(scale)
        return multiplier - 2**27, shift

    monkeypatch.setattr("glyphite.convert.compiler.ops._requantize.quantize_multiplier", less)
    (row,) = examine(Found("good", GOOD), tmp_path / "m", ["native"], [Goal.SPEED], 2)
    assert row.defect
    assert row.bytes_differ
    assert "differs from TensorFlow Lite Micro" in row.said


def test_a_traceback_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: list[str]) -> int:
        raise ZeroDivisionError(words[0])

    monkeypatch.setattr(examining, "main", broken)
    (row,) = examine(Found("good", GOOD), tmp_path / "m", ["native"], [Goal.SPEED], 1)
    assert row.defect
    assert "ZeroDivisionError" in row.said


def test_c_that_does_not_compile_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where there is no compiler
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.delenv("CC", raising=False)
    (row,) = examine(Found("good", GOOD), tmp_path / "m", ["native"], [Goal.SPEED], 1)
    assert row.defect
    assert row.said.startswith("glyphite verify: ")
