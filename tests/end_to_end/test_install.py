"""What is released, and ``pip install`` of it: the host tool and the C side, no TensorFlow."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from tests.paths import PROJECT, copy_project, project_files
from tests.strict import absent, require_module

WHERE = {
    "train/glyphite/": "glyphite/",
    "convert/glyphite/": "glyphite/",
    "host/glyphite/": "glyphite/",
    "examples/": "glyphite/examples/",
    "firmware/": "glyphite/firmware/",
    "models/": "glyphite/models/",
}
"""A folder of the project -> where its files are installed. Nothing else is."""
TYPED = """
from pathlib import Path
from glyphite.convert import Compiled, compile_model
from glyphite.host import connect

def small(path: Path) -> Compiled:
    return compile_model(path.read_bytes(), 7)  # a name is no number

with connect("sim://native") as board:
    reveal_type(board.hello().board)
"""


@dataclass(frozen=True)
class Released:
    """What ``make dist`` gives, and the files that it was made from."""

    wheel: Path
    sdist: Path
    sources: frozenset[str]


def run(*command: object, folder: Path, build: Path | None = None) -> str:
    """What a command prints; the test fails where it does."""
    environment = {**os.environ, "COLUMNS": "120"}
    environment.pop("PYTHONPATH", None)  # the clone's packages are not to be found
    if build is not None:
        environment["GLYPHITE_BUILD"] = str(build)
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout


def distribute(folder: Path, to: Path, *kinds: str) -> None:
    """Build as ``make dist`` does it."""
    run(sys.executable, "-m", "hatchling", "build", "--directory", to, *kinds, folder=folder)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Wheel and sdist of a copy of the project's files, so that nothing is left in the project."""
    require_module("hatchling")
    folder = tmp_path_factory.mktemp("released")
    copy_project(folder / "sources")
    distribute(folder / "sources", folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    shutil.rmtree(folder / "sources")
    return Released(wheel, sdist, frozenset(project_files()))


def pip(verb: str, environment: Path) -> list[str]:
    """The beginning of uv's command on another environment: a tenth of pip's work."""
    python = str(environment / "bin" / "python")
    return [sys.executable, "-m", "uv", "pip", verb, "--python", python]


@pytest.fixture(scope="module")
def glyphite(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console command in a virtual environment that has the base install and nothing more."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, folder=environment)
    constraints = ["--constraint", str(PROJECT / "constraints.txt")]
    words = [*pip("install", environment), *constraints]
    installed = subprocess.run(
        [*words, str(released.wheel)], capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        absent(f"The base install cannot be made: {installed.stderr.strip()[-300:]}.")
    return environment / "bin" / "glyphite"


def installed_name(source: str) -> str | None:
    """Where a file of the project is installed; None where it is not."""
    below = [(folder, to) for folder, to in WHERE.items() if source.startswith(folder)]
    return below[0][1] + source.removeprefix(below[0][0]) if below else None


def test_the_wheel_has_our_packages_firmware_and_models_and_nothing_else(
    released: Released,
) -> None:
    about = "-".join(released.wheel.name.split("-")[:2]) + ".dist-info/"
    names = set(zipfile.ZipFile(released.wheel).namelist())
    ours = {name for name in names if not name.startswith(about)}
    assert ours == {installed_name(name) for name in released.sources} - {None}
    assert {name.split("/")[1] for name in ours} == {
        *("train", "convert", "host", "examples", "firmware", "models")
    }
    assert {f"glyphite/{name}/py.typed" for name in ("train", "convert", "host")} <= ours
    assert {"glyphite/firmware/boards/uno.toml", "glyphite/models/uno/model_int8.tflite"} <= ours
    assert f"{about}licenses/LICENSE" in names


def test_the_sdist_has_every_file_of_the_project_and_builds_the_same_wheel(
    released: Released, tmp_path: Path
) -> None:
    with tarfile.open(released.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    files = (path for path in unpacked.rglob("*") if path.is_file())
    names = {path.relative_to(unpacked).as_posix() for path in files}
    assert names == released.sources | {"PKG-INFO"}
    distribute(unpacked, tmp_path / "again", "--target", "wheel")
    again = tmp_path / "again" / released.wheel.name
    assert again.read_bytes() == released.wheel.read_bytes()


def test_the_base_install_infers_compiles_builds_and_streams_without_tensorflow(
    glyphite: Path, seed: ModelFolder, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    build = seed.root.parent
    packages = run(*pip("list", glyphite.parents[1]), folder=tmp_path).lower()
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


def test_a_project_s_own_modules_are_neither_run_nor_in_the_way(
    glyphite: Path, tmp_path: Path
) -> None:
    """Also by ``python -m``, which looks for modules in the current folder first."""
    for name in ("train", "convert", "host", "firmware", "models/__init__"):
        own = tmp_path / f"{name}.py"
        own.parent.mkdir(exist_ok=True)
        own.write_text(f"open('ran-{own.stem}', 'w')\nraise SystemExit('{name} was run')\n")
    python = glyphite.with_name("python")
    for command in ((glyphite,), (python, "-m", "glyphite.host.cli")):
        assert run(*command, "--version", folder=tmp_path).startswith("glyphite ")
        assert "mega2560" in run(*command, "boards", folder=tmp_path)
    run(python, "-c", "import glyphite.train, glyphite.convert, glyphite.host", folder=tmp_path)
    assert not list(tmp_path.glob("ran-*"))


def test_a_type_checker_sees_the_types_of_what_is_installed(glyphite: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(TYPED)
    python = glyphite.with_name("python")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "own.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 'Argument 2 to "compile_model" has incompatible type "int"' in checked.stdout
    assert 'Revealed type is "str"' in checked.stdout.replace("builtins.", "")
    assert "Found 1 error in 1 file" in checked.stdout
