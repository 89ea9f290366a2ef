"""``glyphite stream`` on several boards: who answers what, who is lost, what is told of each."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device import greeting, session
from glyphite.host.device.wire.protocol import Message
from glyphite.host.measure.received import KEPT, read_kept
from tests.builders.hostile import Board, board_of, fixed_model, terminal, text

Reply = Callable[[bytes, bytes], bytes]
COUNT = 400


@pytest.fixture
def fixed(tmp_path: Path, build_folder: Path) -> ModelFolder:
    return fixed_model(tmp_path, build_folder)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOOT_SECONDS", "HELLO_AGAIN", "QUIET_SECONDS"):
        monkeypatch.setattr(greeting, name, 0.1)
    monkeypatch.setattr(session, "GIVE_UP", 0.6)
    monkeypatch.setattr(session, "TIMEOUT", 0.4)


def stream(folder: ModelFolder, boards: list[Board], *more: str, count: int = COUNT) -> int:
    """Stream to boards that are there as long as the command runs; their ports are port0, ..."""
    with ExitStack() as stack:
        words = ["stream", str(folder.tflite), "--count", str(count), "--json", *more]
        for number, board in enumerate(boards):
            link = folder.tflite.with_name(f"port{number}")
            link.unlink(missing_ok=True)
            link.symlink_to(stack.enter_context(terminal(board)))
            words += ["--port", str(link)]
        return main(words)


def slow(frame: bytes, _: bytes) -> bytes:
    time.sleep(0.02)
    return frame


def dying(after: int) -> Reply:
    """The answers of a board that falls silent."""
    asked: list[bytes] = []

    def reply(frame: bytes, request: bytes) -> bytes:
        asked.append(request)
        return frame if len(asked) <= after else b""

    return reply


def inferences(board: Board) -> int:
    return board.heard.count(Message.INFER)


def test_a_faster_board_takes_more_and_each_has_figures_of_its_own(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    quick, late = board_of(fixed), board_of(fixed, reply=slow)
    assert stream(fixed, [quick, late]) == 0
    printed = json.loads(capsys.readouterr().out)
    first, second = printed["boards"]
    assert first["images"] > 2 * second["images"] > 0
    assert first["images"] + second["images"] == printed["images"] == COUNT
    assert inferences(quick) + inferences(late) == COUNT + printed["retries"]
    assert printed["seconds_per_image"] is None  # two clocks are never mixed
    assert first["seconds_per_image"] and second["seconds_per_image"]
    assert (first["correct"] + second["correct"]) == printed["correct"]
    assert (printed["run_images"], printed["shared_with"]) == (COUNT, [])
    folder = fixed.root / "native"
    assert json.loads((folder / "stream.json").read_text()) | {"calibrated_on": ""} == printed
    with np.load(folder / "stream.npz") as kept:
        assert np.bincount(kept["by"]).tolist() == [first["images"], second["images"]]
    assert main(["report", str(fixed.tflite)]) == 0
    page = (fixed.root / "report.html").read_text()
    assert f"port0: {first['images']}" in page
    assert f"port1: {second['images']}" in page


def test_boards_of_two_kinds_have_a_record_each_and_one_sum(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    boards = [board_of(fixed), board_of(fixed, {"BOARD": text("lab")}, reply=slow)]
    assert stream(fixed, boards) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["board"], printed["images"]) == ("native + lab", COUNT)
    assert printed["port"].count("port") == 2
    records = [json.loads((fixed.root / name / "stream.json").read_text())
               for name in ("native", "lab")]  # fmt: skip
    for record, board, other in zip(records, printed["boards"], (1, 0), strict=True):
        assert record["boards"] == [board]
        assert (record["images"], record["run_images"]) == (board["images"], COUNT)
        assert record["shared_with"] == [printed["boards"][other]["port"]]
        assert record["seconds_per_image"] == board["seconds_per_image"]
    assert records[0]["images"] + records[1]["images"] == COUNT
    for key in ("correct", "scores", "retries", "reference_correct"):
        assert records[0][key] + records[1][key] == printed[key]
    page = (fixed.root / "report.html").read_text()
    assert f"of {COUNT}; the others by " in page
    assert f"which it had of the {COUNT} of a run" in page
    assert page.count("glyphite stream ") == 1  # one run, so one command


def test_what_a_lost_board_has_not_answered_goes_to_the_others(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    boards = [board_of(fixed, reply=dying(after=25)), board_of(fixed, reply=slow)]
    assert stream(fixed, boards, count=120) == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    lost, other = printed["boards"]
    assert printed["images"] == lost["images"] + other["images"] == 120
    assert lost["images"] <= 25
    assert other["lost"] == []
    (why,) = lost["lost"]
    assert "said hello, and no inference was answered in" in why
    assert f"port0 was lost after {lost['images']} answers: {why}" in captured.err
    assert printed["mismatched_bytes"] == 0


def test_without_any_board_left_the_answers_are_kept_and_gone_on_with(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [{"BOARD": text(name)} for name in ("native", "lab")]
    assert stream(fixed, [board_of(fixed, items, reply=dying(9)) for items in named]) == 1
    error = capsys.readouterr().err
    assert "No board is left. The board on " in error
    (path,) = fixed.root.glob(f"*/{KEPT}")
    kept = read_kept(path, Manifest.load(fixed.manifest))
    assert kept is not None
    owners = list(kept.owners.values())
    assert min(owners.count(0), owners.count(1)) > 0
    assert f"The {len(kept.answers)} of {COUNT} answers that had come are in {path}" in error
    again = [board_of(fixed, items) for items in named]
    assert stream(fixed, again, "--resume") == 0
    assert sum(map(inferences, again)) == COUNT - len(kept.answers)
    printed = json.loads(capsys.readouterr().out)
    assert sum(board["images"] for board in printed["boards"]) == printed["images"] == COUNT
    assert printed["wire"]["images"] == COUNT - len(kept.answers)
    assert not path.exists()


def test_a_board_that_is_gone_for_good_keeps_what_it_answered(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is had from the other alone."""
    boards = [
        board_of(fixed, reply=dying(5)),
        board_of(fixed, {"BOARD": text("lab")}, reply=dying(5)),
    ]
    assert stream(fixed, boards, count=30) == 1
    capsys.readouterr()
    assert stream(fixed, [board_of(fixed)], "--resume", count=30) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["board"], printed["images"]) == ("native + lab", 30)
    assert printed["boards"][1]["images"] > 0


def test_a_byte_that_one_board_has_wrong_is_that_boards(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = board_of(fixed, {"BOARD": text("lab")}, reply=slow)
    wrong.scores = bytes([wrong.scores[0] ^ 1]) + wrong.scores[1:]
    assert stream(fixed, [board_of(fixed), wrong]) == 1
    captured = capsys.readouterr()
    honest, other = json.loads(captured.out)["boards"]
    assert honest["mismatched_bytes"] == 0
    assert other["mismatched_bytes"] == other["mismatched_images"] == other["images"] > 0
    assert f"native + lab differs from TensorFlow Lite Micro in {other['images']} bytes" in (
        captured.err
    )


def test_a_port_that_is_not_there_is_refused_at_once(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stream(fixed, [board_of(fixed)], "--port", "/dev/ttyNOTHERE") == 2
    assert "There is no port /dev/ttyNOTHERE." in capsys.readouterr().err
    assert stream(fixed, [], "--port", "/dev/tty9", "--port", "/dev/tty9") == 2
    assert "--port /dev/tty9 is given 2 times, and is one board." in capsys.readouterr().err


def test_a_table_for_people_has_a_row_for_each(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    boards = [board_of(fixed, reply=dying(after=3)), board_of(fixed, reply=slow)]
    with terminal(boards[0]) as one, terminal(boards[1]) as two:
        words = ["stream", str(fixed.tflite), "--count", "40", "--port", one, "--port", two]
        assert main(words) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "By board, each by its own clock" in printed
    assert "the line │ no baud rate: terminals" in printed
    assert "A board was lost; the others took its samples, and " in printed
