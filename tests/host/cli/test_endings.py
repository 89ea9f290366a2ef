"""However a verb ends: one sentence, the exit code that tells why, and nothing left behind."""

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.host.cli import build, main
from glyphite.host.cli.console import print_json, print_status, progress_bar
from glyphite.host.cli.endings import describe, ended_by_signals
from tests.paths import PROJECT
from tests.strict import require_module

SEVEN = str(PROJECT / "tests" / "data" / "seven.png")

WRITING = (
    ("train", "seed", "--epochs", "1"),
    ("compare", "uno", "--count", "1"),
    ("compile", "uno"),
    ("build", "uno", "--board", "native"),
    ("report", "uno"),
    ("export", "uno", "--arduino"),
    ("export", "uno", "--tflm"),
    ("emulate", "uno", "--board", "native"),
    ("stream", "uno", "--port", "sim://native"),
    ("verify", "uno", "--board", "native"),
    ("flash", "uno", "--board", "uno", "--port", "sim://uno"),
    ("bench", "uno", "--board", "cortex-m4"),
)


@pytest.mark.parametrize("verb", WRITING, ids=lambda verb: verb[0])
def test_a_build_folder_that_is_a_file_is_told_of_by_every_verb_that_writes(
    verb: tuple[str, ...], build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_folder.write_bytes(b"")
    assert main(verb) == 2
    said = capsys.readouterr().err
    name = "seed" if "seed" in verb else "uno"
    assert said == (
        f"glyphite {verb[0]}: {build_folder}/{name} cannot be written: Not a directory. A file "
        "or link on that path is in the place of a folder: remove or rename it.\n"
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("train", "seed"), "seed/model.keras"),
        (("train", "seed"), "seed/history.json"),
        (("convert", "seed"), "seed/manifest.json"),
        (("convert", "seed"), "seed/model_int8.tflite"),
        (("compare", "uno"), "uno/compare.json"),
        (("compare", "uno"), "uno/scores.npz"),
    ],
)
def test_a_folder_in_the_place_of_a_result_is_told_of_before_the_work(
    words: tuple[str, ...],
    name: str,
    build_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"glyphite.host.cli.{words[0]}.progress_bar", pytest.fail)
    (build_folder / name).mkdir(parents=True)
    if words[0] == "convert":
        (build_folder / "seed" / "model.keras").touch()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"glyphite {words[0]}: {build_folder}/{name} cannot be written: Is a di")


def test_a_file_in_the_place_of_the_pictures_is_told_of_before_the_training(
    build_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.host.cli.train.progress_bar", pytest.fail)
    (build_folder / "seed").mkdir(parents=True)
    (build_folder / "seed" / "pictures").touch()
    assert main(["train", "seed"]) == 2
    assert "seed/pictures cannot be written: Not a directory" in capsys.readouterr().err


def raising(error: BaseException) -> Callable[..., int]:
    def run(_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 1, "There is not enough memory. End other programs, or take a smaller "),
        (RecursionError(), 1, "What was read is nested too deeply. Check that the file is what"),
        (OSError(errno.EMFILE, "Too many open files"), 1, "Too many open files. End other progr"),
        (OSError(errno.ENOSPC, "No space", "/x\n"), 2, "/x\\n: No space. Free some room and al"),
        (OSError(errno.ENOSPC, "No space"), 2, "What is printed cannot be written (No space). "),
        (OSError(errno.ENAMETOOLONG, "File name too long", "f"), 2, "f: File name too long."),
        (OSError(errno.EIO, "Input/output error", "f"), 1, "f: Input/output error. Check that"),
        (ImportError("x.so: cannot open shared object file"), 1, "A library cannot be loaded (x.s"),
        (ImportError("no numpy", name="numpy"), 1, "A library cannot be loaded (no numpy). End "),
        (ImportError("no", name="glyphite.x"), 1, "This should not happen"),
        (OSError("x.so: failed to map segment from shared object"), 1, "A library cannot be load"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "Cannot allocate memory. End other"),
        (KeyError("a\nb"), 1, r"This should not happen (test_endings.py, line "),
        (KeyboardInterrupt(), 130, "interrupted."),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_was_not_foreseen_is_one_sentence(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(build, "run", raising(error))
    assert main(["build", "uno", "--board", "native"]) == code
    told = capsys.readouterr().err
    assert told.startswith(f"glyphite build: {said}" if said else "")
    assert told.count("\n") == bool(said)
    monkeypatch.setenv("GLYPHITE_DEBUG", "1")
    assert main(["build", "uno", "--board", "native"]) == code
    assert ("Traceback" in capsys.readouterr().err) == bool(said)


def test_a_full_stderr_leaves_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space")

    monkeypatch.setattr("glyphite.host.cli.print_error", full)
    assert main(["build", "uno", "--board", "nothing"]) == 2


def test_an_error_without_a_place_is_described_too() -> None:
    assert describe(ValueError("it")).startswith("This should not happen (nowhere): ValueError: it")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_verb_as_ctrl_c_does(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    cleaned = []

    def run(_: object) -> int:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # a second one does not disturb
            cleaned.append(True)
        return 0

    before = signal.getsignal(number)
    monkeypatch.setattr(build, "run", run)
    assert main(["build", "uno", "--board", "native"]) == code
    assert capsys.readouterr().err == f"glyphite build: ended by {number.name}.\n"
    assert cleaned == [True]
    assert signal.getsignal(number) is before


def test_a_hangup_that_is_ignored_stays_so() -> None:
    """As behind nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


SIGN = re.compile(r"^glyphite \w+: still at work \(\d+ s\)\n", re.MULTILINE)
"""What a process says where this machine is slow."""
COMPILER = """#!/bin/sh
echo $$ > "$MARK.part" && mv "$MARK.part" "$MARK"
sleep 60
"""


def test_sigterm_in_a_build_leaves_neither_a_folder_nor_the_compiler(tmp_path: Path) -> None:
    compiler, mark, scratch = tmp_path / "bin" / "cc", tmp_path / "mark", tmp_path / "scratch"
    compiler.parent.mkdir()
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    scratch.mkdir()
    changed = {"PATH": f"{compiler.parent}:{os.environ['PATH']}", "MARK": str(mark)}
    changed |= {"TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "glyphite.host.cli", "build", "uno", "--board", "native"]
    paths = os.pathsep.join(str(PROJECT / root) for root in ("train", "convert", "host"))
    environment = {**os.environ, **changed, "PYTHONPATH": paths}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as verb:
        while not mark.is_file():
            assert verb.poll() is None
            with tempfile.TemporaryFile():  # a pause that costs nothing
                pass
        assert list(scratch.iterdir())
        verb.send_signal(signal.SIGTERM)
        assert verb.wait(60) == 143
        assert verb.stderr is not None
        assert SIGN.sub("", verb.stderr.read()) == "glyphite build: ended by SIGTERM.\n"
    assert list(scratch.iterdir()) == []
    state = Path(f"/proc/{mark.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def glyphite(shell: str, words: str = "boards") -> subprocess.CompletedProcess[str]:
    """The command of these ``words``, a verb that prints much, in a shell that adds ``shell``."""
    paths = os.pathsep.join(str(PROJECT / root) for root in ("train", "convert", "host"))
    command = f'"$0" -m glyphite.host.cli {words} {shell}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, sys.executable],
        check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        (
            ">&-",
            2,
            "glyphite: stdout is closed, so nobody learns the result. Send it to a file",
        ),
        (">/dev/full", 2, "glyphite boards: What is printed cannot be written (No space left on "),
        ("| true", 141, ""),
    ],
)
def test_an_output_that_nobody_takes_is_told_of(shell: str, code: int, said: str) -> None:
    ended = glyphite(shell)
    told = SIGN.sub("", ended.stderr)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert told.startswith(said)
    assert told.count("\n") == bool(said)


def test_help_that_cannot_be_written_is_told_of() -> None:
    """As that of a verb is, by the same lines."""
    ended = glyphite(">/dev/full", "--help")
    assert ended.returncode == 2
    assert "What is printed cannot be written (No space left on" in ended.stderr
    ended = glyphite("| true", "--version")
    assert (ended.returncode, ended.stderr) == (141, "")


class Gone(io.StringIO):
    """The reader of this output went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, text)


@pytest.mark.parametrize(
    "words",
    [
        ["boards"],
        ["boards", "--json"],
        ["--help"],
        ["predict", "--help"],
        ["predict", SEVEN, "uno"],
        ["completion", "bash"],
    ],
)
def test_a_reader_that_goes_away_ends_a_verb_as_sigpipe_does(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] == "completion":
        require_module("shtab")
    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(words) == 141
    assert capsys.readouterr().err == ""


def test_a_reader_of_progress_that_goes_away_ends_a_verb_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in `glyphite ... 2>&1 | head`."""

    def run(_: object) -> int:
        with progress_bar("Building", 2) as progress:
            progress()
            print_status("one is done")
        return 0

    monkeypatch.setattr(build, "run", run)
    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(["build", "uno", "--board", "native"]) == 141


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (InputError("no"), 2, "InputError"),
        (CheckFailedError("no"), 1, "CheckFailedError"),
        (OSError(errno.ENOSPC, "no"), 2, "OSError"),
        (KeyError("no"), 1, "KeyError"),
        (KeyboardInterrupt(), 130, "KeyboardInterrupt"),
    ],
)
def test_with_json_a_refusal_is_a_document_too(
    error: BaseException, code: int, kind: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(build, "run", raising(error))
    assert main(["build", "uno", "--board", "native", "--json"]) == code
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err == f"glyphite build: {told['error']}\n"
    assert told == {"error": told["error"], "kind": kind, "verb": "build", "exit_code": code}
    assert main(["build", "uno", "--board", "native"]) == code
    assert capsys.readouterr().out == ""


def test_with_json_a_wrong_call_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    for words, verb in ((["build", "--json"], "build"), (["built", "--json"], "")):
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        told = json.loads(out)
        assert err.startswith(f"usage: glyphite {verb}".rstrip())
        assert err.endswith(f"error: {told['error']}\n")
        assert (told["kind"], told["verb"], told["exit_code"]) == ("UsageError", verb, 2)
        assert ended.value.code == 2


def test_a_check_that_fails_behind_the_result_leaves_it_the_only_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        print_json({"bytes": 1})
        raise CheckFailedError("1 byte differs.")

    monkeypatch.setattr(build, "run", run)
    for _ in range(2):
        assert main(["build", "uno", "--board", "native", "--json"]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out) == {"bytes": 1}
        assert err == "glyphite build: 1 byte differs.\n"


def test_a_closed_stderr_does_not_mix_messages_into_the_result() -> None:
    ended = glyphite("--json 2>&-")
    assert (ended.returncode, ended.stdout[:1]) == (0, "[")


@pytest.mark.parametrize("mebibytes", [148, 215])
def test_little_memory_is_told_of_and_is_no_ctrl_c_and_no_package_that_lacks(
    mebibytes: int, build_folder: Path
) -> None:
    """In a process of its own, as the packages are loaded within the limit."""
    limited = ["sh", "-c", f'ulimit -v {mebibytes << 10}; exec "$@"', "sh"]
    words = [sys.executable, "-m", "glyphite.host.cli", "stream", "uno", "--port", "sim://native"]
    done = subprocess.run(
        [*limited, *words, "--count", "5"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "GLYPHITE_BUILD": str(build_folder)},
    )
    said = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert re.search("memory|cannot be loaded", said, re.IGNORECASE), done.stderr
    assert "is not installed" not in said
    assert "Traceback" not in done.stderr
