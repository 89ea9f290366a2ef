"""A real bash completes verbs, options, boards and models by the script, and starts nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import all_boards
from glyphite.convert.shipped import MODELS
from glyphite.host.cli import VERBS, main
from glyphite.host.cli.completion import SHELLS
from glyphite.train.networks.networks import NETWORKS
from tests.strict import require_module

SHIPPED = {path.name for path in MODELS.iterdir()}

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_glyphite
printf '%s\\n' "${COMPREPLY[@]}"
"""
OPTIONS = {
    "predict": {
        *("--help", "--port", "--baud", "--show", "--show-picture", "--json"),
        *("--data", "--window", "--step", "--label", "--numbers", "--on-bad"),
        *("--index", "--count"),
    },
    "boards": {"--help", "--json"},
}


@pytest.fixture
def script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], require_tool: Callable[..., None]
) -> Path:
    require_module("shtab")
    require_tool("bash")
    assert main(["completion", "bash"]) == 0
    path = tmp_path / "glyphite.bash"
    path.write_text(capsys.readouterr().out)
    return path


@pytest.fixture
def place(tmp_path: Path, build_folder: Path) -> Path:
    """A folder with models: trained, converted, and not ready; and files."""
    for name, file in (("mine", "model.keras"), ("other", "model_int8.tflite"), ("raw", "x")):
        (build_folder / name).mkdir(parents=True)
        (build_folder / name / file).touch()
    folder = tmp_path / "place"
    folder.mkdir()
    for file in ("net.tflite", "net.keras", "board.toml", "text.txt"):
        (folder / file).touch()
    return folder


def completed(script: Path, folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word, in ``folder`` and without any program to start."""
    command = ["bash", "--norc", "-c", f"PATH=\n{ASK}", "bash", str(script), "glyphite", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "not found" not in done.stderr
    return set(done.stdout.split())


def test_bash_completes_all(script: Path, place: Path) -> None:
    boards = {board.name for board in all_boards()}
    assert completed(script, place, "") == set(VERBS)
    assert completed(script, place, "co") == {"convert", "compare", "compile", "completion"}
    assert completed(script, place, "inspect", "") == {
        *SHIPPED, "mine", "other", "net.tflite", "net.keras",
    }  # fmt: skip
    assert completed(script, place, "inspect", "m") == {"mine"}
    assert completed(script, place, "build", "uno", "--board", "") == {*boards, "board.toml"}
    assert completed(script, place, "build", "uno", "--board", "uno-") == {"uno-r4-minima"}
    assert completed(script, place, "build", "--board", "uno", "o") == {"other"}
    assert completed(script, place, "train", "") == set(NETWORKS)
    assert completed(script, place, "bench", "uno", "--optimize", "s") == {"speed", "size"}
    assert completed(script, place, "completion", "") == set(SHELLS)


@pytest.mark.parametrize("verb", OPTIONS)
def test_bash_completes_the_options_of_a_verb(verb: str, script: Path, place: Path) -> None:
    assert completed(script, place, verb, "-") - {"-h"} == OPTIONS[verb]


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "bash"])
def test_the_other_shells_get_a_script_with_the_same_names(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("shtab")
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    for name in (*VERBS, *(board.name for board in all_boards()), "--show-picture"):
        assert name.removeprefix("--") in out
    assert out.count("_glyphite_model_files") > 10


def test_without_its_package_the_way_to_it_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    said = capsys.readouterr().err
    assert "completion: The package shtab is not installed, and it writes the script. " in said
    assert "[completion]" in said
