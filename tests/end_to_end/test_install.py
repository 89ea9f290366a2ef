"""``pip install .``: the host tool without TensorFlow, from a wheel that has the C side with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from tests.paths import PROJECT


def run(*command: object, folder: Path, build: Path | None = None) -> str:
    """What a command prints; the test fails where it does."""
    environment = {**os.environ, "COLUMNS": "120"}
    if build is not None:
        environment["GLYPHITE_BUILD"] = str(build)
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def glyphite(tmp_path: Path, absent_because: Callable[[str], None]) -> Path:
    """The console command in a virtual environment that has the base install and nothing more."""
    sources = tmp_path / "sources"  # a copy, so that no build folder is left in the project
    listed = run("git", "ls-files", "-co", "--exclude-standard", folder=PROJECT).splitlines()
    for name in listed:
        if (PROJECT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, sources / name)
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, folder=tmp_path)
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["--constraint", str(sources / "constraints.txt")]
    installed = subprocess.run(
        [*pip, *constraints, str(sources)], capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        absent_because(f"The base install cannot be made: {installed.stderr.strip()[-300:]}.")
    shutil.rmtree(sources)
    return environment / "bin" / "glyphite"


def test_the_base_install_infers_compiles_builds_and_streams_without_tensorflow(
    glyphite: Path, seed: ModelFolder, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    build = seed.root.parent
    packages = run(glyphite.with_name("pip"), "list", folder=tmp_path).lower()
    assert "tensorflow " not in packages
    assert "matplotlib" not in packages
    picture = PROJECT / "tests" / "data" / "seven.png"
    assert run(glyphite, "predict", picture, folder=tmp_path, build=build).startswith("7,")
    run(glyphite, "compile", "seed", folder=tmp_path, build=build)
    run(glyphite, "build", "seed", "--board", "native", folder=tmp_path, build=build)
    streamed = run(
        *(glyphite, "stream", "seed", "--port", "sim://native", "--count", "50"),
        folder=tmp_path,
        build=build,
    )
    assert "0 of 500" in streamed
    assert (seed.root / "report.html").is_file()
    run(glyphite, "compile", "uno", folder=tmp_path, build=build)  # it came with the wheel
    assert '#define MODEL_NAME "uno"' in (build / "uno" / "c" / "model.h").read_text()
