"""The whole way, as a new user goes it: the demo on real MNIST and an emulated board."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from glyphite.host.cli import demo as verb
from glyphite.host.cli import main
from tests.builders.training import shorten

IMAGES, UNO_IMAGES = 30, 20
LEARNT, JUDGED = 6000, 400
"""Of MNIST's 60,000 and 10,000 images: each takes its time in training, and in TFLM."""


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter MNIST; ``test_cli_train.py`` looks at a network that has learnt from more."""
    shorten(monkeypatch, LEARNT, JUDGED)


@pytest.mark.usefixtures("fewer")
def test_the_demo_ends_with_a_board_that_answers_tflm_s_bytes(
    build_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.setattr(verb, "UNO_IMAGES", UNO_IMAGES)
    assert main(["demo", "--epochs", "1", "--count", str(IMAGES)]) == 0
    report = json.loads((build_folder / "seed" / "report.json").read_text())
    accuracy = report["accuracy"]
    assert report["board"]["name"] == "cortex-m4"
    assert report["board"]["images"] == IMAGES
    assert report["board"]["mismatched_bytes"] == 0
    runners = ("float", "int8_litert", "int8_tflm")
    assert min(accuracy[name] for name in (*runners, "board")) > 0.7
    noted = json.loads((build_folder / "seed" / "manifest.json").read_text())["accuracy"]
    assert noted == {name: accuracy[name] for name in noted}
    assert set(runners) <= set(noted)
    said = capsys.readouterr()
    assert "for 1 epoch here" in said.err
    assert re.search(rf"│ the same, compiled C on cortex-m4 +│ +{IMAGES} │ +\d", said.out)
    builds = [(build["model"], build["board"]) for build in report["builds"]]
    assert ("seed", "cortex-m4") in builds
    assert report["builds"][0]["bench"]["timed_by"] == "modelled cycles"
    assert f"0 of {IMAGES * 10} on cortex-m4" in said.out
    assert_uno_answered(build_folder, said.out, said.err)


def assert_uno_answered(folder: Path, printed: str, told: str) -> None:
    """It was flashed, its figures are in the table; or the program that lacks was named."""
    if not all(map(shutil.which, ("avr-gcc", "arduino-builder", "avrdude"))):
        assert "The Arduino Uno is left out: " in told
        return
    uno = json.loads((folder / "uno/uno/speed/stream.json").read_text())
    assert (uno["images"], uno["mismatched_bytes"]) == (UNO_IMAGES, 0)
    assert re.search(rf"│ the same on an Arduino Uno +│ +{UNO_IMAGES} │ +\d+\.\d\d % │", printed)
    report = json.loads((folder / "seed/report.json").read_text())
    assert report["builds"][-1]["stream"] == {"name": "uno", **uno}
    text = " ".join(printed.split())
    assert f"0 of {UNO_IMAGES * 10} on the Uno" in text
    counted = json.loads((folder / "uno/uno/speed/bench.json").read_text())
    takes = f"By counted cycles an image takes {counted['milliseconds']:.1f} ms."
    assert f"The emulated Uno was flashed by avrdude. {takes}" in text


@pytest.mark.parametrize("compiler", [True, False])
def test_without_tensorflow_the_demo_takes_the_model_that_comes_trained(
    compiler: bool,
    build_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And without tflite-micro and all programs but a C compiler, if even that: as on Windows."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cc", "as", "ld", "collect2") if compiler else ():
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    for package in ("tensorflow", "tflite_micro", "ziglang"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # another process imports it all again
    stages = verb._stages
    monkeypatch.setattr(
        verb, "_stages", lambda *settings: with_count(stages(*settings), "compare", "40")
    )
    assert main(["demo", "--count", "40"]) == 0
    said = capsys.readouterr()
    report = json.loads((build_folder / "uno" / "report.json").read_text(encoding="utf-8"))
    assert ((report["board"] or {}).get("name") == "native") == compiler
    assert "Training, quantizing and the float model are left out" in " ".join(said.out.split())
    line = re.search(r"│ the same, compiled C on native +│ +40 │ +\d", said.out)
    assert (line is not None) == compiler
    told = " ".join(said.err.split())
    assert "arm-none-eabi-gcc and qemu-system-arm cannot be found" in told
    assert "The Arduino Uno is left out: avr-gcc cannot be found. Install it" in told
    assert "The Arduino Uno is left out: " in said.out
    assert ("All boards are left out: " in said.out) != compiler
    assert ("0 of 400 on native" in said.out) == compiler
    assert ("int8, LiteRT on this PC" in said.out) == (find_spec("ai_edge_litert") is not None)


def with_count(stages: list[list[str]], verb: str, count: str) -> list[list[str]]:
    """The stages with fewer images for one of them."""
    return [[*stage, "--count", count] if stage[0] == verb else stage for stage in stages]
