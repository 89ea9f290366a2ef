"""Recipes by name: each network has a usual one, and a model is called after what is not usual."""

from dataclasses import replace
from pathlib import Path

import pytest

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import InputError
from glyphite.train.fit import Settings
from glyphite.train.networks.recipes import course, defaults, kept_state, usual_name
from tests.builders.training import few


def test_seed_is_trained_as_its_document_says_unless_asked_otherwise() -> None:
    assert defaults("seed") == Settings("seed", epochs=10, batch_size=32, seed=1, recipe="plain")
    assert course("seed").recipe is None
    assert course("seed", "best").recipe is not None


def test_a_model_is_called_after_its_network_and_a_recipe_that_is_not_the_usual_one() -> None:
    names = [usual_name(defaults(*each)) for each in (("seed",), ("seed", "best"), ("uno",))]
    assert names == ["seed", "seed-best", "uno"]
    assert usual_name(defaults("uno", "plain")) == "uno-plain"


def test_an_unknown_recipe_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"seed has no recipe 'bets': there is plain and best\."):
        defaults("seed", "bets")


def test_each_run_keeps_its_state_in_a_file_of_its_own(mnist: Mnist, tmp_path: Path) -> None:
    data, settings = few(mnist, 20), defaults("uno", "plain")
    same, longer, less = (
        kept_state(each, part, tmp_path).path
        for each, part in (
            (settings, data),
            (replace(settings, epochs=3), data),
            (settings, few(mnist, 19)),
        )
    )
    assert same == kept_state(settings, few(mnist, 20), tmp_path).path
    assert len({same, longer, less}) == 3
    assert kept_state(defaults("seed"), data, tmp_path).path is None
