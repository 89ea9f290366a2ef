"""Other programs are run within a limit, fail in sentences, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glyphite.convert.errors import TimeLimitError, ToolError
from glyphite.convert.programs import Finished, Running, attempt, run
from tests.strict import require_signals
from tools.kills.limits import descriptors

LONG = 60
"""Seconds that no test waits for."""
PATIENCE = 10.0
"""Seconds for the system to end what was killed."""

FAMILY = """
sleep 60 & echo $! > "$1.part"
mv "$1.part" "$1"
sleep "$2"
"""
"""A shell with a child that holds the shell's pipes open; tells the child's number in a file."""

RUNS_FAMILY = """
import sys
from glyphite.convert.programs import attempt
attempt(sys.argv[1:], 60)
"""


def python(code: str, *arguments: object) -> list[str]:
    """The command that runs ``code``."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def family(tells: Path, seconds: float) -> list[str]:
    """The command that runs the family, whose head ends after so many seconds."""
    return ["sh", "-c", FAMILY, "sh", str(tells), str(seconds)]


def number(path: Path) -> int:
    """The process number in a file, once it is there."""
    end = time.monotonic() + PATIENCE
    while not path.is_file():
        assert time.monotonic() < end, f"nobody wrote {path}"
        time.sleep(0.01)
    return int(path.read_text())


def gone(pid: int) -> bool:
    """Whether a process ends soon; a zombie, whose parent is gone too, has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_program_that_ends_well_gives_what_it_wrote(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('noted', file=sys.stderr)"
    finished = run(python(code), LONG, folder=tmp_path)
    assert (finished.code, finished.output, finished.errors) == (0, f"{tmp_path}\n", "noted\n")


def test_input_is_given_and_else_empty() -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert attempt(python(code), LONG, stdin=b"\0\xff\n").output == "3\n"
    assert attempt(python(code), LONG).output == "0\n"


def test_a_program_that_is_absent_is_named_with_a_way_out() -> None:
    for start in (lambda command: run(command, LONG), Running):
        with pytest.raises(ToolError) as caught:
            start(["no-such-program", "-v"])
        assert str(caught.value) == (
            "no-such-program cannot be started (No such file or directory). "
            "Install it, or check the PATH."
        )


def test_a_program_that_may_not_be_run_says_why(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(ToolError, match=r"text cannot be started \(Permission denied\)"):
        run([str(tmp_path / "text")], LONG)


def test_a_program_for_which_there_are_no_descriptors_need_not_be_installed() -> None:
    with (
        descriptors(0),
        pytest.raises(ToolError, match=r"\(Too many open files\)\. End other prog"),
    ):
        run(["true"], LONG)


def test_a_program_that_found_the_disk_full_is_not_to_be_run_again() -> None:
    code = "import os, sys; sys.exit(f'a.c: fatal error: {os.strerror(28)}')"
    with pytest.raises(ToolError, match=r"No space left on device\. Free some room .* TMPDIR\.$"):
        run(python(code), LONG)


def test_a_failing_program_is_quoted_by_its_first_telling_line() -> None:
    code = (
        "import sys; sys.stderr.write('In file included from a.h:1,\\n  a.c:3: error: no such "
        "type.\\na.c:4: error: another\\n'); sys.exit(3)"
    )
    with pytest.raises(ToolError) as caught:
        run(python(code), LONG, failure="cc cannot build it", remedy="Mend that.")
    assert str(caught.value) == "cc cannot build it: a.c:3: error: no such type. Mend that."


@pytest.mark.parametrize(
    ("errors", "complaint"),
    [
        ("x.o: in function `f':\nundefined reference to `g'\n", "undefined reference to `g'"),
        ("/bin/ld: cannot find -lm\ncollect2: error: ld returned 1\n", "/bin/ld: cannot find -lm"),
        ("\n  usage: cp FROM TO \nmore\n", "usage: cp FROM TO"),
        ("", "exit code 3"),
    ],
)
def test_the_telling_line_says_what_is_wrong(errors: str, complaint: str) -> None:
    assert Finished(("cc",), 3, "", errors).complaint == complaint


def test_without_a_remedy_the_command_is_shown_as_a_shell_takes_it() -> None:
    with pytest.raises(ToolError) as caught:
        run(["sh", "-c", "exit 7"], LONG)
    assert str(caught.value) == "sh failed: exit code 7. See it all with: sh -c 'exit 7'"


def test_a_crash_is_told_by_its_signal() -> None:
    crash = python("import os; os.kill(os.getpid(), 11)")
    assert attempt(crash, LONG).code == -signal.SIGSEGV
    with pytest.raises(ToolError, match=r"it crashes: it was ended by SIGSEGV\. Report it\."):
        run(crash, LONG, failure="it crashes", remedy="Report it.")


def test_a_program_in_python_writes_utf8_whatever_this_one_is_told_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-16")
    assert attempt([sys.executable, "-c", "print('äh')"], 30).output == "äh\n"


def test_output_that_is_not_utf8_is_read_all_the_same() -> None:
    code = "import sys; sys.stdout.buffer.write(b'f\\xfcr \\xe2\\x82\\xac\\r\\n'); sys.exit(1)"
    finished = attempt(python(code), LONG)
    assert (finished.code, finished.output) == (1, "f\ufffdr \u20ac\n")


def test_the_time_limit_is_told_and_is_kept() -> None:
    start = time.monotonic()
    with pytest.raises(TimeLimitError) as caught:
        attempt(["sleep", str(LONG)], 0.2)
    assert time.monotonic() - start < LONG / 2
    assert str(caught.value) == (
        "sleep ran longer than 0.2 seconds and was stopped. "
        "Try again when this machine has less to do."
    )
    assert isinstance(caught.value, ToolError)


@pytest.mark.parametrize("parent_lives", [LONG, 0], ids=["parent runs", "parent has ended"])
def test_the_time_limit_ends_what_the_program_started(tmp_path: Path, parent_lives: int) -> None:
    """Also where the program itself is over, and a child that it left holds its pipes open."""
    with pytest.raises(TimeLimitError):
        attempt(family(tmp_path / "child", parent_lives), 1.0)
    assert gone(number(tmp_path / "child"))


def test_a_program_that_is_ended_may_remove_its_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a compiler does behind SIGTERM."""
    require_signals()
    monkeypatch.setattr("glyphite.convert.programs._TIDY_SECONDS", 30.0)
    made = tmp_path / "made"
    tidy = f"trap 'rm {made}; exit' TERM; touch {made}; while :; do sleep 0.01; done"
    with pytest.raises(TimeLimitError):
        attempt(["sh", "-c", tidy], 1.0)
    assert not made.exists()


def test_ctrl_c_leaves_no_child(tmp_path: Path) -> None:
    """SIGINT goes to this program alone; what it runs is in a process group of its own."""
    command = python(RUNS_FAMILY, *family(tmp_path / "child", LONG))
    with subprocess.Popen(command, stderr=subprocess.PIPE) as ours:
        child = number(tmp_path / "child")
        parent = os.getpgid(child)
        assert parent != os.getpgid(ours.pid)
        ours.send_signal(signal.SIGINT)
        _, errors = ours.communicate(timeout=LONG)
    assert b"KeyboardInterrupt" in errors
    assert gone(child)
    assert gone(parent)


def test_a_running_program_is_heard_piece_by_piece() -> None:
    code = "import sys; sys.stderr.write('one'); sys.stderr.flush(); sys.stdin.read(); sys.exit(4)"
    reads, writes = os.pipe()
    with Running(python(code), stdin=reads, heard=True) as running:
        os.close(reads)
        assert running.hear(LONG) == b"one"
        assert running.hear(0.05) is None
        assert running.poll() is None
        os.close(writes)
        assert running.hear(LONG) == b""
        assert running.wait(LONG) == 4


def test_one_that_is_not_heard_cannot_be_asked() -> None:
    with Running(["sleep", "0"]) as running, pytest.raises(ValueError, match="heard=True"):
        running.hear(LONG)


def test_a_running_program_ends_with_its_block_and_takes_its_children_along(tmp_path: Path) -> None:
    with Running(family(tmp_path / "child", LONG)) as running:
        child = number(tmp_path / "child")
        with pytest.raises(TimeLimitError):
            running.wait(0.05)
    assert running.poll() == -signal.SIGKILL
    assert gone(child)


@pytest.mark.parametrize("ending", [Running.end, Running.wait])
def test_one_that_has_ended_by_itself_keeps_its_exit_code(
    ending: Callable[[Running, float], int],
) -> None:
    running = Running(python("import sys; sys.exit(5)"))
    assert ending(running, LONG) == 5
    assert running.end() == 5


@pytest.mark.parametrize("start", [lambda words: attempt(words, 60), Running])
def test_a_signal_between_a_programs_start_and_the_watch_on_it_ends_it_too(
    start: Callable[[list[str]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command runs already, and whoever starts it has nothing yet to end it by."""
    made: list[subprocess.Popen[bytes]] = []

    class Late(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(*words, **options)
            made.append(self)
            signal.raise_signal(signal.SIGTERM)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        monkeypatch.setattr(subprocess, "Popen", Late)
        with pytest.raises(KeyboardInterrupt):
            start(["sleep", "60"])
        assert signal.getsignal(signal.SIGTERM) is interrupt
    finally:
        signal.signal(signal.SIGTERM, before)
    (process,) = made
    assert process.returncode in (-signal.SIGTERM, -signal.SIGKILL)
