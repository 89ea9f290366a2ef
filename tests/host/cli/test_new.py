"""``glyphite new`` writes a whole project or nothing, and stands in nobody's way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glyphite.convert.shipped import EXAMPLES
from glyphite.host.cli import main
from glyphite.host.cli.new import GITIGNORE, LIKE
from tests.builders.lazy import LAZY
from tests.paths import PROJECT

Out = pytest.CaptureFixture[str]
LISTING = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from glyphite.host.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    """The texts below a folder, without what running an example there has made."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    own = (path for path in found if not {"build", "__pycache__"} & set(path.parts))
    return {path.as_posix(): (folder / path).read_text() for path in own}


@pytest.mark.parametrize("like", LIKE)
def test_a_project_has_all_that_its_example_has(like: str, place: Path, capsys: Out) -> None:
    """And a file for git, which the example's own folder does not need."""
    assert main(["new", "a/mine", "--like", like, "--json"]) == 0
    made = files(place / "a" / "mine")
    said = json.loads(capsys.readouterr().out)
    assert (said["folder"], said["like"], set(said["files"])) == ("a/mine", like, set(made))
    assert made.pop(".gitignore") == GITIGNORE
    assert made == files(EXAMPLES / like)
    assert [path.name for path in place.iterdir()] == ["a"]


def test_people_are_told_what_is_there_and_where_to_go(capsys: Out) -> None:
    assert main(["new", "my wand"]) == 0
    said = capsys.readouterr().out
    assert "windows of an accelerometer" in said
    assert "│ gesture.py " in said
    assert "Written: my wand\nNext: cd 'my wand'\nREADME.md there has the commands" in said


def test_an_empty_folder_is_taken(place: Path) -> None:
    (place / "mine").mkdir()
    assert main(["new", "mine"]) == 0
    assert "data.py" in files(place / "mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("full", "full is a folder that is not empty. Name a new one: `glyphite new full-3`."),
        ("file", "file is no folder. Name a new one: `glyphite new file-2`."),
        ("/", "/ is no name for a project. Name a new folder: `glyphite new wand --like gesture`."),
        (".", ". is the folder of this call. Name a new one: `glyphite new gesture`."),
        ("file/mine", "{}/file cannot be written: File exists. A file or link on that path is"),
    ],
)
def test_what_is_there_stays(name: str, said: str, place: Path, capsys: Out) -> None:
    (place / "full").mkdir()
    (place / "full" / "mine.txt").write_text("mine")
    (place / "full-2").touch()
    (place / "file").write_text("mine")
    before = files(place)
    if name == ".":
        (place / "empty").mkdir()
        os.chdir(place / "empty")
    assert main(["new", name]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"glyphite new: {said.format(place)}")
    assert err.count("\n") == 1
    assert files(place) == before


def test_it_is_there_at_once() -> None:
    """Neither numpy nor what is slower is loaded."""
    command = [sys.executable, "-c", LISTING, "new", "mine"]
    paths = os.pathsep.join(str(PROJECT / root) for root in ("train", "convert", "host"))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "glyphite.host.cli.new" in loaded
    assert not loaded & (LAZY | {"numpy", "serial", "jinja2", "PIL"})
