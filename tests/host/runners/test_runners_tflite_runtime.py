"""Int8 inference runs where only `tflite-runtime` is installed: in an environment of its own.

No ai-edge-litert, no tflite-micro, no TensorFlow, and numpy below 2. The environment is made once
and kept in ``build/tests``.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.litert import LitertRunner
from tests.paths import PROJECT

COUNT = 1000
REPLACED = ("ai-edge-litert", "tflite-micro", "numpy")
"""What the base install has and this environment has not, or has otherwise."""

RUN = """
import sys
from pathlib import Path
import numpy
from glyphite.host.runners.litert import LitertRunner, litert_version
model, tensors, scores = sys.argv[1:]
runner = LitertRunner(Path(model))
numpy.save(scores, runner.run(numpy.load(tensors))[0])
print(litert_version(), numpy.__version__)
"""


def requirements() -> list[str]:
    """The extra `tflite-runtime` and those base requirements that go with it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    base = [name for name in project["dependencies"] if not name.startswith(REPLACED)]
    return [*project["optional-dependencies"]["tflite-runtime"], *base]


@pytest.fixture(scope="module")
def kept() -> Path:
    """Where the environment lies: under a hash of what is in it."""
    digest = hashlib.sha256("\n".join(requirements()).encode()).hexdigest()[:16]
    return PROJECT / "build" / "tests" / f"tflite-runtime-{digest}"


def pip(verb: str, environment: Path) -> list[str]:
    """The beginning of uv's command on another environment: a tenth of pip's work."""
    python = str(environment / "bin" / "python")
    return [sys.executable, "-m", "uv", "pip", verb, "--python", python]


@pytest.fixture
def environment(
    kept: Path, require_tool: Callable[..., None], absent_because: Callable[[str], None]
) -> Path:
    """The folder of the environment's programs."""
    ready = kept / "ready"
    if ready.is_file():
        return kept / "bin"
    interpreter: str | None = sys.executable
    if sys.version_info[:2] != (3, 11):
        require_tool("python3.11")
        interpreter = shutil.which("python3.11")
    shutil.rmtree(kept, ignore_errors=True)
    subprocess.run([str(interpreter), "-m", "venv", "--without-pip", str(kept)], check=True)
    for what in (requirements(), ["--no-deps", "--editable", str(PROJECT)]):
        done = subprocess.run(
            [*pip("install", kept), *what], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            absent_because(f"The environment cannot be made: {done.stderr.strip()[-300:]}.")
    ready.touch()
    return kept / "bin"


def run(program: Path | str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_the_environment_has_the_old_runtime_alone(environment: Path) -> None:
    listing = run(*pip("list", environment.parent), "--format=freeze")
    listed = listing.stdout.lower().replace("_", "-")
    packages = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
    assert packages["tflite-runtime"] == "2.14.0"
    assert packages["numpy"].startswith("1.")
    assert not {"ai-edge-litert", "tflite-micro", "tensorflow", "keras"} & set(packages)


def test_the_same_runner_gives_nearly_the_same_bytes(
    seed: ModelFolder, environment: Path, tmp_path: Path
) -> None:
    """LiteRT's versions round differently in places; on the digits no answer hangs on it.

    Measured on 1,000 digits with the network of these tests: 51 images with a byte that differs.
    """
    manifest = Manifest.load(seed.manifest)
    tensors = manifest.quantize(load_mnist().test_images[:COUNT])
    np.save(tmp_path / "tensors.npy", tensors)
    files = seed.tflite, tmp_path / "tensors.npy", tmp_path / "scores.npy"
    done = run(environment / "python", "-c", RUN, *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tflite-runtime 2.14.0 1.")
    old = np.load(tmp_path / "scores.npy")
    new = LitertRunner(seed.tflite).run(tensors)[0]
    assert old.dtype == np.int8
    assert old.shape == new.shape == (COUNT, 10)
    assert np.abs(old.astype(int) - new.astype(int)).max() <= 16
    assert (old != new).any(axis=1).mean() < 0.1
    assert (old.argmax(axis=1) == new.argmax(axis=1)).mean() >= 0.998


@pytest.mark.usefixtures("seed")
def test_predict_works_there_and_says_who_answers(environment: Path, tmp_path: Path) -> None:
    mnist = load_mnist()
    path = tmp_path / "digit.png"
    Image.fromarray(255 - mnist.test_images[0]).resize((120, 120)).save(path)
    done = run(environment / "glyphite", "predict", path, "seed", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["digit"] == str(mnist.test_labels[0]) == "7"
    assert result["read_by"] == "LiteRT on this PC (tflite-runtime 2.14.0)"


@pytest.mark.usefixtures("native")
def test_a_board_can_be_asked_from_there(environment: Path, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    Image.fromarray(load_mnist().test_images[0]).save(path)
    done = run(environment / "glyphite", "predict", path, "--port", "sim://native", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digit"] == "7"


@pytest.mark.usefixtures("seed")
def test_what_needs_more_is_one_sentence_there(environment: Path) -> None:
    done = run(environment / "glyphite", "compile", "seed")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ai-edge-litert is not installed" in done.stderr


@pytest.mark.usefixtures("seed")
def test_what_is_left_to_compare_there_is_said_to_be_no_board_s(environment: Path) -> None:
    done = run(environment / "glyphite", "compare", "seed", "--count", "5")
    assert done.returncode == 0, done.stderr
    assert "The generated C is left out: " in done.stderr
    assert "ai-edge-litert is not installed" in done.stderr
    assert "Nothing here has the bytes of a board" in done.stdout
