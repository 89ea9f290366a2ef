"""``glyphite monitor`` shows frames as they pass a port, and what a trace of a run has."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glyphite.host.cli import main
from glyphite.host.device.trace import TO_BOARD, TO_PC, tracing
from glyphite.host.device.wire.frame import encode_frame
from glyphite.host.device.wire.messages import hello_request
from tests.builders.hostile import hello, terminal

HELLO = encode_frame(hello({2: b"one"}))


def write(path: Path, ended: bool = True) -> Path:
    with tracing(path) as passing:
        assert passing is not None
        passing(TO_BOARD, "/dev/ttyACM0", encode_frame(hello_request()))
        passing(TO_PC, "/dev/ttyACM0", HELLO[:5])
        passing(TO_PC, "/dev/ttyACM0", HELLO[5:])
    if not ended:
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    return path


def test_a_trace_is_shown_frame_by_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", "--trace", str(write(tmp_path / "line.jsonl"))]) == 0
    sent, back, count = capsys.readouterr().out.splitlines()
    assert sent.endswith(" s > HELLO")
    assert " s < HELLO_ANSWER protocol 2, , board one, model " in back
    assert count == "1 to the board, 1 to this PC, 0 of them damaged."


def test_a_trace_without_an_end_is_followed_as_it_grows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "line.jsonl", ended=False)
    line = path.read_text().splitlines(keepends=True)[0]
    with path.open("a") as file:
        file.write(line[:20])

    def go_on() -> None:
        with path.open("a") as file:
            file.write(line[20:] + '{"at": 9, "way": "end"}\n')

    threading.Timer(0.3, go_on).start()
    assert main(["monitor", "--trace", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["way"], each["kind"]) for each in found] == [
        (">", "frame"), ("<", "frame"), (">", "frame")
    ]  # fmt: skip


def test_a_port_is_asked_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal(lambda _: HELLO) as path:
        assert main(["monitor", "--port", path, "--seconds", "0.4"]) == 0
    assert "> HELLO\n" in (out := capsys.readouterr().out)
    assert "< HELLO_ANSWER" in out


def test_with_listen_nothing_is_sent_and_ctrl_c_ends_it_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no end is shown once nothing has come for a while."""
    monkeypatch.setattr("glyphite.host.cli.monitor.IDLE", 0.05)
    later = [b""] * 100  # of milliseconds: what comes before a port is open is lost
    said = iter([*later, b"one\xff", *later, *later, b"two\xff"])
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with terminal(lambda _: HELLO, idle=lambda: next(said, b"")) as path:
        assert main(["monitor", "--port", path, "--listen"]) == 0
    out = capsys.readouterr().out
    assert "< damaged, 4 bytes: 6f 6e 65 ff\n" in out
    assert "< damaged, 4 bytes: 74 77 6f ff\n" in out
    assert out.endswith("0 to the board, 2 to this PC, 2 of them damaged.\n")


def test_a_pause_in_a_trace_ends_what_has_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line.jsonl"
    lines = [{"at": at, "way": "<", "port": "COM3", "bytes": "ff"} for at in (1, 1.1, 2)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in [*lines, {"at": 3, "way": "end"}]))
    assert main(["monitor", "--trace", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["words"] for each in found] == ["damaged, 2 bytes: ff ff", "damaged, 1 byte: ff"]


def test_boards_of_one_url_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two emulated ones run in two threads, and their bytes come between each other's."""
    path = tmp_path / "line.jsonl"
    with tracing(path) as passing, ThreadPoolExecutor(1) as other:
        assert passing is not None
        passing(TO_PC, "sim://uno", HELLO[:5])
        other.submit(passing, TO_PC, "sim://uno", HELLO).result()
        passing(TO_PC, "sim://uno", HELLO[5:])
    assert main(["monitor", "--trace", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["port"], each["kind"]) for each in found] == [
        ("sim://uno #2", "frame"), ("sim://uno", "frame")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no trace\n", "line.jsonl, line 1: it is no trace of a line. Make one with `glyphite"),
        ('{"at": 1, "way": "up", "port": "", "bytes": ""}\n', "line 1: it is no trace"),
        ('{"at": 1, "way": ">", "port": "", "bytes": "0"}\n', "line 1: it is no trace"),
        ("[]\n", "line 1: it is no trace"),
        ('{"at": NaN, "way": ">", "port": "", "bytes": ""}\n', "line 1: it is no trace"),
        (None, "line.jsonl cannot be read: No such file or directory. Make one with"),
    ],
)
def test_what_is_no_trace_is_told_in_a_sentence(
    tmp_path: Path, content: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line.jsonl"
    if content is not None:
        path.write_text(content)
    assert main(["monitor", "--trace", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_a_line_without_an_end_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("cli.monitor", "device.trace"):
        monkeypatch.setattr(f"glyphite.host.{module}.MOST_OF_A_LINE", 100)
    (tmp_path / "line.jsonl").write_text("{" * 200)
    assert main(["monitor", "--trace", str(tmp_path / "line.jsonl")]) == 2
    assert "line.jsonl, line 1: it is no trace" in capsys.readouterr().err
    assert main(["monitor", "--trace", os.devnull]) == 2
    assert "/dev/null is no file. Make one with" in capsys.readouterr().err


def test_wrong_calls_are_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", "--trace", "x", "--port", "y"]) == 2
    assert "--port and --trace are two sources. Name one of them." in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["monitor", "--seconds", "nan"])
    assert "'nan' are no seconds: 10 are, say." in capsys.readouterr().err
    folder = tmp_path / "folder"
    folder.mkdir()
    assert main(["stream", "uno", "--port", "sim://native", "--trace", str(folder)]) == 2
    assert f"{folder} cannot be written: Is a directory." in capsys.readouterr().err
