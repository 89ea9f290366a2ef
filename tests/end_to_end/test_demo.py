"""The whole way, as a new user goes it: the demo on real MNIST and an emulated board."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import demo as verb
from glyphite.host.cli import main

GLYPHITE = Path(sys.executable).parent / "glyphite"
IMAGES = 100


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the console command in ``folder``, as a program of its own."""
    environment = {"PATH": f"{GLYPHITE.parent}:/usr/bin:/bin", "HOME": str(Path.home())}
    command = [str(GLYPHITE), "demo", "--epochs", "1", "--count", str(IMAGES)]
    return subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_demo_ends_with_a_board_that_answers_tflm_s_bytes(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((tmp_path / "build/seed/report.json").read_text())
    accuracy = report["accuracy"]
    assert report["board"]["name"] == "cortex-m4"
    assert report["board"]["images"] == IMAGES
    assert report["board"]["mismatched_bytes"] == 0
    assert min(accuracy[name] for name in ("float", "int8_litert", "int8_tflm")) > 0.97
    assert accuracy["board"] > 0.9
    noted = json.loads((tmp_path / "build/seed/manifest.json").read_text())["accuracy"]
    assert noted == {name: accuracy[name] for name in noted}
    assert {"float", "int8_litert", "int8_tflm"} <= set(noted)
    assert "for 1 epoch here" in ended.stderr
    assert f"compiled C on cortex-m4 ({IMAGES} images)" in ended.stdout
    assert f"0 of {IMAGES * 10} on cortex-m4" in ended.stdout
    assert_uno_answered(tmp_path, ended)


def assert_uno_answered(folder: Path, ended: subprocess.CompletedProcess[str]) -> None:
    """It was flashed, its figures are in the table; or the program that lacks was named."""
    if not all(map(shutil.which, ("avr-gcc", "arduino-builder", "avrdude"))):
        assert "The Arduino Uno is left out: " in ended.stderr
        return
    uno = json.loads((folder / "build/uno/uno/stream.json").read_text())
    assert (uno["images"], uno["mismatched_bytes"]) == (100, 0)
    assert re.search(r"network on an Arduino Uno \(100 images\) +│ +\d+\.\d\d % │", ended.stdout)
    assert "0 of 1000 on the Uno" in ended.stdout
    assert "The emulated Uno was flashed by avrdude and takes " in ended.stdout


def test_without_a_cross_compiler_the_demo_runs_on_the_native_board_and_says_so(
    seed: ModelFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All stages but the training, whose model is there; the comparison on fewer images."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cc", "as", "ld", "collect2"):  # a machine with a C compiler and nothing else
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    stages = verb._stages
    monkeypatch.setattr(verb, "_stages", lambda *settings: shortened(stages(*settings)))
    assert main(["demo", "--epochs", "1", "--count", str(IMAGES)]) == 0
    report = json.loads((seed.root / "report.json").read_text())
    assert report["board"]["name"] == "native"
    assert report["board"]["images"] == IMAGES
    assert report["board"]["mismatched_bytes"] == 0
    said = capsys.readouterr()
    assert f"compiled C on native ({IMAGES} images)" in said.out
    told = " ".join(said.err.split())
    assert "arm-none-eabi-gcc and qemu-system-arm cannot be found" in told
    assert "The Arduino Uno is left out: avr-gcc cannot be found (`sudo apt-get" in told


def shortened(stages: list[list[str]]) -> list[list[str]]:
    """The demo's stages without what the other test runs in full."""
    assert [stage[0] for stage in stages][:3] == ["train", "convert", "compare"]
    return [stages[1], [*stages[2], "--count", "300"], *stages[3:]]
