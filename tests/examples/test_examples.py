"""Each example goes the way of its own README, in a folder that ``glyphite new`` made."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from glyphite.convert.boards import load_board
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Options
from glyphite.convert.manifest import Manifest
from glyphite.convert.shipped import EXAMPLES
from glyphite.convert.workspace import find_model
from glyphite.host.cli import _parse, main
from glyphite.host.cli.export import MOST_SAMPLE_BYTES
from glyphite.host.cli.new import LIKE
from tests.builders.sketches import built
from tests.paths import PROJECT, TESTS
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

AVR = ("arduino-builder", "avrdude", "avr-gcc")
ARM = ("arm-none-eabi-gcc", "arm-none-eabi-g++", "qemu-system-arm")
NANO33 = ("-DARDUINO_ARDUINO_NANO33BLE", "-std=gnu++14", "-fno-exceptions", "-fno-rtti")
FLOATS = 1.5
"""By how many points a figure of a README may be another one on this machine."""


def commands(page: str) -> list[list[str]]:
    """The words of each ``glyphite`` command in a page's blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def steps(workflow: str) -> list[str]:
    """What the CI file runs."""
    found: dict[Any, Any] = yaml.safe_load(workflow)
    assert set(found) == {"name", True, "jobs"}  # YAML 1.1: on is true
    (job,) = found["jobs"].values()
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    return [step["run"] for step in job["steps"] if "run" in step]


def figures(model: str, file: str) -> dict[str, Any]:
    (path,) = find_model(model).root.rglob(file)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@dataclass(frozen=True)
class Project:
    """A folder that ``glyphite new`` made, in which the test runs."""

    name: str
    page: str

    def go(self) -> None:
        """Run the commands of the README, and then those of the CI file that are others."""
        done = commands(self.page)[:-1]  # the last one is of the user's own data
        for words in done:
            assert main([*words, *few(words)]) == 0, words
        lines = steps(Path(".github/workflows/check.yml").read_text())
        checks = [shlex.split(line)[1:] for line in lines if line.startswith("glyphite ")]
        assert [words[0] for words in checks[-2:]] == ["build", "stream"]
        for words in (words for words in checks if words not in done):
            if self.name == "gesture":
                assert main([*words, *few(words)]) == 0, words
            else:  # the same with other limits, which would cost as much again
                _parse(words)

    def streamed(self) -> dict[str, Any]:
        """The figures of the board, which gave TensorFlow Lite Micro's bytes."""
        found = figures(self.name, "stream.json")
        assert found["mismatched_bytes"] == 0
        assert (found["reference"], found["images"]) == ("int8_tflm", 20)
        return found

    def said(self, pattern: str) -> float:
        """A number that the README tells."""
        (number,) = re.findall(pattern, self.page)
        return float(number)

    def library(self, board: str, folder: Path) -> Path:
        """The Arduino library that was exported, with samples of the data in its example."""
        path = find_model(self.name).root / f"Glyphite-{self.name}-{board}.zip"
        shutil.unpack_archive(path, folder / "libraries")
        library = folder / "libraries" / "Glyphite"
        shown = (library / "examples" / "see_values" / "samples.h").read_text()
        manifest = Manifest.load(find_model(self.name).manifest)
        classes = manifest.labels[: MOST_SAMPLE_BYTES // prod(manifest.input.shape)]
        titles = [f"from the data: {name}" for name in classes if len(classes) > 1]
        for title in titles or ["test sample 0 of the data"]:
            assert f'"{title}\\0"' in shown
        return library

    def loads(self, options: Options) -> None:
        """Hold that the data of the README's last command fit the network."""
        words = commands(self.page)[-1]
        found = load(words[words.index("--data") + 1], options)
        manifest = Manifest.load(find_model(self.name).manifest)
        assert found.shape == manifest.input.shape[1:]
        _parse(words)


def few(words: list[str]) -> list[str]:
    """What makes a command shorter."""
    return ["--count", "20"] if words[0] == "stream" else []


@pytest.fixture
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """One like the example that the test asks for."""
    monkeypatch.chdir(tmp_path)
    name: str = request.param
    assert main(["new", "mine", "--like", name]) == 0
    monkeypatch.chdir(tmp_path / "mine")
    return Project(name, Path("README.md").read_text())


@pytest.fixture
def uno(avr_emulator: Path, require_tool: Callable[..., None]) -> None:
    require_tool(*AVR)


@pytest.mark.usefixtures("uno", "patient")
@pytest.mark.parametrize("project", ["gesture"], indirect=True)
def test_gestures_are_told_apart_on_an_uno(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.go()
    floats, _, tflm, compiled = figures("gesture", "compare.json")["runners"]
    assert floats["accuracy"] >= 0.95
    assert project.said(r"([\d.]+) % of 300") == pytest.approx(100 * floats["accuracy"], abs=FLOATS)
    assert abs(tflm["drop_points"]) <= 1
    assert compiled["correct"] == tflm["correct"]
    assert project.streamed()["correct"] >= 18
    built(project.library("uno", tmp_path), "see_values", "uno", tmp_path / "made", monkeypatch)
    data = load("data.py:load")
    for label, name in enumerate(data.classes):
        Path("recordings", name).mkdir(parents=True)
        windows = data.train.tensors[0][data.train.labels == label][:8]
        np.savetxt(f"recordings/{name}/1.csv", windows.reshape(-1, 3), fmt="%d", delimiter=",")
    project.loads(Options(window=50, step=25))


@pytest.mark.usefixtures("uno", "patient")
@pytest.mark.parametrize("project", ["sine"], indirect=True)
def test_a_sine_is_met_on_an_uno(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.go()
    floats, _, tflm, _ = figures("sine", "compare.json")["runners"]
    step = Manifest.load(find_model("sine").manifest).output.scale
    assert project.said(r"a step of its output is ([\d.]+)") == pytest.approx(step, rel=0.1)
    assert floats["error"]["mean_absolute"] < 2 * step
    assert tflm["error"]["mean_absolute"] < floats["error"]["mean_absolute"] + step
    assert project.streamed()["error"]["mean_absolute"] < 3 * step
    built(project.library("uno", tmp_path), "see_values", "uno", tmp_path / "made", monkeypatch)
    angles = np.linspace(0, 6, 60)
    rows = np.stack([angles, np.sin(angles)], axis=1)
    np.savetxt("points.csv", rows, "%.4f", delimiter=",", header="angle,sine", comments="")
    project.loads(Options(numbers=True))


@pytest.mark.parametrize("project", ["colours"], indirect=True)
def test_colours_are_told_apart_on_a_cortex_m4(
    project: Project, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool(*ARM)
    project.go()
    floats, _, tflm, compiled = figures("colours", "compare.json")["runners"]
    assert floats["accuracy"] >= 0.9
    assert project.said(r"([\d.]+) % of 200") == pytest.approx(100 * floats["accuracy"], abs=FLOATS)
    assert abs(tflm["drop_points"]) <= 1
    assert compiled["correct"] == tflm["correct"]
    assert project.streamed()["correct"] >= 18
    compile_for_nano33(project.library("nano33ble", tmp_path))
    data = load("data.py:load")
    for label, name in enumerate(data.classes):
        Path("pictures", name).mkdir(parents=True)
        for index, picture in enumerate(data.train.tensors[0][data.train.labels == label][:5]):
            Image.fromarray(picture).save(f"pictures/{name}/{index}.png")
    project.loads(Options(shape=(16, 16, 3)))


def compile_for_nano33(library: Path) -> None:
    """The model's C, and the sketch for the serial monitor, by the flags of its core."""
    toolchain, sketch = load_board("nano33ble").toolchain, library / "examples" / "see_values"
    flags = (toolchain.optimize, *toolchain.flags, "-Wall", "-Wextra", "-Werror")
    include = (f"-I{library / 'src'}", "-c", "-o", "made.o")
    double = (f"-I{TESTS / 'doubles' / 'arduino'}", "-ffreestanding", "-include", "Arduino.h")
    plain = (toolchain.cc, *flags, *include, sketch / "model.c")
    cpp = toolchain.cc.replace("gcc", "g++")
    ino = (cpp, *flags, *NANO33, *include, *double, "-x", "c++", sketch / "see_values.ino")
    for command in (plain, ino):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_colours_are_not_told_apart_by_how_much_of_each_there_is() -> None:
    """By the mean colour of a picture the nearest class is right in a quarter, as by chance."""
    data = load(f"{EXAMPLES / 'colours' / 'data.py'}:load")
    labels, tests = data.train.labels, data.test.labels
    assert labels is not None and tests is not None
    means, seen = (part.tensors[0].mean(axis=(1, 2)) for part in (data.train, data.test))
    centres = np.stack([means[labels == label].mean(axis=0) for label in range(4)])
    found = np.linalg.norm(seen[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    assert (found == tests).mean() < 0.4


@pytest.mark.parametrize("name", LIKE)
def test_the_ci_file_installs_what_the_board_needs(name: str) -> None:
    """Packages that the project's own set-up has, and Debian's compiler and Python."""
    lines = steps((EXAMPLES / name / ".github" / "workflows" / "check.yml").read_text())
    listed = {
        line.split()[0]
        for line in (PROJECT / "tools" / "apt-packages.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    packages = lines[0].partition("install -y ")[2].split()
    assert set(packages) <= listed | {"python3-venv"}
    compiler = "gcc-arm-none-eabi" if name == "colours" else "gcc-avr"
    assert compiler in packages


def test_these_are_all_examples() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(LIKE)
