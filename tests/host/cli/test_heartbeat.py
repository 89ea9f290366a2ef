"""A log shows that a command goes on, and at what."""

import io
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.quantize.quiet import quiet
from glyphite.host.cli import build, heartbeat, main
from glyphite.host.cli.console import print_status, progress_bar, say_loading

BUILD = ["build", "uno", "--board", "native"]


@pytest.fixture
def soon(slow_machines_say_no_more: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SILENCE", 0.05)


def during(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    """Run a verb that does ``work``."""

    def run(_: object) -> int:
        work()
        return 0

    monkeypatch.setattr(build, "run", run)
    assert main(BUILD) == 0


@pytest.mark.usefixtures("soon")
def test_a_silent_verb_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    during(monkeypatch, lambda: time.sleep(0.25))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert 1 <= len(lines) <= 5
    assert set(lines) == {"glyphite build: still at work (0 s)"}


@pytest.mark.usefixtures("soon")
def test_a_line_names_the_work_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        with progress_bar("Streaming\x1b", 1200) as progress:
            progress(1000, note="accuracy 98.00 %")
            progress()
            time.sleep(0.2)

    during(monkeypatch, work)
    told = "glyphite build: Streaming\\x1b, 1,001 of 1,200, accuracy 98.00 % (0 s)"
    assert told in capsys.readouterr().err.splitlines()


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("meant", [True, False])
def test_silence_that_is_meant_stays_silence(
    meant: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        with heartbeat.silence_is_meant():
            time.sleep(0.2)
        if not meant:
            time.sleep(0.2)

    during(monkeypatch, work)
    assert (capsys.readouterr().err == "") == meant


def test_who_speaks_is_not_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heartbeat, "SILENCE", 5.0)
    began = time.monotonic() + 100
    monkeypatch.setattr("time.monotonic", lambda: began)
    during(monkeypatch, lambda: print_status("one"))
    assert capsys.readouterr().err == "one\n"


@pytest.mark.usefixtures("soon")
def test_a_line_is_seen_while_tensorflow_s_output_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That goes to a file, by whatever has the descriptors 1 and 2."""
    seen = tmp_path / "stderr"
    kept = os.dup(2)
    with seen.open("w") as file:
        os.dup2(file.fileno(), 2)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(os.fdopen(2, "wb", closefd=False)))

    def work() -> None:
        with quiet():
            time.sleep(0.25)

    try:
        during(monkeypatch, work)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert re.fullmatch(r"(glyphite build: still at work \(0 s\)\n)+", seen.read_text())


def test_tensorflow_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    say_loading()
    assert capsys.readouterr().err == "Loading TensorFlow, which takes some seconds.\n"
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    say_loading()
    assert capsys.readouterr().err == ""


def test_ten_seconds_are_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert heartbeat.SILENCE < 10
