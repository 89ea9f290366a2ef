"""Targets: shares that sum to 1, of the labels and of a teacher's answers."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import ModelError
from glyphite.train.fit import unit_images
from glyphite.train.networks import targets
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipe import Recipe, Teaching
from glyphite.train.networks.targets import softened, targets_of
from tests.strict import require_module

require_module("tensorflow")

RECIPE = Recipe(rate=1e-3, decay=0.0)


def test_labels_alone_are_one_class_each(mnist: Mnist) -> None:
    made = targets_of(RECIPE)(mnist.test_images[:20], mnist.test_labels[:20])
    assert (made == np.eye(10)[mnist.test_labels[:20]]).all()


def test_smoothing_leaves_a_share_for_each_class(mnist: Mnist) -> None:
    labels = mnist.test_labels[:20]
    made = targets_of(Recipe(rate=1e-3, decay=0.0, smoothing=0.05))(mnist.test_images[:20], labels)
    assert made[np.arange(20), labels] == pytest.approx(np.full(20, 0.955))
    assert np.sort(made, axis=1)[:, :9] == pytest.approx(np.full((20, 9), 0.005))


def test_a_power_below_1_gives_the_runners_up_more() -> None:
    scores = np.array([[0.9, 0.09, 0.01]], np.float32)
    soft = softened(scores, 0.5)
    assert soft.sum() == pytest.approx(1)
    assert soft[0] == pytest.approx(np.sqrt(scores[0]) / np.sqrt(scores[0]).sum())
    assert soft[0, 2] > scores[0, 2]


def test_a_teacher_has_its_share_and_the_label_the_rest(
    mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHITE_BUILD", str(tmp_path))
    teacher = network("uno")()
    (tmp_path / "wise").mkdir()
    teacher.save(tmp_path / "wise" / "model.keras")
    images, labels = mnist.test_images[:600], mnist.test_labels[:600]
    teaching = Teaching("wise", share=0.75, power=0.6)
    made = targets_of(Recipe(rate=1e-3, decay=0.0, teaching=teaching))(images, labels)
    answers = np.asarray(teacher(unit_images(images), training=False))
    expected = 0.75 * softened(answers, 0.6) + 0.25 * np.eye(10)[labels]
    assert made == pytest.approx(expected, abs=1e-5)


def test_a_teacher_that_is_not_there_is_named_with_the_command_that_trains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHITE_BUILD", str(tmp_path))
    monkeypatch.setattr(targets, "MODELS", tmp_path)
    with pytest.raises(ModelError, match=r"no model 'seed-best'.*train seed --recipe best"):
        targets.teacher_sha256(Recipe(rate=1e-3, decay=0.0, teaching=Teaching("seed-best")))
