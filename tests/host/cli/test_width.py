"""Every verb's output fits 80 columns, in any encoding, and nothing that one types is cut."""

import io
import re
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from glyphite.convert.boards import all_boards
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import find_model
from glyphite.host.cli import VERBS, boards, compare, console, convert, demo, main
from glyphite.host.cli.streams import command_lines, safe_streams, wrapped
from glyphite.host.runners.base import TITLES
from glyphite.host.runners.litert import read_manifest
from tests.paths import PROJECT

COLUMNS = 80
SEVEN = str(PROJECT / "tests" / "data" / "seven.png")
QUICK = (
    "boards",
    "doctor",
    "new wand",
    "inspect uno --board cortex-m4 --optimize ram",
    "compile uno --board uno",
    f"predict {SEVEN} uno --show",
)
STAGES = (
    "export uno --arduino",
    "export uno --tflm",
    "build uno --board native",
    "verify uno --board native --count 1",
    "stream uno --port sim://native --count 3 --trace line.jsonl",
    "monitor --trace line.jsonl",
    "doctor --port sim://native --count 3 --save board.json",
    "size uno --board native",
    "mlperf uno --count 70",
)
"""In this order, as each uses what the one before it has made."""
ELSEWHERE = {
    *("train", "search", "convert", "schemes", "compare", "report", "demo", "bench", "flash"),
    *("emulate", "serve"),
}
"""Verbs that train, or run for long: tables of three are printed below, and all print as the others
do."""
SCRIPT = {"completion"}
"""What a shell reads has lines of any width."""
ENCODINGS = ("ascii", "cp1252")


class Screen:
    """A terminal of 80 columns whose encoding lacks much, from now to the end of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self.encoding = encoding
        self.kept = io.BytesIO(), io.BytesIO()
        monkeypatch.setenv("COLUMNS", str(COLUMNS))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(console.STDERR, "_force_terminal", True)
        for name, kept in zip(("stdout", "stderr"), self.kept, strict=True):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(kept, encoding))
        safe_streams()

    def lines(self) -> list[str]:
        """What was printed since the last call, without what moves the cursor; all of it fits."""
        found = []
        for stream, kept in zip((sys.stdout, sys.stderr), self.kept, strict=True):
            stream.flush()
            text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", kept.getvalue().decode(self.encoding))
            found += re.split(r"[\r\n]+", text)
            kept.seek(0)
            kept.truncate()
        assert [line for line in found if cell_len(line) > COLUMNS] == []
        assert not [line for line in found if "\\x" in line or "\\u" in line]
        return found


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results have short paths, as a user's have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLYPHITE_BUILD", "build")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", QUICK, ids=lambda words: words.split()[0])
def test_a_verb_fits(words: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, encoding)
    assert main(words.split()) == 0
    assert len(screen.lines()) > 3


def test_the_verbs_that_use_each_other_s_results_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, "cp1252")
    for words in STAGES:
        assert main(words.split()) == 0, screen.lines()
        assert len(screen.lines()) > 1


def test_these_are_all_verbs() -> None:
    run = {words.split()[0] for words in (*QUICK, *STAGES)}
    assert run | ELSEWHERE | SCRIPT == set(VERBS)
    assert not run & ELSEWHERE


def comparison() -> Any:  # noqa: ANN401 - of a Comparison, what is printed
    """Of all runners, as a model of 10,000 images gives it."""
    figures = {"correct": 9_876, "accuracy": 0.9876, "interval": (0.98, 0.99), "drop_points": 0.1}
    figures |= {"error": None}
    pair = {"answers_differ": 12, "images_differ": 1_234, "largest_difference": 12}
    runners = [figures | {"name": name, "title": title} for name, title in TITLES.items()]
    pairs = [pair | {"first": one, "second": other} for one, other in pairwise(TITLES)]
    document = {"model": "uno", "images": 10_000, "oracle": "int8_tflm", "task": "classification"}
    document |= {"data": {"title": "MNIST", "sha256": "", "words": []}}
    return document | {"runners": runners, "pairs": pairs}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_long_verbs_print_fits(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, encoding)
    folder = find_model("uno")
    content, manifest = read_bytes(folder.tflite), read_manifest(folder)
    convert._print(folder, manifest, content, 90_000)
    compare._print(comparison(), folder, as_json=False)
    board = {"name": "cortex-m4", "images": 1000, "mismatched_bytes": 0, "reference": "c"}
    board |= {"accuracy": 0.98, "reference_accuracy": 0.98}
    accuracy = dict.fromkeys(("float", "int8_litert", "c", "board"), 0.98)
    report = {"board": board, "accuracy": accuracy, "labels": list("0123456789")}
    demo._print_result(report | {"compare": {"images": 10_000}}, board | {"milliseconds": 87.1})
    assert len(screen.lines()) > 20


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_a_help_fits(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, "ascii")
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*verb.split(), "--help"])
    assert len(screen.lines()) > 5


def test_a_width_that_no_terminal_has_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for columns in (str(COLUMNS), "0", "5"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["boards"]) == 0
        said.append(capsys.readouterr().out)
    assert "cortex-m33" in said[0]
    assert said == said[:1] * 3


def test_an_example_can_be_typed_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        _, shown = capsys.readouterr().out.replace(" \\\n   ", "").split("\nexample: ")
        assert shown == f"{import_module(f'glyphite.host.cli.{verb}').EXAMPLE}\n"


def test_no_name_of_a_board_is_cut_and_commands_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where nothing is installed the table has most to say."""
    screen = Screen(monkeypatch, "ascii")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["boards"]) == 0
    lines = screen.lines()
    names = {line.split()[1] for line in lines if line[:2] == "| " and line[2] != " "}
    assert names == {"board", *(board.name for board in all_boards())}
    said = re.sub(r"\\\n +", "", "\n".join(lines))
    for board in all_boards():
        installs = boards._installs(boards._describe(board, frozenset()))
        assert installs
        assert all(command in said for command in installs)


def printed(capsys: pytest.CaptureFixture[str], show: Callable[[], None]) -> list[str]:
    show()
    return capsys.readouterr().out.splitlines()


LONG = ("depthwise_conv_2d_average_pool_2d_12", "depthwise_conv_2d_average_pool_2d_13")


def test_names_of_layers_stay_whole_where_a_table_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.STDOUT, "_width", 60)
    rows = [(name, "7,584,332", "99.9 %", "1,234,567,890") for name in LONG]
    columns = ("layer", "instructions", "share", "modelled cycles")
    lines = printed(capsys, lambda: console.print_table(columns, rows))
    assert max(map(cell_len, lines)) <= 60
    whole = "".join(re.sub(r"│.*", "", line[1:]).strip() for line in lines if line[0] == "│")
    assert whole == "".join(LONG)
    assert all(any(f" {number} " in line for line in lines) for number in rows[0][1:])


def test_a_table_that_has_room_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, lambda: console.print_table(("a", "b"), [("one two", 12)]))
    assert [line.strip("│┃ ") for line in lines if line[0] in "│┃"] == [
        "a       ┃  b",
        "one two │ 12",
    ]


def test_what_is_typed_is_never_broken() -> None:
    command = f"glyphite verify {'x' * 90}.tflite --board native"
    lines = wrapped(f"    Nothing is there. Make it with `{command}`, or name another.", 40)
    assert [len(line) <= 40 for line in lines] == [True, False, True]
    assert lines[1] == f"    `{command}`,"
    assert " ".join(line.strip() for line in lines).count(command) == 1


def test_a_long_command_is_typed_on_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"glyphite verify 'a  b {'x' * 30}' --board native --count 5"
    lines = command_lines(text, 50, "  ")
    assert lines == [
        "  glyphite verify \\",
        f"      'a  b {'x' * 30}' \\",
        "      --board native --count 5",
    ]
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_lines(text, 50, "  ") == [f"  {text}"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_progress_bar_stays_on_a_narrow_terminal(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(monkeypatch, encoding)
    with console.progress_bar("Quantizing", 4) as progress:
        progress(2, note="to int8, by 200 of 60,000 MNIST training images, evenly spread")
    last = [line for line in screen.lines() if "2/4" in line][-1]
    assert last.count("-") >= console.BAR // 2
    assert "to int8, by 2" in last
