"""The command that ends verbs at each of their file operations, on the quickest of them."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from glyphite.convert.compiler import driver
from glyphite.convert.files import write_text
from tests.strict import absent
from tools.kills import FaultError, Trials, run

COMPILE = ("compile", ("uno", "--json"))
ANEW = ("uno", "--optimize", "size")

if sys.platform == "win32":
    absent("Processes are forked, which this system cannot do.")


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trials]:
    before = Path.cwd()
    monkeypatch.delenv("GLYPHITE_BUILD")
    made = Trials(tmp_path, ())
    made.work.mkdir()
    os.chdir(made.work)
    assert run(*COMPILE).code == 0
    yield made
    os.chdir(before)


def test_a_compile_that_is_killed_leaves_the_old_files_or_the_new_ones(trials: Trials) -> None:
    tried = trials.try_verb("compile", ANEW)
    assert tried.points >= 8
    assert (tried.states, tried.faults) == (0, [])


def by_one(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        write_text(folder / name, text)


def test_files_that_change_one_after_the_other_would_be_noticed(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "write_folder", by_one)
    assert trials.try_verb("compile", ANEW, most=7).states == 1


def test_what_is_no_sentence_is_a_fault(trials: Trials) -> None:
    assert run("compile", ("absent", "--json")).result is None
    assert run("compile", ("uno", "--json")).result is not None
    with pytest.raises(FaultError, match="exit code -9"):
        _ = run("compile", ("uno", "--json"), 3).result
