"""What verbs make of their options, what they print, and how they end."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.host.cli import VERBS, compare, main, stream_table, verify, whole_parser
from glyphite.host.measure.verify import random_inputs

MANIFEST = Manifest(
    name="example",
    sha256="ab" * 32,
    input=TensorInfo((1, 2), "int8", 0.5, 0),
    output=TensorInfo((1, 3), "int8", 1 / 256, -128),
    labels=("a", "b", "c"),
)


@pytest.mark.parametrize(
    ("words", "usage", "said"),
    [
        (["compil"], "glyphite [-h]", "no verb 'compil'. Did you mean compile? There are: new,"),
        (["xyz"], "glyphite [-h]", "no verb 'xyz'. There are: new, train, search, convert"),
        ([], "glyphite [-h]", "a verb is missing. `glyphite --help` lists them."),
        (["build", "uno", "--bord", "x"], "glyphite build [-h]", "are required: --board"),
        (
            ["build", "uno", "--bord", "x"],
            "glyphite build [-h]",
            ": --board. Did you mean --board in place of --bord?",
        ),
        (
            ["inspect", "uno", "--optimise=ram"],
            "glyphite inspect [-h]",
            "arguments: --optimise=ram. Did you mean --optimize in place of --optimise?",
        ),
        (["inspect", "uno", "--wide"], "glyphite inspect [-h]", "unrecognized arguments: --wide"),
        (["inspect", "uno", "more"], "glyphite inspect [-h]", "unrecognized arguments: more"),
    ],
)
def test_a_wrong_call_shows_the_usage_of_what_was_called(
    words: list[str], usage: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"usage: {usage}")
    assert said in err


def test_help_fits_80_columns_and_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    for verb, summary in VERBS.items():
        assert f"  {verb:11}{summary}" in lines


def test_ctrl_c_ends_a_verb_as_a_signal_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("glyphite.host.cli.boards.all_boards", interrupt)
    assert main(["boards"]) == 130
    assert capsys.readouterr() == ("", "glyphite boards: interrupted.\n")


def test_verify_draws_as_many_inputs_as_it_is_told_by_the_seed_it_is_told() -> None:
    parser = argparse.ArgumentParser()
    verify.add_arguments(parser)
    arguments = parser.parse_args(["m", "--board", "native", "--count", "3", "--seed", "9"])
    manifest = replace(MANIFEST, input=TensorInfo((1, 5), "int8", 1.0, 0))
    groups, words = verify._groups(arguments, manifest)
    np.testing.assert_array_equal(groups["random"], random_inputs((5,), 3, seed=9))
    assert words == ["--count", "3", "--seed", "9"]


def test_the_accuracy_of_a_runner_that_is_left_out_does_not_stay(tmp_path: Path) -> None:
    """That of the float model, say, of which there is another one now."""
    path = tmp_path / "manifest.json"
    runners = [{"name": "int8_tflm", "accuracy": 0.75}]
    before = replace(MANIFEST, accuracy={"float": 0.99, "int8_tflm": 0.5})
    compare._note_accuracies(before, {"runners": runners}, path)  # type: ignore[typeddict-item]
    assert Manifest.load(path).accuracy == {"int8_tflm": 0.75}


def test_a_boards_seconds_are_printed_with_the_clock_that_they_are_by() -> None:
    streaming: Any = {
        "seconds_per_image": {"mean": 0.0125, "min": 0.01, "max": 1.5},
        "timed_by": "the board",
        "instructions_per_image": None,
    }
    assert stream_table._time_rows(streaming) == [
        ("time measured on the board, mean", "12.5 ms an image"),
        ("least to most", "10.0 ms to 1.50 s"),
    ]
    instructions: Any = {"instructions_per_image": 1_360_336, "seconds_per_image": None}
    assert stream_table._time_rows(instructions | {"timed_by": None}) == [
        ("instructions, mean", "about 1,360,000 an image")
    ]


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (verbs,) = (each.choices for each in parser._actions if isinstance(each.choices, dict))
    return dict(verbs)


def test_an_option_is_the_same_in_all_verbs() -> None:
    """Its metavar and its help, up to what the verb adds in parentheses."""
    told: dict[str, set[tuple[object, str]]] = {}
    for verb in verbs_of(whole_parser()).values():
        for action in verb._actions:
            for name in action.option_strings:
                assert action.nargs == 0 or action.metavar, name
                said = str(action.help).partition(" (")[0]
                told.setdefault(name, set()).add((action.metavar, said))
    assert {name for name, ways in told.items() if len(ways) > 1} == set()
    assert {"--board", "--port", "--json", "--count"} <= set(told)


@pytest.mark.parametrize("verb", VERBS)
def test_words_without_dashes_name_what_the_verb_is_about(verb: str) -> None:
    """The model first; what is read, learned or made for is no model."""
    actions = verbs_of(whole_parser())[verb]._actions
    places = [action.metavar for action in actions if not action.option_strings]
    others = {
        "new": ["NAME"],
        "train": ["NETWORK"],
        "predict": ["IMAGE", "MODEL"],
        "compare": ["MODEL", "OTHER"],
        "report": ["MODEL", "OTHER"],
        "completion": ["SHELL"],
    }
    without = ("boards", "demo", "monitor", "search")
    assert places == others.get(verb, [] if verb in without else ["MODEL"])
    assert verb == "completion" or actions[-1].option_strings == ["--json"]
