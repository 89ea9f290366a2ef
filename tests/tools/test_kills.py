"""The command that ends verbs at each of their file operations, on the quickest of them."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from glyphite.convert import beside
from glyphite.convert.compiler import driver
from glyphite.convert.files import write_text
from glyphite.host.cli import main as glyphite
from tests.builders.small import small
from tests.strict import absent

if sys.platform != "linux":
    absent("Processes are forked and watched in Linux's way.")

from tools.kills import child
from tools.kills.chain import Step
from tools.kills.child import FaultError, run
from tools.kills.killed import Judge, try_kills
from tools.kills.limits import memory
from tools.kills.starved import FRESH, WAYS, look, try_way
from tools.kills.workplace import Workplace

FIRST = ("small.tflite", "--json")
ANEW = ("small.tflite", "--optimize", "size", "--out", "build/small/c")
NOT_NEEDED = {"full temporary folder", "little memory"}
COMPILE = Step("compile", ANEW, FIRST, (), (".", "small"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    before = Path.cwd()
    monkeypatch.setenv("TMPDIR", "")  # is what it was afterwards
    monkeypatch.setenv("GLYPHITE_BUILD", "")
    made = Workplace(tmp_path)
    Path("small.tflite").write_bytes(small().build([0], [4]))
    assert glyphite(["compile", *FIRST]) == 0  # what it loads is loaded once
    for when, words in (("before", FIRST), ("after", ANEW)):
        assert run("compile", words).code == 0
        made.keep(f"compile {when}")
    yield made
    os.chdir(before)


def test_a_compile_that_is_killed_leaves_the_old_files_or_the_new_ones(place: Workplace) -> None:
    tried = try_kills(Judge(place, COMPILE))
    assert tried.points >= 8
    assert (tried.states, tried.faults) == (0, [])


def by_one(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        write_text(folder / name, text)


def test_files_that_change_one_after_the_other_would_be_noticed(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "write_folder", by_one)
    assert try_kills(Judge(place, COMPILE), most=7).states == 1


def test_a_compile_without_what_it_needs_says_so_and_leaves_the_old_files(place: Workplace) -> None:
    for way in (*FRESH, *WAYS):
        starved = try_way(place, COMPILE, replace(way, amounts=way.amounts[:2]))
        look(Judge(place, COMPILE), starved)
        assert starved.faults == []
        assert starved.refused or starved.skipped or way.name in NOT_NEEDED


def test_a_board_without_memory_for_its_threads_is_a_sentence(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``threading.Thread`` would wait for ever for a thread that cannot begin."""
    monkeypatch.setattr(beside, "BEGIN_SECONDS", 0.5)
    monkeypatch.setattr(child, "SECONDS", 30.0)
    words = ("small.tflite", "--board", "native", "--count", "1", "--json")
    assert glyphite(["verify", *words]) == 0  # what it builds and loads is there from now on
    starved = run("verify", words, under=lambda: memory(0))
    if starved.code != 0:  # else what this process had free was enough
        assert starved.sentence.startswith("glyphite verify: ")  # which one, chance decides
    assert starved.orphans == 0


def test_what_is_no_sentence_is_a_fault(place: Workplace) -> None:
    assert run("compile", ("absent", "--json")).result is None
    assert run("compile", FIRST).result is not None
    with pytest.raises(FaultError, match="exit code -9"):
        _ = run("compile", FIRST, 3).result
