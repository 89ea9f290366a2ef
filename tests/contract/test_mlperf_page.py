"""What docs/mlperf.md says is so: its commands run, its tables are the code's."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.host.cli import main
from glyphite.host.device.mlperf import BENCHMARKS
from glyphite.host.measure.mlperf_files import FILES, LABELS
from tests.paths import PROJECT

PAGE = (PROJECT / "docs" / "mlperf.md").read_text()
SHORTER = ["--window-seconds", "0.02", "--count", "80"]


def commands() -> list[list[str]]:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()]


def test_the_commands_of_the_page_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    require_tool: Callable[..., None],
) -> None:
    """But for the last, which runs until it is stopped: its options are taken."""
    require_tool("cc")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLYPHITE_BUILD", "build")
    build, measure, write, emulate = commands()
    assert main(build) == 0
    assert measure[-1].partition("=")[2] in capsys.readouterr().out
    assert main([*measure, *SHORTER]) == 0
    assert main(write) == 0
    said = " ".join(capsys.readouterr().out.split())
    for line in re.findall(r"^    python on_port.py (.*)$", PAGE, re.MULTILINE):
        assert line.replace("/tmp/board", "PORT") in said
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*FILES, "datasets"}
    assert len((tmp_path / "run" / "datasets" / "uno" / LABELS).read_text().splitlines()) == 200
    assert emulate[:4] == ["emulate", *build[1:4]]


def test_the_page_names_every_file_and_benchmark() -> None:
    plain = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    assert {*FILES, LABELS, *BENCHMARKS} <= set(re.findall(r"`([^`]+)`", plain))
