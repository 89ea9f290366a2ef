"""The Uno's network fits an Uno, and its training is repeatable and does what its recipe says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.mnist import Mnist
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks import uno
from glyphite.train.networks.augment import Warp
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipes import defaults, train
from glyphite.train.networks.uno import UNO_DEFAULTS, Recipe, fit_uno
from tests.builders.training import digest, digests_elsewhere, few
from tests.strict import require_module

require_module("tensorflow")

FEW = Settings("uno", epochs=3, batch_size=64, seed=7)

IMAGES = 1200


@pytest.fixture(scope="module")
def reports() -> list[tuple[int, str | None]]:
    """What the run told of its progress."""
    return []


@pytest.fixture(scope="module")
def trained(mnist: Mnist, reports: list[tuple[int, str | None]]) -> Trained:
    """One short run that several tests look at; most of its time TensorFlow compiles."""

    def progress(steps: int = 1, note: str | None = None) -> None:
        reports.append((steps, note))

    return train(FEW, few(mnist, IMAGES), progress)


def test_each_epoch_has_images_of_its_own(mnist: Mnist) -> None:
    images = mnist.train_images[:30]
    lessons = list(uno._lessons(Settings("uno", epochs=3, seed=7), images, Recipe()))
    assert [lesson.shape for lesson in lessons] == [images.shape] * 3
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (lessons[one] != lessons[other]).any(axis=(1, 2)).all()


def test_the_learning_rate_rises_for_an_epoch_and_is_0_at_the_end() -> None:
    rate = uno._optimizer(Recipe(rate=0.01), batches=8, epochs=5)._learning_rate
    rates = [float(rate(step)) for step in (0, 4, 8, 24, 39, 40)]
    assert rates[:4] == pytest.approx([0, 0.005, 0.01, 0.005])
    assert rates[4] > 0
    assert rates[5] == pytest.approx(0, abs=1e-9)


def test_kernels_alone_lose_weight() -> None:
    """Without gradients, nothing else changes them; the first step has a rate of 0."""
    import keras

    names = ("kernel", "bias", "gamma", "beta")
    variables = [keras.Variable(np.ones(3, np.float32), name=name) for name in names]
    optimizer = uno._optimizer(Recipe(), batches=4, epochs=3)
    for _ in range(3):
        optimizer.apply([np.zeros(3, np.float32)] * 4, variables)
    assert [bool(np.all(np.asarray(variable) == 1)) for variable in variables] == [
        False, True, True, True,
    ]  # fmt: skip


def test_weights_fit_beside_the_sketch() -> None:
    """At most 22,500 bytes: one a weight, eight an output channel for bias and requantization."""
    convolutions = [layer for layer in network("uno")().layers if hasattr(layer, "kernel")]
    weights = sum(layer.kernel.shape.num_elements() for layer in convolutions)
    channels = sum(layer.kernel.shape[-1] for layer in convolutions)
    assert weights + 8 * channels <= 22_500


def test_there_are_few_enough_macs_for_an_eighth_of_a_second() -> None:
    macs = 0
    for layer in network("uno")().layers:
        if hasattr(layer, "kernel"):
            places = np.prod(layer.output.shape[1:-1], dtype=int)
            macs += int(places * layer.kernel.shape.num_elements())
    assert macs <= 210_000


def test_channels_come_in_fours() -> None:
    """The AVR kernel computes four outputs from each value that it loads."""
    convolutions = [layer for layer in network("uno")().layers if hasattr(layer, "filters")]
    assert all(layer.filters % 4 == 0 for layer in convolutions)


def test_a_run_learns(trained: Trained) -> None:
    assert trained.history["loss"][-1] < 0.6 * trained.history["loss"][0]
    assert trained.history["val_accuracy"][-1] > 0.5


def test_the_test_set_judges_once_at_the_end(trained: Trained, mnist: Mnist) -> None:
    assert {name: len(row) for name, row in trained.history.items()} == {
        "loss": 3,
        "accuracy": 3,
        "val_loss": 1,
        "val_accuracy": 1,
    }
    answers = trained.scores(mnist.test_images[:500])
    right = np.mean(answers.argmax(axis=1) == mnist.test_labels[:500])
    assert trained.history["val_accuracy"][0] == pytest.approx(right)


def test_test_images_have_no_part_in_the_training(trained: Trained, mnist: Mnist) -> None:
    data = few(mnist, IMAGES)
    other = Mnist(
        data.train_images, data.train_labels, mnist.test_images[500:600], mnist.test_labels[500:600]
    )
    assert digest(fit_uno(FEW, other)) == digest(trained)


def test_the_same_seed_gives_the_same_weights_in_another_process() -> None:
    """Twice elsewhere: there TensorFlow has not started, so the recipe sets its threads."""
    assert len(digests_elsewhere(replace(FEW, epochs=2), 128)) == 1


def test_another_seed_gives_other_weights(trained: Trained, mnist: Mnist) -> None:
    assert digest(fit_uno(replace(FEW, seed=8), few(mnist, IMAGES))) != digest(trained)


def test_progress_counts_every_step(
    trained: Trained, mnist: Mnist, reports: list[tuple[int, str | None]]
) -> None:
    assert sum(steps for steps, _ in reports) == FEW.batches(IMAGES)
    assert str(reports[-1][1]).startswith("epoch 3/3  loss ")


def test_images_calm_down_towards_the_end() -> None:
    recipe = Recipe(full_strength=0.6, final_strength=0.4)
    shifts = [recipe.warp_in(epoch, 10).shift for epoch in range(10)]
    assert shifts[:6] == [Warp().shift] * 6
    assert shifts[-1] == pytest.approx(0.4 * Warp().shift)
    assert np.allclose(np.diff(shifts[5:]), -0.15 * Warp().shift)


def test_uno_has_defaults_of_its_own_and_other_networks_the_usual_ones() -> None:
    assert defaults("uno") == UNO_DEFAULTS
    assert defaults("seed") == Settings("seed", epochs=10, batch_size=32, seed=1)


def test_a_saved_run_says_how_it_was_made(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path / "model.keras", tmp_path / "history.json")
    history = json.loads((tmp_path / "history.json").read_text())
    assert (history["network"], history["epochs"], history["seed"]) == ("uno", 3, 7)
    assert history["parameters"] == trained.parameters
