"""The Uno's network fits an Uno; a training on varied images is repeatable, goes on where it was
stopped, and does what its recipe says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.mnist import Mnist
from glyphite.train.checkpoint import Checkpoint
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks import varied
from glyphite.train.networks.augment import Warp
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipe import Average, Recipe
from glyphite.train.networks.recipes import course, train
from glyphite.train.networks.varied import fit_varied, lesson
from tests.builders.training import digest, digests_elsewhere, few
from tests.strict import require_module

require_module("tensorflow")

FEW = Settings("uno", epochs=3, batch_size=64, seed=7)
SMALL = Recipe(rate=4e-3, decay=1e-3)

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


def test_each_epoch_has_images_and_an_order_of_its_own(mnist: Mnist) -> None:
    data = few(mnist, 300)
    lessons = [lesson(data, FEW, SMALL, epoch) for epoch in range(3)]
    assert [images.shape for images, _ in lessons] == [data.train_images.shape] * 3
    assert all(
        sorted(labels.tolist()) == sorted(data.train_labels.tolist()) for _, labels in lessons
    )
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (lessons[one][1] != lessons[other][1]).any()
        pairs = (np.sort(lessons[at][0].sum(axis=(1, 2), dtype=int)) for at in (one, other))
        assert (next(pairs) != next(pairs)).mean() > 0.9


def test_a_share_of_the_images_is_learnt_as_it_is_written_at_the_end(mnist: Mnist) -> None:
    data, recipe = few(mnist, 400), replace(SMALL, as_written=0.5, as_written_in=0.4)
    settings, known = replace(FEW, epochs=5), {image.tobytes() for image in data.train_images}
    written = [
        np.mean([image.tobytes() in known for image in lesson(data, settings, recipe, epoch)[0]])
        for epoch in range(5)
    ]
    assert written[:3] == [0, 0, 0]
    assert written[3:] == pytest.approx([0.5, 0.5], abs=0.1)


def test_the_learning_rate_rises_for_an_epoch_and_is_0_at_the_end() -> None:
    rate = varied._optimizer(replace(SMALL, rate=0.01), batches=8, epochs=5)._learning_rate
    rates = [float(rate(step)) for step in (0, 4, 8, 24, 39, 40)]
    assert rates[:4] == pytest.approx([0, 0.005, 0.01, 0.005])
    assert rates[4] > 0
    assert rates[5] == pytest.approx(0, abs=1e-9)


def test_kernels_alone_lose_weight() -> None:
    """Without gradients, nothing else changes them; the first step has a rate of 0."""
    import keras

    names = ("kernel", "bias", "gamma", "beta")
    variables = [keras.Variable(np.ones(3, np.float32), name=name) for name in names]
    optimizer = varied._optimizer(SMALL, batches=4, epochs=3)
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


def test_there_are_few_enough_macs_for_a_tenth_of_a_second() -> None:
    macs = 0
    for layer in network("uno")().layers:
        if hasattr(layer, "kernel"):
            places = np.prod(layer.output.shape[1:-1], dtype=int)
            macs += int(places * layer.kernel.shape.num_elements())
    assert macs <= 230_000  # those of pixels that the pooling drops, too, which are never computed


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
    assert digest(train(FEW, other)) == digest(trained)


def test_the_same_seed_gives_the_same_weights_in_another_process() -> None:
    """Twice elsewhere: there TensorFlow has not started, so the recipe sets its threads."""
    assert len(digests_elsewhere(replace(FEW, epochs=2), 128)) == 1


def test_another_seed_gives_other_weights(trained: Trained, mnist: Mnist) -> None:
    assert digest(train(replace(FEW, seed=8), few(mnist, IMAGES))) != digest(trained)


def test_progress_counts_every_step(
    trained: Trained, mnist: Mnist, reports: list[tuple[int, str | None]]
) -> None:
    assert sum(steps for steps, _ in reports) == FEW.batches(IMAGES)
    assert str(reports[-1][1]).startswith("epoch 3/3  loss ")


def test_images_calm_down_towards_the_end() -> None:
    recipe = replace(SMALL, full_strength=0.6, final_strength=0.4)
    shifts = [recipe.warp_in(epoch, 10).shift for epoch in range(10)]
    assert shifts[:6] == [Warp().shift] * 6
    assert shifts[-1] == pytest.approx(0.4 * Warp().shift)
    assert np.allclose(np.diff(shifts[5:]), -0.15 * Warp().shift)


class _StoppedError(Exception):
    """In place of a power cut."""


def _stopped_after(epochs: int, settings: Settings, data: Mnist, recipe: Recipe, at: Path) -> None:
    """A run that ends in the midst of the next epoch."""
    left = epochs * -(-len(data.train_images) // settings.batch_size) + 1

    def progress(steps: int = 1, note: str | None = None) -> None:
        nonlocal left
        left -= steps
        if left < 0:
            raise _StoppedError(note)

    with pytest.raises(_StoppedError):
        fit_varied(settings, data, recipe, progress, Checkpoint(at))


def test_a_run_that_was_stopped_comes_to_the_same_weights(mnist: Mnist, tmp_path: Path) -> None:
    """With all that a run carries from epoch to epoch: dropout, an average, a rate that falls."""
    data, settings = few(mnist, 256), Settings("seed", epochs=3, batch_size=64, seed=7)
    recipe = replace(SMALL, average=Average(0.3, 0.4), as_written=0.5, smoothing=0.05)
    whole = fit_varied(settings, data, recipe)
    path, reports = tmp_path / "training.npz", list[int]()
    _stopped_after(2, settings, data, recipe, path)
    kept = Checkpoint(path).load()
    assert kept is not None
    assert kept.epochs == 2
    assert kept.average

    def progress(steps: int = 1, note: str | None = None) -> None:
        reports.append(steps)

    again = fit_varied(settings, data, recipe, progress, Checkpoint(path))
    assert digest(again) == digest(whole)
    assert again.history == whole.history
    assert reports[:2] == [0, 8]  # two epochs of four batches are not learnt anew
    unkept = fit_varied(settings, data, replace(recipe, average=None))
    assert digest(unkept) != digest(whole)


def test_a_damaged_state_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "training.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    assert Checkpoint(path).load() is None


def test_dropout_is_as_strong_as_the_recipe_says(mnist: Mnist) -> None:
    settings = Settings("seed", epochs=1, batch_size=64)
    done = fit_varied(settings, few(mnist, 64), replace(SMALL, dropout=0.5))
    rates = [layer.rate for layer in done.model.layers if hasattr(layer, "rate")]
    assert rates == [0.125, 0.125, 0.25]


def test_a_saved_run_says_how_it_was_made(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path / "model.keras", tmp_path / "history.json")
    history = json.loads((tmp_path / "history.json").read_text())
    assert (history["network"], history["epochs"], history["seed"]) == ("uno", 3, 7)
    assert history["parameters"] == trained.parameters
    assert (history["recipe"], history["judged_by"]) == ("plain", "test")
    assert course("uno", "plain").recipe == trained.recipe
    size = (tmp_path / "model.keras").stat().st_size
    assert size < 2 * 4 * trained.parameters + 80_000  # an optimizer has twice the weights again
    assert history["hyperparameters"]["rate"] == 0.004
