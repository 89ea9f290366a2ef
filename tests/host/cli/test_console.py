"""What comes from outside reaches the terminal as it can be shown, and never as markup."""

import io
import json
import re
import sys

import pytest

from glyphite.host.cli import VERBS, main
from glyphite.host.cli.console import print_status, print_table, progress_bar, say
from glyphite.host.cli.streams import print_error, safe_streams
from tests.paths import PROJECT

AT_THE_END = ("console.py", "heartbeat.py", "streams.py")
MARKUP = "[red]a[link=x]b[/b] :bomb:"
HOSTILE = f"{MARKUP}\x1b[2J\r\n\u202e\udce9"
SHOWN = f"{MARKUP}\\x1b[2J\\r\\n\\u202e\\xe9"


def test_a_line_for_people_is_one_line_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    print_error(HOSTILE)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{SHOWN}\n", f"{SHOWN}\n")


def test_a_message_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_status("first\n\x1b[1Asecond")
    assert capsys.readouterr().err == "first\n\\x1b[1Asecond\n"


def test_no_cell_title_or_heading_is_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_table([HOSTILE, "b"], [(HOSTILE, 1)], title=HOSTILE)
    assert capsys.readouterr().out.count(SHOWN) == 3


def test_no_title_or_note_of_progress_is_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("glyphite.host.cli.console.STDERR._force_terminal", True)
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr("glyphite.host.cli.console.STDERR._width", 200)
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal has 80 columns
    with progress_bar(HOSTILE, 1) as progress:
        progress(note=HOSTILE)
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", written.getvalue())
    assert plain.count(SHOWN) >= 2
    assert "\x1b[2J" not in written.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932"])
def test_a_stream_of_any_encoding_takes_every_text(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding))
    safe_streams()
    sys.stdout.write("█… é模\udce9")
    sys.stdout.flush()
    shown = kept.getvalue().decode(encoding)
    assert shown.startswith(("#~ ", "#… ", "█… "))
    assert shown.endswith("\\udce9")


@pytest.mark.parametrize("words", [("boards",), ("inspect", "uno")])
def test_a_verb_ends_well_on_a_pipe_of_ascii(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, "ascii"))
    assert main(list(words)) == 0
    sys.stdout.flush()
    assert b"\\u" not in kept.getvalue()
    assert b"uno" in kept.getvalue()


def test_what_argparse_repeats_of_the_command_is_shown_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (
        ["inspect", "uno", f"--{HOSTILE}"],
        [HOSTILE],
        ["bench", "uno", "--count", HOSTILE],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert re.fullmatch(r"[ -~\n]+", capsys.readouterr().err)


def test_an_error_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", f"{HOSTILE}.tflite"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert SHOWN in said


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "uno", "--json"]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said)["model"] == "uno"


def test_nothing_is_printed_past_the_console() -> None:
    others = [path for path in (PROJECT / "host").rglob("*.py") if path.name not in AT_THE_END]
    others += [
        *(PROJECT / "convert").rglob("*.py"),
        *(PROJECT / "train" / "glyphite").rglob("*.py"),
    ]
    assert len(others) > len(VERBS)
    printing = re.compile(r"(?<![\w.])print\(|STDOUT\.|STDERR\.|std(out|err)\.write\(")
    found = {path.name for path in others if printing.search(path.read_text())}
    # The demo hands on the output of a stage that failed; the probe is a program of its own.
    assert found == {"demo.py", "tflm_probe.py"}
