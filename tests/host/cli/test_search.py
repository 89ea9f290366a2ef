"""``glyphite search``: weighed before it is trained, kept through a kill, refused in a sentence."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.data.dataset import DataSet, Labels, Part
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import ToolError
from glyphite.convert.preprocessing import NAMED
from glyphite.host.cli import main
from glyphite.host.cli.search_run import Search
from glyphite.host.cli.search_trial import Work
from glyphite.host.measure.processes import own_processes
from glyphite.host.measure.weigh import BeyondError, Limits, require_weights
from glyphite.train.own import Lessons
from glyphite.train.search.study import Study
from tests.strict import require_module

require_module("optuna", "tensorflow", "ai_edge_litert")

Out = pytest.CaptureFixture[str]

REFUSED = r"It takes [56],\d{3} bytes of flash, and 5,000 are allowed\."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Vectors of six numbers: three classes."""
    x = np.random.default_rng(1).normal(0, 1, (200, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    np.savez(tmp_path / "vectors.npz", x=x, y=y)
    return tmp_path / "vectors.npz"


def words(data: Path, *more: str) -> list[str]:
    return ["search", "--board", "cortex-m4", "--data", str(data), "--epochs", "3", *more]


def test_a_search_that_was_killed_goes_on(
    data: Path, build_folder: Path, capsys: Out, require_tool: Callable[..., None]
) -> None:
    """Two networks take more flash than is allowed, so they are refused before they are trained."""
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    command = words(data, "--trials", "3", "--max-flash", "5000", "--jobs", "2")
    program = [sys.executable, "-m", "glyphite.host.cli", *command]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as begun:
        assert begun.stderr is not None
        said = next(line for line in begun.stderr if line.startswith("Trial "))
        begun.send_signal(signal.SIGKILL)
        begun.stderr.read()  # ends once the processes that train have ended as well
    number = int(said.split()[1])
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert f"Trial {number} (" not in captured.err
    trials = {trial["trial"]: trial for trial in found["trials"]}
    assert len(trials) == 3
    assert number in trials
    refused = [trial for trial in trials.values() if trial["refused"]]
    sentences = [re.fullmatch(REFUSED, trial["refused"]) for trial in refused]
    assert len(sentences) == 2
    assert all(sentences)
    assert {(trial["score"], trial["weight"]) for trial in refused} == {(None, None)}
    best = trials[found["best"]]
    assert best["score"] == max(trials[number]["score"] for number in found["front"])
    assert (best["weight"]["flash"] <= 5000, best["weight"]["timed_by"]) == (
        True,
        "modelled cycles",
    )
    folder = build_folder / "vectors" / "search"
    assert {path.name for path in folder.glob("trial_*.py")} == {
        f"trial_{number}.py" for number in found["front"]
    }
    assert (folder / "front.svg").read_text().startswith("<?xml")
    assert json.loads((folder / "search.json").read_text()) == found
    assert main(command) == 0  # all is there: nothing is trained
    printed = capsys.readouterr().out
    assert "3 networks, 3 of which have ended before" in printed
    assert f"trial_{found['best']}.py:network" in printed
    unbroken = str(data.parent.parent)  # a path is as long as it is
    assert max(len(line) for line in printed.splitlines() if unbroken not in line) <= 80


def test_what_weights_alone_exceed_needs_no_training(data: Path, capsys: Out) -> None:
    assert main(words(data, "--trials", "2", "--max-flash", "10", "--name", "none")) == 0
    captured = capsys.readouterr()
    assert " ".join(captured.err.split()).count("bytes of weights, and 10 are allowed.") == 2
    assert "2 networks were drawn: 0 trained, 2 refused as over budget." in captured.out
    assert "None was within the budget. Allow more, or ask for more --trials." in captured.out


def test_one_of_something_has_no_plural(data: Path, capsys: Out) -> None:
    assert main(words(data, "--trials", "1", "--max-flash", "10", "--name", "one")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Searching for cortex-m4: 1 network, each trained for 3 epochs on" in said
    assert "1 network was drawn: 0 trained, 1 refused as over budget." in said


class Dying(Executor):
    """A process that ends whatever it is asked, as one does for which memory lacks."""

    def __init__(self, process: Executor) -> None:
        self.process = process

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":  # noqa: ANN401
        return self.process.submit(os._exit, 1)


def test_processes_that_die_again_and_again_end_the_search(tmp_path: Path) -> None:
    part = Part((np.ones((9, 6), np.float32),), Labels(np.arange(9) % 3))
    lessons = Lessons(DataSet("v", "v", Kind.VECTOR, part, part, part), NAMED["raw"])
    work = Work(lessons, load_board("uno"), Limits(), 1, 32, 1)
    study = Study(tmp_path / "s.db", {}, ["maximize"], ((6,), 3, "softmax"), 1)
    notes: list[str] = []
    with own_processes(1) as (process,), pytest.raises(ToolError, match="3 trials in a row ended"):
        Search(study, work, (), lambda *_: None, notes.append).run(5, [Dying(process)])
    assert [note.partition(" (Broken")[0].split(": ")[1] for note in notes] == [
        "nothing came of it"
    ] * 2
    assert study.records == []


def test_a_limit_is_told_with_what_is_beyond_it() -> None:
    with pytest.raises(BeyondError, match="It takes 300 bytes of weights, and 200 are") as caught:
        require_weights(300, load_board("uno"), Limits(flash=200))
    assert caught.value.excess == 0.5
    with pytest.raises(BeyondError, match=r"40,000 bytes of weights, and 32,256 are"):
        require_weights(40_000, load_board("uno"), Limits())


REFUSALS = [
    (["--max-ms", "0"], "'0' is no number of milliseconds: one above 0, such as 25, is."),
    (["--aims", "speed"], "'speed' names no aims: cycles, ram, flash are, each once"),
    (["--samples", "1000"], "vectors.npz has 140 training samples beside those held back."),
    (["--seed", "-1"], "--seed -1 is out of range"),
    (["--board", "native"], "can be counted on the board 'native'"),
]


@pytest.mark.parametrize(("more", "sentence"), REFUSALS)
def test_what_cannot_be_is_refused(more: list[str], sentence: str, data: Path, capsys: Out) -> None:
    try:
        code: object = main(words(data, "--trials", "1", *more))
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_data_without_targets_or_to_hold_back_are_refused(tmp_path: Path, capsys: Out) -> None:
    np.savez(tmp_path / "none.npz", x_train=np.ones((30, 4)), x_test=np.ones((9, 4)))
    assert main(words(tmp_path / "none.npz", "--trials", "1")) == 2
    assert "has neither classes nor numbers to be met" in capsys.readouterr().err
    x, y = np.eye(4), np.arange(4)
    np.savez(tmp_path / "few.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert main(words(tmp_path / "few.npz", "--trials", "1")) == 2
    assert "has too few training samples to hold some back" in capsys.readouterr().err
