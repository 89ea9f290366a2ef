"""The command of the training that a report prints trains with the very settings again."""

import json
import shlex
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from glyphite.convert.preprocessing import named_preprocessing
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import whole_parser
from glyphite.host.cli.train import _settings
from glyphite.host.report.again import commands
from glyphite.host.report.collect import collect
from glyphite.train.fit import Settings
from tests.builders.results import put_stream

RECENT = ("recipe", "judged_by", "hyperparameters", "data")
"""What history.json did not have at first."""


def again(folder: ModelFolder, changes: dict[str, Any], *, is_old: bool = False) -> list[str]:
    """The words of the command, of a training whose history.json differs by ``changes``."""
    history = json.loads(folder.history.read_text()) | changes
    kept = {key: value for key, value in history.items() if not (is_old and key in RECENT)}
    own = ModelFolder(folder.root, folder.tflite)
    put_stream(own, "native")
    if not own.shipped:
        own.history.write_text(json.dumps(kept))
    document = collect(own).document
    if own.shipped:
        assert not changes
    return shlex.split(commands(document, own.named)[0])[1:]


@pytest.mark.parametrize(
    ("name", "changes", "settings"),
    [
        ("seed", {}, Settings("seed", epochs=1)),
        ("seed", {"judged_by": "held back", "seed": 7}, Settings("seed", epochs=1, seed=7)),
        ("seed", {"recipe": "best"}, Settings("seed", epochs=1, recipe="best")),
        ("seed-best", {}, Settings("seed", epochs=40, batch_size=128, recipe="best")),
        ("uno", {}, Settings("uno", epochs=200, batch_size=128, recipe="best")),
        ("uno-fast", {}, Settings("uno-fast", epochs=200, batch_size=128, recipe="best")),
    ],
)
def test_the_command_trains_with_the_same_settings(
    seed: ModelFolder, name: str, changes: dict[str, Any], settings: Settings
) -> None:
    folder = seed if name == "seed" else find_model(name)
    arguments = whole_parser().parse_args(again(folder, changes))
    assert _settings(arguments) == settings
    assert arguments.held_back == (changes.get("judged_by") == "held back")
    assert arguments.name == name
    assert arguments.data is arguments.preprocess is None


def test_a_history_of_before_there_were_recipes_is_of_the_plain_one(seed: ModelFolder) -> None:
    arguments = whole_parser().parse_args(again(seed, {}, is_old=True))
    assert _settings(arguments) == Settings("seed", epochs=1)
    assert not arguments.held_back


def test_a_network_of_the_user_s_own_has_no_recipe(seed: ModelFolder) -> None:
    data = {"source": "own.npz", "options": {}, "name": "own", "sha256": "", "split": ""}
    words = again(seed, {"network": "own.py:make", "data": data, "judged_by": "held back"})
    assert not {"--recipe", "--held-back"} & {*words}
    arguments = whole_parser().parse_args(words)
    assert str(arguments.data) == "own.npz"
    assert arguments.name == "seed"
    assert arguments.preprocess == "unit"


@pytest.mark.parametrize("word", ["raw", "signed", "inverted", "12.75", "0.1", "standard"])
def test_samples_are_prepared_again_as_they_were(seed: ModelFolder, word: str) -> None:
    data = {"source": "own.npz", "options": {}, "name": "own", "sha256": "", "split": ""}
    done = asdict(named_preprocessing(word, np.arange(12.0).reshape(4, 3)))
    words = again(seed, {"network": "own.py:make", "data": data, "preprocessing": done})
    assert whole_parser().parse_args(words).preprocess == word
